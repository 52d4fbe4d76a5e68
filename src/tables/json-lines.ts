import { isUtf8 } from 'node:buffer';

import { badTable } from './bad-table.ts';
import { type Batch, type Cell, type Table, ValueBatch } from './batch.ts';
import { toUtf8 } from './encoding.ts';

/** A line longer than this is no record. */
const maxLine = 64 << 20;
const batchRows = 4096;

export type JsonRow = Readonly<Record<string, unknown>>;

/** One line of a file of JSON lines. */
export interface JsonLine {
  /** From 1. */
  readonly line: number;
  readonly value: unknown;
}

/**
 * The values of a file of JSON lines; blank lines are left out.
 * @throws MlopsError `bad_table` naming the line that is no JSON or no UTF-8.
 */
export async function* jsonLines(bytes: AsyncIterable<Buffer>, name: string): AsyncGenerator<JsonLine> {
  for await (const { line, text } of textLines(toUtf8(bytes, name, undefined), name)) {
    if (text.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw badTable(name, 'is no JSON', { line, cause: error });
    }
    yield { line, value };
  }
}

async function* textLines(
  chunks: AsyncIterable<Buffer>,
  name: string,
): AsyncGenerator<{ readonly line: number; readonly text: string }> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  const textOf = (bytes: Buffer): string => {
    line++;
    if (!isUtf8(bytes)) throw badTable(name, 'is not UTF-8', { line });
    return bytes.toString('utf8', 0, bytes.length);
  };
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, at)) {
      const text = textOf(bytes.subarray(at, end));
      at = end + 1;
      yield { line, text };
    }
    rest = bytes.subarray(at);
    if (rest.length > maxLine) throw badTable(name, `is longer than ${maxLine >> 20} MiB`, { line: line + 1 });
  }
  if (rest.length > 0) {
    const text = textOf(rest);
    yield { line, text };
  }
}

/** JSON lines as a table: keys are columns, objects in objects become `outer.inner`. */
export async function* readJsonLines(bytes: AsyncIterable<Buffer>, name: string): AsyncGenerator<Batch> {
  const rows = new RowCollector();
  for await (const { line, value } of jsonLines(bytes, name)) {
    if (!isObject(value)) throw badTable(name, 'is no JSON object', { line });
    rows.add(value, line);
    if (rows.full) yield rows.batch();
  }
  yield rows.batch();
}

/** Records that a program gives as a table. */
export function recordTable(name: string, records: () => AsyncIterable<JsonRow>): Table {
  return {
    name,
    format: 'jsonl',
    async *batches() {
      const rows = new RowCollector();
      let count = 0;
      for await (const record of records()) {
        rows.add(record, ++count);
        if (rows.full) yield rows.batch();
      }
      yield rows.batch();
    },
  };
}

/** A JSON file that is one list of objects. */
export async function* readJsonList(bytes: AsyncIterable<Buffer>, name: string): AsyncGenerator<Batch> {
  const chunks: Buffer[] = [];
  for await (const chunk of toUtf8(bytes, name, undefined)) chunks.push(chunk);
  let list: unknown;
  try {
    list = JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw badTable(name, 'is no JSON', { cause: error });
  }
  if (!Array.isArray(list)) throw badTable(name, 'is no list of JSON objects');
  const rows = new RowCollector();
  for (const [index, value] of list.entries()) {
    if (!isObject(value)) throw badTable(name, `holds something else than an object, at ${index}`);
    rows.add(value, index + 1);
    if (rows.full) yield rows.batch();
  }
  yield rows.batch();
}

export function isObject(value: unknown): value is JsonRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

class RowCollector {
  readonly #columns: string[] = [];
  readonly #indexes = new Map<string, number>();
  #rows: Cell[][] = [];
  #lines: number[] = [];

  get full(): boolean {
    return this.#rows.length >= batchRows;
  }

  add(value: JsonRow, line: number): void {
    const cells: Cell[] = [];
    this.#fill(cells, value, '');
    this.#rows.push(cells);
    this.#lines.push(line);
  }

  #fill(cells: Cell[], value: JsonRow, prefix: string): void {
    for (const [key, cell] of Object.entries(value)) {
      if (isObject(cell)) this.#fill(cells, cell, `${prefix}${key}.`);
      else cells[this.#indexOf(prefix + key)] = cell as Cell;
    }
  }

  #indexOf(name: string): number {
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    this.#indexes.set(name, this.#columns.length);
    return this.#columns.push(name) - 1;
  }

  batch(): Batch {
    const rows = this.#rows;
    const lines = this.#lines;
    this.#rows = [];
    this.#lines = [];
    const cell = (row: number, column: number): Cell => rows[row]?.[column] ?? null;
    return new ValueBatch([...this.#columns], rows.length, cell, (row) => lines[row] ?? 0);
  }
}
