import type { CellHash } from './cell-hash.ts';
import { dayAt } from './day-bytes.ts';

/** What a cell can hold. CSV knows texts only; what is missing is null. */
export type Cell = null | string | number | bigint | boolean | Date | readonly unknown[] | object;

/**
 * Some rows of a table that follow each other. It is valid until the next one is asked for: readers use their buffers
 * again.
 */
export interface Batch {
  /** Names of the columns; JSON lines may bring new ones, at the end. */
  readonly columns: readonly string[];
  readonly rows: number;
  /** The physical line on which the row starts, from 1; for Parquet the row from 1. */
  line(row: number): number;
  /** Null for an empty field, a JSON null or an absent key. */
  cell(row: number, column: number): Cell;
  isMissing(row: number, column: number): boolean;
  /** The number in a cell, NaN where there is none: missing, or a text that is no number. */
  number(row: number, column: number): number;
  /** The time of a cell that is a date or is spelt as `2024-02-29`, in milliseconds; NaN for every other cell. */
  day(row: number, column: number): number;
  /** The cell as text, null where it is missing. */
  text(row: number, column: number): string | null;
  /** Adds the cell, as text, to a hash. */
  hash(row: number, column: number, into: CellHash): void;
}

/** A table that can be read from its start as often as needed. */
export interface Table {
  /** As messages name it. */
  readonly name: string;
  readonly format: 'csv' | 'jsonl' | 'json' | 'parquet';
  /** What it is read from, where that is a file: another thread can open it too. */
  readonly source?: { readonly file: string; readonly options: Readonly<Record<string, unknown>> };
  /** Names of the columns, where the file says them without being read. */
  columns?(): Promise<readonly string[]>;
  batches(options?: { readonly columns?: ReadonlySet<string> | undefined }): AsyncIterable<Batch>;
}

/** A cell of a typed table as text: what a CSV of the same table would say. */
export function cellText(cell: Cell): string | null {
  if (cell === null || typeof cell === 'string') return cell;
  if (cell instanceof Date) return cell.toISOString();
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}

/** A cell of a typed table as a number, NaN where it is none. */
export function cellNumber(cell: Cell): number {
  if (typeof cell === 'number') return cell;
  return typeof cell === 'bigint' ? Number(cell) : Number.NaN;
}

/** Rows whose cells are values, not bytes: JSON lines and Parquet. */
export class ValueBatch implements Batch {
  readonly columns: readonly string[];
  readonly rows: number;
  readonly #cells: (row: number, column: number) => Cell;
  readonly #line: (row: number) => number;

  constructor(
    columns: readonly string[],
    rows: number,
    cells: (row: number, column: number) => Cell,
    line: (row: number) => number,
  ) {
    this.columns = columns;
    this.rows = rows;
    this.#cells = cells;
    this.#line = line;
  }

  line(row: number): number {
    return this.#line(row);
  }
  cell(row: number, column: number): Cell {
    return this.#cells(row, column);
  }
  isMissing(row: number, column: number): boolean {
    const cell = this.#cells(row, column);
    return cell === null || (typeof cell === 'number' && Number.isNaN(cell));
  }
  number(row: number, column: number): number {
    return cellNumber(this.#cells(row, column));
  }
  day(row: number, column: number): number {
    const cell = this.#cells(row, column);
    if (cell instanceof Date) return cell.getTime();
    if (typeof cell !== 'string' || cell.length !== 10) return Number.NaN;
    const bytes = Buffer.from(cell);
    return dayAt(bytes, 0, bytes.length);
  }

  text(row: number, column: number): string | null {
    return this.isMissing(row, column) ? null : cellText(this.#cells(row, column));
  }

  hash(row: number, column: number, into: CellHash): void {
    into.addText(this.text(row, column));
  }
}
