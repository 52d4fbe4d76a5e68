import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import type { CellHash } from '../tables/index.ts';

/** Words of a record: three of the hash, two of the line. */
const words = 5;
/** Records that are held before they go to disk: 10 MB. */
const held = 1 << 19;
const parts = 256;
const two32 = 4_294_967_296;

/** Keys of rows with their lines; in memory while they are few, else in a file, grouped by the first bits of the key. */
export class KeyStore {
  #records = new Uint32Array(1024 * words);
  #count = 0;
  #file: number | undefined;
  /** What went to the file at once: where it begins, and at which record each part of it does. */
  readonly #runs: { readonly at: number; readonly starts: Uint32Array }[] = [];
  #size = 0;

  add(hash: CellHash, line: number): void {
    if (this.#count === held) this.#spill();
    const at = this.#count++ * words;
    if (at + words > this.#records.length) this.#grow();
    const records = this.#records;
    records[at] = hash.a;
    records[at + 1] = hash.b;
    records[at + 2] = hash.c;
    records[at + 3] = line % two32;
    records[at + 4] = line / two32;
  }

  #grow(): void {
    const larger = new Uint32Array(Math.min(this.#records.length * 2, held * words));
    larger.set(this.#records);
    this.#records = larger;
  }

  /** Writes what is held to the files, sorted by part. */
  #spill(): void {
    const records = this.#records;
    const starts = new Uint32Array(parts + 1);
    for (let i = 0; i < this.#count; i++) {
      const part = (records[i * words] ?? 0) >>> 24;
      starts[part + 1] = (starts[part + 1] ?? 0) + 1;
    }
    for (let part = 0; part < parts; part++) starts[part + 1] = (starts[part + 1] ?? 0) + (starts[part] ?? 0);
    const next = starts.slice();
    const sorted = new Uint32Array(this.#count * words);
    for (let i = 0; i < this.#count; i++) {
      const part = (records[i * words] ?? 0) >>> 24;
      const to = next[part] ?? 0;
      next[part] = to + 1;
      for (let word = 0; word < words; word++) sorted[to * words + word] = records[i * words + word] ?? 0;
    }
    this.#file ??= temporaryFile();
    const bytes = new Uint8Array(sorted.buffer);
    for (let done = 0; done < bytes.length;) {
      done += fs.writeSync(this.#file, bytes, done, bytes.length - done, this.#size + done);
    }
    this.#runs.push({ at: this.#size, starts });
    this.#size += bytes.length;
    this.#count = 0;
  }

  /** The records in parts: all of a key are in one. To be asked for once, when all are there. */
  *parts(): Generator<KeyPart> {
    if (this.#file === undefined) {
      yield new KeyPart(this.#records, this.#count);
      return;
    }
    if (this.#count > 0) this.#spill();
    this.#records = new Uint32Array(0);
    for (let part = 0; part < parts; part++) yield this.#readPart(this.#file, part);
  }

  #readPart(file: number, part: number): KeyPart {
    const slices = this.#runs.map(({ at, starts }) => {
      const [from, to] = [starts[part] ?? 0, starts[part + 1] ?? 0];
      return { at: at + from * words * 4, records: to - from };
    });
    const count = slices.reduce((sum, slice) => sum + slice.records, 0);
    const records = new Uint32Array(count * words);
    const bytes = new Uint8Array(records.buffer);
    let filled = 0;
    for (const slice of slices) {
      const end = filled + slice.records * words * 4;
      for (let at = slice.at; filled < end;) {
        const read = fs.readSync(file, bytes, filled, end - filled, at);
        if (read === 0) throw new Error('a file of keys was cut short');
        filled += read;
        at += read;
      }
    }
    return new KeyPart(records, count);
  }

  close(): void {
    if (this.#file !== undefined) fs.closeSync(this.#file);
    this.#file = undefined;
  }
}

/** A file without a name, which is gone when the process is. */
function temporaryFile(): number {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-keys-'));
  try {
    return fs.openSync(path.join(folder, 'keys'), 'wx+', 0o600);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Some of the keys: all records of each of them. */
export class KeyPart {
  readonly count: number;
  readonly #records: Uint32Array;

  constructor(records: Uint32Array, count: number) {
    this.#records = records;
    this.count = count;
  }

  line(record: number): number {
    const at = record * words;
    return (this.#records[at + 3] ?? 0) + (this.#records[at + 4] ?? 0) * two32;
  }

  /** For each record the number of the first that has the same key. */
  firsts(): Int32Array {
    const records = this.#records;
    const firsts = new Int32Array(this.count);
    let size = 16;
    while (size < this.count * 2) size *= 2;
    const slots = new Int32Array(size).fill(-1);
    for (let record = 0; record < this.count; record++) {
      const at = record * words;
      const [a, b, c] = [records[at], records[at + 1], records[at + 2]];
      let slot = (b ?? 0) & (size - 1);
      for (;;) {
        const other = slots[slot] ?? -1;
        if (other === -1) {
          slots[slot] = record;
          firsts[record] = record;
          break;
        }
        const there = other * words;
        if (records[there] === a && records[there + 1] === b && records[there + 2] === c) {
          firsts[record] = other;
          break;
        }
        slot = (slot + 1) & (size - 1);
      }
    }
    return firsts;
  }
}
