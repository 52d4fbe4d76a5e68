import { CellHash, type Batch, type Table } from '../tables/index.ts';
import { dumpYaml } from '../project/index.ts';
import { fromPlain } from '../base/index.ts';
import { isTruth } from './column-check.ts';
import { DuplicateFinder } from './keys.ts';
import type { DataType } from './schema-types.ts';
import { timeOfText } from './times.ts';

/** What was seen of a column, as the schema says it. */
interface InferredColumn {
  type?: DataType;
  nullable: boolean;
  min?: number | string;
  max?: number | string;
  values?: string[];
  unique?: true;
}

export interface InferredSchema {
  readonly version: 1;
  readonly columns: Readonly<Record<string, InferredColumn>>;
}

/** Texts that a column may have to be taken for classes. */
const mostValues = 50;

/**
 * Looks at a table and says what its schema may be: types, missing values, ranges of numbers and times, the values of
 * texts that repeat, columns without duplicates. The table itself passes it.
 *
 * @throws MlopsError `bad_table`.
 */
export async function inferSchema(table: Table, onRows?: (rows: number) => void): Promise<InferredSchema> {
  const builders = new Map<string, ColumnGuess>();
  let rows = 0;
  try {
    for await (const batch of table.batches()) {
      for (const [index, name] of batch.columns.entries()) {
        let guess = builders.get(name);
        if (guess === undefined) {
          guess = new ColumnGuess(table.format === 'csv', rows);
          builders.set(name, guess);
        }
        guess.see(batch, index);
      }
      rows += batch.rows;
      onRows?.(rows);
    }
    const columns = [...builders].map(([name, guess]): [string, InferredColumn] => [name, guess.finish(rows)]);
    return { version: 1, columns: Object.fromEntries(columns) };
  } finally {
    for (const guess of builders.values()) guess.close();
  }
}

export function formatSchema(schema: InferredSchema): string {
  return dumpYaml(fromPlain(schema));
}

class ColumnGuess {
  readonly #csv: boolean;
  #seen: number;
  #missing: number;
  /** Types that all values so far have. */
  readonly #types = new Set<DataType>(['boolean', 'integer', 'number', 'date', 'datetime', 'string']);
  #low = Infinity;
  #high = -Infinity;
  #earliest: { time: number; text: string } | undefined;
  #latest: { time: number; text: string } | undefined;
  #values: Map<string, number> | undefined = new Map();
  readonly #hash = new CellHash();
  /** By the text, and by the number that it may spell. */
  readonly #texts = new DuplicateFinder();
  readonly #numbers = new DuplicateFinder();

  constructor(csv: boolean, before: number) {
    this.#csv = csv;
    this.#seen = before;
    this.#missing = before;
  }

  see(batch: Batch, column: number): void {
    this.#seen += batch.rows;
    for (let row = 0; row < batch.rows; row++) {
      if (batch.isMissing(row, column)) this.#missing++;
      else this.#cell(batch, row, column);
    }
  }

  #cell(batch: Batch, row: number, column: number): void {
    const number = this.#types.has('number') ? batch.number(row, column) : Number.NaN;
    if (!Number.isNaN(number)) this.#number(number, batch, row, column);
    else this.#noNumber(batch, row, column);
    this.#hash.start();
    batch.hash(row, column, this.#hash);
    this.#texts.add(this.#hash, batch.line(row));
  }

  #number(number: number, batch: Batch, row: number, column: number): void {
    for (const type of ['boolean', 'date', 'datetime'] as const) this.#types.delete(type);
    if (!this.#csv) this.#types.delete('string');
    if (!Number.isInteger(number) || (this.#csv && /[.eE]/.test(batch.text(row, column) ?? '')))
      this.#types.delete('integer');
    this.#low = Math.min(this.#low, number);
    this.#high = Math.max(this.#high, number);
    this.#hash.start();
    this.#hash.addNumber(number);
    this.#numbers.add(this.#hash, batch.line(row));
    if (this.#csv) this.#count(batch.text(row, column) ?? '');
  }

  #noNumber(batch: Batch, row: number, column: number): void {
    const cell = batch.cell(row, column);
    const text = batch.text(row, column) ?? '';
    this.#types.delete('integer');
    this.#types.delete('number');
    if (!(typeof cell === 'boolean' || (this.#csv && isTruth(text)))) this.#types.delete('boolean');
    if (typeof cell !== 'string') this.#types.delete('string');
    this.#time(cell instanceof Date ? cell.getTime() : Number.NaN, text);
    this.#count(text);
  }

  #time(known: number, text: string): void {
    if (!this.#types.has('datetime')) return;
    const isDate = Number.isNaN(known) ? !Number.isNaN(timeOfText(text, true)) : known % 86_400_000 === 0;
    const time = Number.isNaN(known) ? timeOfText(text, false) : known;
    if (!isDate) this.#types.delete('date');
    if (Number.isNaN(time)) {
      this.#types.delete('datetime');
      return;
    }
    if (this.#earliest === undefined || time < this.#earliest.time) this.#earliest = { time, text };
    if (this.#latest === undefined || time > this.#latest.time) this.#latest = { time, text };
  }

  #count(text: string): void {
    if (this.#values === undefined) return;
    this.#values.set(text, (this.#values.get(text) ?? 0) + 1);
    if (this.#values.size > mostValues) this.#values = undefined;
  }

  finish(rows: number): InferredColumn {
    this.#missing += rows - this.#seen;
    const there = rows - this.#missing;
    const order: DataType[] = ['boolean', 'integer', 'number', 'date', 'datetime', 'string'];
    const type = there === 0 ? undefined : order.find((one) => this.#types.has(one));
    const found: InferredColumn = { ...(type === undefined ? {} : { type }), nullable: this.#missing > 0 };
    if (there === 0) return found;
    const numeric = type === 'integer' || type === 'number';
    if (numeric && Number.isFinite(this.#low)) found.min = this.#low;
    if (numeric && Number.isFinite(this.#high)) found.max = this.#high;
    if (type === 'date' || type === 'datetime') {
      const day = (text: string): string => (type === 'date' ? text.slice(0, 10) : text);
      if (this.#earliest !== undefined) found.min = day(this.#earliest.text);
      if (this.#latest !== undefined) found.max = day(this.#latest.text);
    }
    const values = this.#values;
    if (type === 'string' && values !== undefined && there >= 2 * values.size)
      found.values = [...values.keys()].toSorted();
    if (there > 1 && (numeric ? this.#numbers : this.#texts).find().count === 0) found.unique = true;
    return found;
  }

  close(): void {
    this.#texts.close();
    this.#numbers.close();
  }
}
