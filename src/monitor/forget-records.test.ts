import * as fc from 'fast-check';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { temporaryFolder } from '../../test/cli.ts';
import { findPrediction } from './find-prediction.ts';
import { forgetRecords } from './forget-records.ts';
import { readPredictionLog } from './prediction-reader.ts';
import { SegmentWriter } from './segment-writer.ts';

const written = fc.array(fc.record({ id: fc.string({ minLength: 1, maxLength: 30 }), secret: fc.boolean() }), {
  maxLength: 40,
});

it('takes out the records that hold a text, and leaves the bytes of all others where they are', async () => {
  await fc.assert(
    fc.asyncProperty(written, async (records) => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'forget-'));
      try {
        const ids = [...new Map(records.map((record) => [record.id, record])).values()];
        const writer = new SegmentWriter(folder);
        for (const { id, secret } of ids)
          writer.prediction({ id, at: 5, model: 'm', inputs: { photo: secret ? 'THE-SECRET' : 'other' } });
        writer.finish();
        const doomed = ids.filter(({ secret }) => secret).length;
        const file = path.join(folder, fs.readdirSync(folder)[0] ?? '');
        const size = fs.statSync(file).size;
        expect(await forgetRecords(folder, ['THE-SECRET'], false)).toBe(doomed);
        expect(await forgetRecords(folder, ['THE-SECRET'], true)).toBe(doomed);
        expect(await forgetRecords(folder, ['THE-SECRET'], true)).toBe(0);
        expect(fs.statSync(file).size).toBe(size);
        const left: string[] = [];
        const skipped: string[] = [];
        for await (const record of readPredictionLog(folder, { onSkipped: (_, line) => skipped.push(line) })) {
          if (record.kind === 'prediction') left.push(record.id);
        }
        expect(skipped).toEqual([]);
        expect(left).toEqual(ids.filter(({ secret }) => !secret).map(({ id }) => id));
        for (const { id, secret } of ids) expect((await findPrediction(folder, id))?.id).toBe(secret ? undefined : id);
      } finally {
        fs.rmSync(folder, { recursive: true });
      }
    }),
    { numRuns: 60 },
  );
});

it('finds the record of an id, not one that only holds its text', async () => {
  const folder = temporaryFolder();
  const writer = new SegmentWriter(folder);
  writer.prediction({ id: 'first', at: 1, model: 'm', inputs: { id: 'second' } });
  writer.prediction({ id: 'second', at: 2, model: 'm' });
  writer.finish();
  expect(await findPrediction(folder, 'second')).toMatchObject({ at: 2 });
  expect(await findPrediction(folder, 'third')).toBeUndefined();
  expect(await findPrediction(path.join(folder, 'absent'), 'first')).toBeUndefined();
});
