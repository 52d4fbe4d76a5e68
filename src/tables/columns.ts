import type { Batch, Table } from './batch.ts';

/** A column of numbers, NaN where a value is missing. */
export interface NumberColumn {
  readonly kind: 'number';
  readonly name: string;
  readonly rows: number;
  readonly missing: number;
  readonly values: Float64Array;
}

/** A column of texts: the index of each row's text in `categories`, -1 where it is missing. */
export interface CategoryColumn {
  readonly kind: 'category';
  readonly name: string;
  readonly rows: number;
  readonly missing: number;
  readonly codes: Int32Array;
  readonly categories: readonly string[];
}

export type Column = NumberColumn | CategoryColumn;

export interface ColumnOptions {
  /** Only these. Default: all. */
  readonly columns?: ReadonlySet<string> | undefined;
  /** Texts even where all values are numbers. */
  readonly categorical?: ReadonlySet<string> | undefined;
}

/**
 * Reads a table into columns, in its order. A column is numeric when every value that is there is a number; a column
 * without any value is numeric too.
 *
 * @throws MlopsError `bad_table`.
 */
export async function loadColumns(table: Table, options: ColumnOptions = {}): Promise<Map<string, Column>> {
  let texts = new Set(options.categorical);
  // What turns out to hold a text after many numbers is read again: the numbers' own spelling is gone.
  for (;;) {
    const builders = await build(table, options.columns, texts);
    const late = [...builders.values()].filter((builder) => builder.failed).map((builder) => builder.name);
    if (late.length === 0) return new Map([...builders].map(([name, builder]) => [name, builder.finish()]));
    texts = new Set([...texts, ...late]);
  }
}

async function build(
  table: Table,
  wanted: ReadonlySet<string> | undefined,
  texts: ReadonlySet<string>,
): Promise<Map<string, ColumnBuilder>> {
  const builders = new Map<string, ColumnBuilder>();
  for (const group of await groupsOf(table, wanted)) await addAll(builders, table, group, texts);
  return builders;
}

/** Columns of a Parquet file that are unpacked together: a row group of all may be larger than the memory. */
const groupSize = 8;

async function groupsOf(
  table: Table,
  wanted: ReadonlySet<string> | undefined,
): Promise<readonly (ReadonlySet<string> | undefined)[]> {
  if (table.format !== 'parquet' || table.columns === undefined) return [wanted];
  const names = (await table.columns()).filter((name) => wanted?.has(name) !== false);
  const groups = Math.max(1, Math.ceil(names.length / groupSize));
  return Array.from({ length: groups }, (_, i) => new Set(names.slice(i * groupSize, (i + 1) * groupSize)));
}

async function addAll(
  builders: Map<string, ColumnBuilder>,
  table: Table,
  wanted: ReadonlySet<string> | undefined,
  texts: ReadonlySet<string>,
): Promise<void> {
  const own: ColumnBuilder[] = [];
  let rows = 0;
  for await (const batch of table.batches({ columns: wanted })) {
    for (const [index, name] of batch.columns.entries()) {
      if (wanted?.has(name) === false) continue;
      let builder = builders.get(name);
      if (builder === undefined) {
        builder = new ColumnBuilder(name, texts.has(name) || !startsNumeric(batch, index), rows);
        builders.set(name, builder);
        own.push(builder);
      }
      builder.add(batch, index);
    }
    rows += batch.rows;
    for (const builder of own) builder.fillUp(rows);
  }
}

function startsNumeric(batch: Batch, column: number): boolean {
  for (let row = 0; row < Math.min(batch.rows, 1000); row++) {
    if (isText(batch, row, column)) return false;
  }
  return true;
}

/** A value is there, and it is no number. */
function isText(batch: Batch, row: number, column: number): boolean {
  if (batch.isMissing(row, column) || !Number.isNaN(batch.number(row, column))) return false;
  const cell = batch.cell(row, column);
  return !(typeof cell === 'string' && /^\s*[+-]?nan\s*$/i.test(cell));
}

/** Rows that are kept together while a column grows: nothing is copied before its end, and nothing is left over. */
const pieceRows = 1 << 14;

class ColumnBuilder {
  readonly name: string;
  /** A text came where only numbers were expected. */
  failed = false;
  readonly #asText: boolean;
  readonly #values: Float64Array[] = [];
  readonly #codes: Int32Array[] = [];
  readonly #categories = new Map<string, number>();
  #rows = 0;
  #missing = 0;

  constructor(name: string, asText: boolean, before: number) {
    this.name = name;
    this.#asText = asText;
    this.fillUp(before);
  }

  add(batch: Batch, column: number): void {
    if (this.#asText) this.#addTexts(batch, column);
    else this.#addNumbers(batch, column);
  }

  /** Rows that do not have the column lack its value. */
  fillUp(rows: number): void {
    while (this.#rows < rows) {
      const from = this.#rows % pieceRows;
      const to = Math.min(pieceRows, from + rows - this.#rows);
      if (this.#asText) this.#codePiece().fill(-1, from, to);
      else this.#numberPiece().fill(Number.NaN, from, to);
      this.#missing += to - from;
      this.#rows += to - from;
    }
  }

  /** The piece that the next row goes to. */
  #numberPiece(): Float64Array {
    if (this.#rows % pieceRows === 0) this.#values.push(new Float64Array(pieceRows));
    return this.#values.at(-1) as Float64Array;
  }

  #codePiece(): Int32Array {
    if (this.#rows % pieceRows === 0) this.#codes.push(new Int32Array(pieceRows));
    return this.#codes.at(-1) as Int32Array;
  }

  #addNumbers(batch: Batch, column: number): void {
    for (let row = 0; row < batch.rows;) {
      const piece = this.#numberPiece();
      const from = this.#rows % pieceRows;
      const count = Math.min(pieceRows - from, batch.rows - row);
      for (let i = 0; i < count; i++, row++) {
        const value = batch.number(row, column);
        piece[from + i] = value;
        if (!Number.isNaN(value)) continue;
        this.#missing++;
        if (!this.failed && isText(batch, row, column)) this.failed = true;
      }
      this.#rows += count;
    }
  }

  #addTexts(batch: Batch, column: number): void {
    for (let row = 0; row < batch.rows; row++) {
      const text = batch.text(row, column);
      let code = -1;
      if (text === null) this.#missing++;
      else {
        code = this.#categories.get(text) ?? this.#categories.size;
        if (code === this.#categories.size) this.#categories.set(text, code);
      }
      this.#codePiece()[this.#rows % pieceRows] = code;
      this.#rows++;
    }
  }

  /** The column; the builder has nothing afterwards. */
  finish(): Column {
    const rows = this.#rows;
    const common = { name: this.name, rows, missing: this.#missing };
    if (!this.#asText) return { ...common, kind: 'number', values: joined(this.#values, new Float64Array(rows)) };
    const codes = joined(this.#codes, new Int32Array(rows));
    return { ...common, kind: 'category', codes, categories: [...this.#categories.keys()] };
  }
}

function joined<T extends Float64Array | Int32Array>(pieces: T[], whole: T): T {
  for (const [i, piece] of pieces.entries()) {
    whole.set(piece.subarray(0, Math.min(pieceRows, whole.length - i * pieceRows)), i * pieceRows);
    free(piece.buffer);
  }
  pieces.length = 0;
  return whole;
}

/** Gives memory back at once, where the platform can: the columns of a table would be there twice until it is missed. */
function free(buffer: ArrayBufferLike & { transfer?: (length: number) => unknown }): void {
  buffer.transfer?.(0);
}
