import type { Batch, Cell } from '../tables/index.ts';

export type ExpectationName =
  | 'type'
  | 'nullable'
  | 'min'
  | 'max'
  | 'values'
  | 'regex'
  | 'script'
  | 'mixed_scripts'
  | 'encoding'
  | 'length'
  | 'order'
  | 'row_count'
  | 'column_exists'
  | 'unique'
  | 'rule'
  | 'freshness'
  | 'balance'
  | 'leakage'
  | 'drift';

/** A row that does not do what was expected. */
export interface Failing {
  /** The physical line on which the record starts; for Parquet the row from 1; null where no row can be named. */
  readonly line: number | null;
  readonly value: unknown;
}

/** What became of one expectation; the keys are those of the JSON. */
export interface Expectation {
  readonly expectation: ExpectationName;
  /** A list for what concerns several columns, null for what concerns none. */
  readonly column: string | readonly string[] | null;
  readonly success: boolean;
  readonly result: {
    /** Values that were looked at, missing ones among them. */
    readonly element_count: number;
    /** Exact, however many there are. */
    readonly unexpected_count: number;
    /** Of `element_count`, from 0 to 100. */
    readonly unexpected_percent: number;
    /** The first of them, at most 20. */
    readonly failing: readonly Failing[];
    /** What was found, where it is one thing: the number of rows, the newest time. */
    readonly observed_value?: unknown;
  };
  /** What was expected, for people: `at least 0`. */
  readonly expected: string;
}

export interface FileResult {
  readonly file: string;
  readonly success: boolean;
  readonly rows: number;
  readonly expectations: readonly Expectation[];
  /** Why the file cannot be read as it should; what was found before that is left out. */
  readonly error?: { readonly message: string; readonly line?: number; readonly hint?: string };
}

export interface QualityReport {
  readonly success: boolean;
  readonly files: readonly FileResult[];
}

/** Failing rows that are shown. */
export const mostFailing = 20;

/** Counts what is unexpected and keeps the first of it. */
export class Tally {
  count = 0;
  readonly failing: Failing[] = [];

  add(batch: Batch, row: number, column: number, numeric: boolean): void {
    this.count++;
    if (this.failing.length < mostFailing) {
      this.failing.push({ line: batch.line(row), value: shownCell(batch, row, column, numeric) });
    }
  }

  /** A row by the cells of some columns. */
  addRow(
    batch: Batch,
    row: number,
    columns: readonly number[],
    names: readonly string[],
    isNumeric: (name: string) => boolean,
  ): void {
    this.count++;
    if (this.failing.length >= mostFailing) return;
    const cells = names.map((name, i) => [name, shownCell(batch, row, columns[i] ?? 0, isNumeric(name))]);
    this.failing.push({ line: batch.line(row), value: Object.fromEntries(cells) });
  }

  addMissing(batch: Batch, row: number): void {
    this.count++;
    if (this.failing.length < mostFailing) this.failing.push({ line: batch.line(row), value: null });
  }
}

/** A cell as it is shown: a number where the column has numbers, else as it is written. */
export function shownCell(batch: Batch, row: number, column: number, numeric: boolean): unknown {
  if (batch.isMissing(row, column)) return null;
  const number = numeric ? batch.number(row, column) : Number.NaN;
  return Number.isFinite(number) ? number : plainCell(batch.cell(row, column));
}

function plainCell(cell: Cell): unknown {
  if (cell instanceof Date) return cell.toISOString();
  if (typeof cell === 'bigint') return String(cell);
  return typeof cell === 'string' && cell.length > 200 ? `${cell.slice(0, 200)}...` : cell;
}

export function expectation(
  name: ExpectationName,
  column: Expectation['column'],
  expected: string,
  found: {
    readonly elements: number;
    readonly unexpected: number;
    readonly failing?: readonly Failing[];
    /** Default: nothing is unexpected. */
    readonly success?: boolean;
    readonly observed?: unknown;
  },
): Expectation {
  const { elements, unexpected, failing = [], observed } = found;
  return {
    expectation: name,
    column,
    success: found.success ?? unexpected === 0,
    result: {
      element_count: elements,
      unexpected_count: unexpected,
      unexpected_percent: elements === 0 ? 0 : (100 * unexpected) / elements,
      failing,
      ...(observed === undefined ? {} : { observed_value: observed }),
    },
    expected,
  };
}
