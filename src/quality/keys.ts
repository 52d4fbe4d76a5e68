import { mostFailing } from './result.ts';
import { KeyStore, type KeyPart } from './key-store.ts';
import type { CellHash } from '../tables/index.ts';

/** Rows that were picked out: how many, and the lines of the first. */
export interface FoundLines {
  readonly count: number;
  readonly lines: readonly number[];
}

/** Finds keys that come more than once; every row of such a key counts, the first too. */
export class DuplicateFinder {
  readonly #store = new KeyStore();

  add(hash: CellHash, line: number): void {
    this.#store.add(hash, line);
  }

  find(): FoundLines {
    return collect(this.#store, (part, firsts) => {
      const again = new Uint8Array(part.count);
      for (let record = 0; record < part.count; record++) {
        const first = firsts[record] ?? 0;
        if (first !== record) {
          again[record] = 1;
          again[first] = 1;
        }
      }
      return again;
    });
  }

  close(): void {
    this.#store.close();
  }
}

/** Finds rows that are also among others. */
export class CommonFinder {
  readonly #store = new KeyStore();

  /** A row of the others: it has no line here. */
  addOther(hash: CellHash): void {
    this.#store.add(hash, 0);
  }

  add(hash: CellHash, line: number): void {
    this.#store.add(hash, line);
  }

  find(): FoundLines {
    return collect(this.#store, (part, firsts) => {
      const isKnown = new Uint8Array(part.count);
      for (let record = 0; record < part.count; record++) {
        if (part.line(record) === 0) isKnown[firsts[record] ?? 0] = 1;
      }
      return Uint8Array.from(firsts, (first, record) => (part.line(record) === 0 ? 0 : (isKnown[first] ?? 0)));
    });
  }

  close(): void {
    this.#store.close();
  }
}

function collect(store: KeyStore, pick: (part: KeyPart, firsts: Int32Array) => Uint8Array): FoundLines {
  let count = 0;
  let lines: number[] = [];
  let bound = Infinity;
  for (const part of store.parts()) {
    const picked = pick(part, part.firsts());
    for (let record = 0; record < part.count; record++) {
      if (picked[record] !== 1) continue;
      count++;
      const line = part.line(record);
      if (line >= bound) continue;
      lines.push(line);
      if (lines.length < 1000) continue;
      lines = earliest(lines);
      bound = lines.at(-1) ?? bound;
    }
  }
  return { count, lines: earliest(lines) };
}

function earliest(lines: readonly number[]): number[] {
  return lines.toSorted((a, b) => a - b).slice(0, mostFailing);
}
