import * as fs from 'node:fs';
import * as path from 'node:path';

import { segmentFiles } from './prediction-log.ts';

const chunkSize = 8 * 1024 * 1024;
const filler = '{"kind":"forgotten"}';

/**
 * Finds the records of a log that hold one of some texts, and, where it is to be so, overwrites each in place by a line of
 * the same length: a server that is writing the segment goes on, and what is known of where its records lie stays right.
 *
 * @param texts as they stand in the bytes of a record (`"7c9e..."` with its quotes, say).
 * @returns how many records there are (or were).
 */
export function forgetRecords(directory: string, texts: readonly string[], apply: boolean): number {
  if (texts.length === 0) return 0;
  const wanted = texts.map((text) => Buffer.from(text));
  let count = 0;
  for (const file of segmentFiles(directory)) count += inSegment(file, wanted, apply);
  // Summaries would go on counting what is gone; they are made again.
  if (apply && count > 0) fs.rmSync(path.join(directory, '.summaries'), { recursive: true, force: true });
  return count;
}

function inSegment(file: string, wanted: readonly Buffer[], apply: boolean): number {
  const handle = fs.openSync(file, apply ? 'r+' : 'r');
  let count = 0;
  try {
    let rest: Buffer = Buffer.alloc(0);
    const chunk = Buffer.alloc(chunkSize);
    for (let at = 0; ;) {
      const read = fs.readSync(handle, chunk, 0, chunkSize, at);
      if (read === 0) break;
      const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
      const start = at - rest.length;
      at += read;
      const end = bytes.lastIndexOf(0x0a) + 1;
      for (const [from, to] of linesWith(bytes.subarray(0, end), wanted)) {
        count++;
        if (apply) fs.writeSync(handle, Buffer.from(filler.padEnd(to - from)), 0, to - from, start + from);
      }
      rest = bytes.subarray(end);
    }
    if (apply && count > 0) fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
  return count;
}

/** Where lines with one of the texts begin and end, without their newlines. */
function linesWith(bytes: Buffer, wanted: readonly Buffer[]): [from: number, to: number][] {
  const found = new Map<number, number>();
  for (const text of wanted) {
    for (let at = bytes.indexOf(text); at !== -1;) {
      const from = bytes.lastIndexOf(0x0a, at) + 1;
      const to = bytes.indexOf(0x0a, at);
      // A record is longer than what takes its place; the header and what was forgotten before are not.
      if (to - from >= filler.length && !bytes.subarray(from, to).includes('"kind":"forgotten"')) found.set(from, to);
      at = bytes.indexOf(text, to);
    }
  }
  return [...found];
}
