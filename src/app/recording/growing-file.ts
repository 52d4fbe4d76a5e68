import * as fs from 'node:fs';

import { isSystemError } from '../../base/index.ts';

/** So many bytes before the place are compared, to see that the file is still the one that was read. */
const memory = 64;

/** At most this much is read at once; the next look goes on. */
const portion = 4 << 20;

export interface NewLines {
  readonly lines: readonly string[];
  /** True when the file began anew: truncated, rotated, or written with other content. */
  readonly restarted: boolean;
  /** True when there is more to be read. */
  readonly more: boolean;
}

/** Reads what was added to a text file since the last look, line by line; a line counts once it has its end. */
export class GrowingFile {
  readonly #file: string;
  #offset = 0;
  #before: Buffer = Buffer.alloc(0);

  constructor(file: string) {
    this.#file = file;
  }

  /** Goes to the end: what is there already belongs to an earlier time. */
  skip(): void {
    while (this.read().more);
  }

  /** @param final the last line counts without its end too. */
  read(final = false): NewLines {
    const fd = openIfThere(this.#file);
    if (fd === undefined) return { lines: [], restarted: false, more: false };
    try {
      return this.#readFrom(fd, final);
    } finally {
      fs.closeSync(fd);
    }
  }

  #readFrom(fd: number, final: boolean): NewLines {
    const stat = fs.fstatSync(fd);
    const restarted = this.#offset > 0 && !this.#isSame(fd, stat);
    if (restarted) this.#offset = 0;
    if (restarted || this.#offset === 0) this.#before = Buffer.alloc(0);
    const content = readAt(fd, this.#offset, Math.min(portion, Math.max(0, stat.size - this.#offset)));
    const more = this.#offset + content.length < stat.size;
    const whole = content.subarray(0, final && !more ? content.length : content.lastIndexOf(10) + 1);
    if (whole.length === 0) return { lines: [], restarted, more: false };
    this.#offset += whole.length;
    this.#before = Buffer.concat([this.#before, whole.subarray(-memory)]).subarray(-memory);
    const lines = whole.toString('utf8').split(/\r?\n/);
    if (lines.at(-1) === '') lines.pop();
    return { lines, restarted, more };
  }

  #isSame(fd: number, stat: fs.Stats): boolean {
    if (stat.size < this.#offset) return false;
    // A table that is written anew with a row more has another inode but the same beginning: it goes on.
    return readAt(fd, this.#offset - this.#before.length, this.#before.length).equals(this.#before);
  }
}

function openIfThere(file: string): number | undefined {
  try {
    return fs.openSync(file, 'r');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined;
    throw error;
  }
}

function readAt(fd: number, offset: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const count = fs.readSync(fd, buffer, done, length - done, offset + done);
    if (count === 0) break;
    done += count;
  }
  return buffer.subarray(0, done);
}
