import * as fs from 'node:fs';

const chunkSize = 1 << 20;

/** A stretch of whole lines of a file, in bytes. */
export interface Part {
  readonly from: number;
  /** Without it: to the end of the file. */
  readonly to?: number;
}

/** The lines of a file that end, those of a chunk together with their newlines, and where they begin in the file. */
export async function* wholeLines(
  file: string,
  { from, to }: Part = { from: 0 },
): AsyncGenerator<{ readonly bytes: Buffer; readonly at: number }> {
  let rest: Buffer = Buffer.alloc(0);
  let at = from;
  const end = to === undefined ? {} : { end: to - 1 };
  const chunks = fs.createReadStream(file, { highWaterMark: chunkSize, start: from, ...end });
  for await (const chunk of chunks as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const length = bytes.lastIndexOf(0x0a) + 1;
    if (length > 0) yield { bytes: bytes.subarray(0, length), at };
    at += length;
    rest = bytes.subarray(length);
  }
}
