import { CellHash, type Batch } from '../tables/index.ts';
import { CommonFinder, DuplicateFinder, type FoundLines } from './keys.ts';
import { expectation, type Expectation, type Failing } from './result.ts';
import { isNumeric, type CellsAt, type RowCheck, type Types } from './row-check.ts';

/** Numbers that are written in different ways are the same. */
function addCell(hash: CellHash, batch: Batch, row: number, column: number, numeric: boolean): void {
  const number = numeric ? batch.number(row, column) : Number.NaN;
  if (Number.isNaN(number)) batch.hash(row, column, hash);
  else hash.addNumber(number);
}

/** Hashes some cells of rows. */
class RowHasher {
  readonly hash = new CellHash();
  readonly #numeric: readonly boolean[];

  constructor(names: readonly string[], types: Types) {
    this.#numeric = names.map((name) => isNumeric(types.get(name)));
  }

  /** @returns false where all cells are missing. */
  add(batch: Batch, row: number, columns: readonly number[]): boolean {
    this.hash.start();
    let any = false;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] ?? -1;
      if (column < 0 || batch.isMissing(row, column)) {
        this.hash.addText(null);
        continue;
      }
      any = true;
      addCell(this.hash, batch, row, column, this.#numeric[i] === true);
    }
    return any;
  }
}

/** Columns that together never are the same twice; rows without any of them are no key. */
export class KeyCheck implements RowCheck {
  readonly names: readonly string[];
  readonly #hasher: RowHasher;
  readonly #finder = new DuplicateFinder();

  constructor(names: readonly string[], types: Types) {
    this.names = names;
    this.#hasher = new RowHasher(names, types);
  }

  see(batch: Batch, columns: readonly number[]): void {
    for (let row = 0; row < batch.rows; row++) {
      if (this.#hasher.add(batch, row, columns)) this.#finder.add(this.#hasher.hash, batch.line(row));
    }
  }

  async finish(rows: number, cellsAt: CellsAt): Promise<Expectation> {
    const found = this.#finder.find();
    const failing = await failingRows(found, this.names, cellsAt);
    return expectation('unique', this.names, 'no key twice', { elements: rows, unexpected: found.count, failing });
  }

  close(): void {
    this.#finder.close();
  }
}

/** No row twice, missing values being like each other. */
export class UniqueRows implements RowCheck {
  readonly names = undefined;
  readonly #types: Types;
  readonly #hash = new CellHash();
  readonly #finder = new DuplicateFinder();

  constructor(types: Types) {
    this.#types = types;
  }

  see(batch: Batch): void {
    const numeric = batch.columns.map((name) => isNumeric(this.#types.get(name)));
    for (let row = 0; row < batch.rows; row++) {
      this.#hash.start();
      for (let column = 0; column < numeric.length; column++) {
        // A column that came late was missing before: what is missing is left out.
        if (batch.isMissing(row, column)) continue;
        this.#hash.addNumber(column);
        addCell(this.#hash, batch, row, column, numeric[column] === true);
      }
      this.#finder.add(this.#hash, batch.line(row));
    }
  }

  finish(rows: number): Expectation {
    const { count, lines } = this.#finder.find();
    const failing = lines.map((line) => ({ line, value: null }));
    return expectation('unique', null, 'no row twice', { elements: rows, unexpected: count, failing });
  }

  close(): void {
    this.#finder.close();
  }
}

/** Rows of this table that another one has too. */
export class LeakageCheck implements RowCheck {
  readonly names: readonly string[];
  readonly #hasher: RowHasher;
  readonly #finder = new CommonFinder();
  readonly #against: string;

  constructor(names: readonly string[], types: Types, against: string) {
    this.names = names;
    this.#against = against;
    this.#hasher = new RowHasher(names, types);
  }

  see(batch: Batch, columns: readonly number[]): void {
    for (let row = 0; row < batch.rows; row++) {
      if (this.#hasher.add(batch, row, columns)) this.#finder.add(this.#hasher.hash, batch.line(row));
    }
  }

  seeOther(batch: Batch): void {
    const columns = this.names.map((name) => batch.columns.indexOf(name));
    for (let row = 0; row < batch.rows; row++) {
      if (this.#hasher.add(batch, row, columns)) this.#finder.addOther(this.#hasher.hash);
    }
  }

  async finish(rows: number, cellsAt: CellsAt): Promise<Expectation> {
    const found = this.#finder.find();
    const failing = await failingRows(found, this.names, cellsAt);
    return expectation('leakage', this.names, `no row that is in ${this.#against}`, {
      elements: rows,
      unexpected: found.count,
      failing,
    });
  }

  close(): void {
    this.#finder.close();
  }
}

async function failingRows(found: FoundLines, names: readonly string[], cellsAt: CellsAt): Promise<Failing[]> {
  const cells = await cellsAt(found.lines, names);
  return found.lines.map((line, i) => ({ line, value: cells[i] ?? null }));
}
