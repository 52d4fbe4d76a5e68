import { segmentFiles } from './prediction-log.ts';
import { recordOf, type PredictionRecord } from './prediction-reader.ts';
import { wholeLines } from './whole-lines.ts';

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
  for await (const { bytes } of wholeLines(file)) {
    for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + 1)) {
      const from = bytes.lastIndexOf(0x0a, at) + 1;
      const record = recordOf(bytes.toString('utf8', from, bytes.indexOf(0x0a, at)));
      // The same bytes may stand in an input of another one.
      if (record?.kind === 'prediction' && record.id === id) return record;
    }
  }
  return undefined;
}
