import * as fs from 'node:fs';

import { entriesOf } from '../read-entries.ts';
import { recordOf } from '../prediction-reader.ts';
import type { Window } from '../stats.ts';
import { IdSet, idOfBytes } from './id-set.ts';
import { LineScanner } from './line-scanner.ts';
import { LogSummary } from './log-summary.ts';

export interface Scanned {
  readonly summary: LogSummary;
  /** Of the predictions that were counted, or would be but for the window, in order. */
  readonly ids: Float64Array;
  /** Where the last whole line ends. */
  readonly to: number;
  /** Whether a prediction was left out because its id had been there. */
  readonly repeated: boolean;
}

/** Whole lines of a file, in bytes. */
export interface Part {
  readonly file: string;
  readonly from: number;
  readonly end: number;
}

export interface ScanOptions extends Window {
  /** Whether a prediction is one that counts here, by its id. */
  readonly counts?: ((id: number) => boolean) | undefined;
  /** The bucket of a time; without it there are none. */
  readonly bucketOf?: ((at: number) => string) | undefined;
}

const chunkSize = 1 << 20;

/** Summarises parts of segments, one after the other; of an id that comes twice the first counts. */
export async function scanSegments(parts: readonly Part[], options: ScanOptions = {}): Promise<Scanned> {
  const { counts, bucketOf, since = -Infinity, until = Infinity } = options;
  const summary = new LogSummary();
  const ids = new IdSet();
  let repeated = false;
  const isCounted = (id: number, at: number): boolean => {
    if (counts?.(id) !== false && ids.add(id)) return at >= since && at < until;
    repeated = true;
    return false;
  };
  const scanner = new LineScanner({
    summaryOf: (id, at, model, version) => (isCounted(id, at) ? summary.of(model, version, bucketOf?.(at)) : undefined),
  });
  const addLine = (line: string): void => {
    const record = recordOf(line);
    if (record?.kind !== 'prediction') return;
    for (const entry of entriesOf(record)) {
      const bytes = Buffer.from(entry.id);
      if (!isCounted(idOfBytes(bytes, 0, bytes.length), entry.at)) continue;
      summary.of(entry.model, entry.version, bucketOf?.(entry.at)).add(entry);
    }
  };
  let to = parts[0]?.from ?? 0;
  for (const part of parts) {
    to = await eachLine(part, (bytes, start, end) => {
      if (!scanner.scan(bytes, start, end)) addLine(bytes.toString('utf8', start, end));
    });
  }
  return { summary, ids: ids.sorted(), to, repeated };
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
