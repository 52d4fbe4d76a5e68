/**
 * Tables in files: CSV, JSON lines, JSON lists and Parquet, gzip or not, read as a stream of rows or into columns. A
 * message about content names the physical line. This room never writes, and never holds a file of JSON lines, CSV or
 * Parquet in memory unless columns are asked for.
 *
 * Words: a *table* is columns of one type each, by name, with what is missing marked.
 * Never: knows what a column means.
 */
export type { Batch, Cell, Table } from './batch.ts';
export { CellHash } from './cell-hash.ts';
export { loadColumns, type CategoryColumn, type Column, type NumberColumn } from './columns.ts';
export { loadBothColumns } from './load-apart.ts';
export type { CsvOptions } from './csv-dialect.ts';
export { readCsv } from './csv-reader.ts';
export { recordTable } from './json-lines.ts';
export { numberAt } from './number-bytes.ts';
export { openTable, type TableOptions } from './open-table.ts';
export { ShortTexts } from './short-texts.ts';
