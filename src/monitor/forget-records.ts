import * as fs from 'node:fs';
import * as path from 'node:path';

import { segmentFiles } from './prediction-log.ts';
import { wholeLines } from './whole-lines.ts';

const filler = '{"kind":"forgotten"}';

/** Of a line, without its newline. */
type Place = readonly [from: number, to: number];

/**
 * Finds the records of a log that hold one of some texts, and, where it is to be so, overwrites each in place by a line of
 * the same length: a server that is writing the segment goes on, and what is known of where its records lie stays right.
 *
 * @param texts as they stand in the bytes of a record (`"7c9e..."` with its quotes, say).
 * @returns how many records there are (or were).
 */
export async function forgetRecords(directory: string, texts: readonly string[], apply: boolean): Promise<number> {
  if (texts.length === 0) return 0;
  const wanted = texts.map((text) => Buffer.from(text));
  let count = 0;
  for (const file of segmentFiles(directory)) count += await inSegment(file, wanted, apply);
  // Summaries would go on counting what is gone; they are made again.
  if (apply && count > 0) fs.rmSync(path.join(directory, '.summaries'), { recursive: true, force: true });
  return count;
}

async function inSegment(file: string, wanted: readonly Buffer[], apply: boolean): Promise<number> {
  const found: Place[] = [];
  for await (const { bytes, at } of wholeLines(file)) {
    for (const [from, to] of linesWith(bytes, wanted)) found.push([at + from, at + to]);
  }
  if (apply && found.length > 0) overwrite(file, found);
  return found.length;
}

function overwrite(file: string, places: readonly Place[]): void {
  const handle = fs.openSync(file, 'r+');
  try {
    for (const [from, to] of places) fs.writeSync(handle, Buffer.from(filler.padEnd(to - from)), 0, to - from, from);
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/** The lines that hold one of the texts. */
function linesWith(bytes: Buffer, wanted: readonly Buffer[]): Place[] {
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
