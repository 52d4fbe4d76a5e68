import * as fs from 'node:fs';

import { segmentFiles } from './prediction-log.ts';
import { recordOf, type PredictionRecord } from './prediction-reader.ts';

const chunkSize = 8 * 1024 * 1024;

/**
 * The record of a prediction, looked for by the bytes of its id, newest segment first; undefined where the log has none.
 * A log of a million predictions is read in some tenths of a second: nothing is parsed but what matches.
 */
export async function findPrediction(directory: string, id: string): Promise<PredictionRecord | undefined> {
  const wanted = Buffer.from(`"id":${JSON.stringify(id)}`);
  for (const file of segmentFiles(directory).toReversed()) {
    const found = await findIn(file, wanted, id);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function findIn(file: string, wanted: Buffer, id: string): Promise<PredictionRecord | undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of fs.createReadStream(file, { highWaterMark: chunkSize }) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(0x0a) + 1;
    for (let at = bytes.indexOf(wanted); at !== -1 && at < end; at = bytes.indexOf(wanted, at + 1)) {
      const from = bytes.lastIndexOf(0x0a, at) + 1;
      const record = recordOf(bytes.toString('utf8', from, bytes.indexOf(0x0a, at)));
      // The same bytes may stand in an input of another one.
      if (record?.kind === 'prediction' && record.id === id) return record;
    }
    rest = bytes.subarray(end);
  }
  return undefined;
}
