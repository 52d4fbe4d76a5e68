import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { temporaryFolder } from '../../test/cli.ts';
import { knownStats } from './known-stats.ts';
import type { ModelStats } from './stats.ts';

it('takes statistics of a large log from beside it until the log, the question or the file changes', async () => {
  const folder = temporaryFolder();
  const segment = path.join(folder, 'predictions-1.jsonl');
  let computed = 0;
  const ask = (options = {}): Promise<ModelStats[]> =>
    knownStats(folder, options, () => Promise.resolve([{ model: String(++computed) } as ModelStats]));
  const beside = path.join(folder, '.statistics.json');
  fs.writeFileSync(segment, 'small');
  await ask();
  expect(fs.existsSync(beside)).toBe(false);
  fs.writeFileSync(segment, Buffer.alloc(17 << 20));
  expect(await ask()).toEqual([{ model: '2' }]);
  expect(await ask()).toEqual([{ model: '2' }]);
  expect(await ask({ by: 'day' })).toEqual([{ model: '3' }]);
  fs.appendFileSync(segment, 'more');
  expect(await ask({ by: 'day' })).toEqual([{ model: '4' }]);
  fs.truncateSync(beside, 10);
  expect(await ask({ by: 'day' })).toEqual([{ model: '5' }]);
  expect(await ask({ by: 'day' })).toEqual([{ model: '5' }]);
});
