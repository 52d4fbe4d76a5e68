import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { convertModel } from '../../../src/app/registry/convert.ts';
import { registerModel } from '../../../src/app/registry/register.ts';
import { versionNamed } from '../../../src/app/registry/resolve-model.ts';
import { openTracking, type TrackingStore } from '../../../src/tracking/index.ts';
import { describeWithTool } from '../../tools.ts';

const run = promisify(execFile);
const script = path.join(import.meta.dirname, 'python', 'make_convertible.py');

describeWithTool('convert', 'models convert', ({ convert: python }) => {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'convert-')));
  const shared = { cwd: folder, root: folder, user: 'ann' };
  let store: TrackingStore;

  beforeAll(async () => {
    await run(python, [script, folder], { env: { ...process.env, PYTHONWARNINGS: 'ignore' } });
    store = await openTracking(path.join(folder, 'mlops.db'));
  }, 300_000);
  afterAll(async () => {
    await store.close();
    fs.rmSync(folder, { recursive: true });
  });

  const converted = async (source: string, by = python) => {
    const name = source.replace(/\..*/, '');
    await registerModel(store, { source, name, metrics: new Map(), tags: [], ...shared });
    const version = await versionNamed(store, { name, selector: '1' });
    return { version, ...(await convertModel(store, version, { python: by, env: process.env, ...shared })) };
  };

  it.each([
    ['forest', 'skl2onnx', 10],
    ['mixed', 'skl2onnx', 8],
    ['pipeline', 'skl2onnx', 10],
    ['xgb', 'onnxmltools', 10],
    ['two.ubj', 'onnxmltools', 20],
    ['lgb', 'onnxmltools', 12],
    ['plain.pkl', 'skl2onnx', 20],
  ])(
    'makes ONNX of %s by %s',
    async (source, by, rows) => {
      const { version, registered, comparison, by: said } = await converted(source);
      expect(said).toContain(by);
      expect(comparison).toMatchObject({ same: true, rows });
      expect(registered).toMatchObject({ servable: true, version: { version: '2', runId: version.runId } });
      const tags = new Map(registered.version.tags.map(({ key, value }) => [key, value]));
      expect(tags.get('mlops.converted_from')).toBe(`models:/${version.name}/1`);
    },
    300_000,
  );

  it('says in a line what is missing, and refuses what it cannot convert', async () => {
    await expect(converted('forest', '/no/python')).rejects.toMatchObject({ code: 'program_missing' });
    const bare = path.join(folder, 'python');
    fs.writeFileSync(bare, `#!/bin/sh\nexec ${python} -S "$@"\n`, { mode: 0o755 });
    await expect(converted('xgb', bare)).rejects.toMatchObject({
      code: 'program_missing',
      hint: `${bare} -m pip install xgboost`,
    });
    fs.writeFileSync(path.join(folder, 'broken.pkl'), 'no pickle');
    await expect(converted('broken.pkl')).rejects.toMatchObject({ code: 'conversion_failed' });
    fs.writeFileSync(path.join(folder, 'notes.txt'), 'no model');
    await expect(converted('notes.txt')).rejects.toMatchObject({ code: 'model_not_servable' });
  }, 300_000);
});
