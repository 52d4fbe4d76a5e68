import type { Tag } from '../mlflow/index.ts';

/** Rows of MLflow's tables, whose columns differ from release to release. */
export type Row = Readonly<Record<string, string | number | null>>;

/** The rows of a table; none where the database has no such table. */
export type Query = (table: string, rest: string, ...values: readonly unknown[]) => readonly Row[];

export function text(row: Row, column: string): string {
  const value = row[column];
  return value === null || value === undefined ? '' : String(value);
}

export function number(row: Row, column: string): number {
  return Number(row[column] ?? 0);
}

export function pairs(rows: readonly Row[]): Tag[] {
  return rows.map((row) => ({ key: text(row, 'key') || text(row, 'name'), value: text(row, 'value') }));
}
