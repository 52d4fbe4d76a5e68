import * as fs from 'node:fs';

import { entriesOf } from '../read-entries.ts';
import { recordOf } from '../prediction-reader.ts';
import { IdSet, idOfBytes } from './id-set.ts';
import { LineScanner } from './line-scanner.ts';
import { LogSummary } from './log-summary.ts';

export interface Scanned {
  readonly summary: LogSummary;
  /** Of the predictions that were counted, in order. */
  readonly ids: Float64Array;
  /** Where the last whole line ends. */
  readonly to: number;
}

/** Whole lines of a file, in bytes. */
export interface Part {
  readonly file: string;
  readonly from: number;
  readonly end: number;
}

const chunkSize = 1 << 20;

/**
 * Summarises a part of a segment; an id that comes twice counts once.
 * @param passed ids that are not to be counted.
 */
export async function scanSegment(part: Part, passed: ReadonlySet<number>): Promise<Scanned> {
  const summary = new LogSummary();
  const ids = new IdSet();
  const isNew = (id: number): boolean => !passed.has(id) && ids.add(id);
  const scanner = new LineScanner({
    summaryOf: (id, model, version) => (isNew(id) ? summary.of(model, version) : undefined),
  });
  const addLine = (line: string): void => {
    const record = recordOf(line);
    if (record?.kind !== 'prediction') return;
    for (const entry of entriesOf(record)) {
      const bytes = Buffer.from(entry.id);
      if (isNew(idOfBytes(bytes, 0, bytes.length))) summary.of(entry.model, entry.version).add(entry);
    }
  };
  const to = await eachLine(part, (bytes, start, end) => {
    if (!scanner.scan(bytes, start, end)) addLine(bytes.toString('utf8', start, end));
  });
  return { summary, ids: ids.sorted(), to };
}

/** Whole lines; others' turns come between chunks. @returns where the last one ends. */
async function eachLine(
  { file, from, end: last }: Part,
  take: (bytes: Buffer, start: number, end: number) => void,
): Promise<number> {
  const handle = await fs.promises.open(file);
  try {
    let bytes = Buffer.allocUnsafe(chunkSize * 2);
    let kept = 0;
    let to = from;
    for (;;) {
      if (bytes.length - kept < chunkSize) bytes = Buffer.concat([bytes], bytes.length * 2);
      const { bytesRead } = await handle.read(bytes, kept, Math.min(bytes.length - kept, last - to - kept), to + kept);
      if (bytesRead === 0) return to;
      const filled = kept + bytesRead;
      let start = 0;
      for (let end = bytes.indexOf(0x0a, kept); end !== -1 && end < filled; end = bytes.indexOf(0x0a, start)) {
        if (end > start) take(bytes, start, end);
        start = end + 1;
      }
      to += start;
      bytes.copyWithin(0, start, filled);
      kept = filled - start;
    }
  } finally {
    await handle.close();
  }
}
