// The prepared rows as numbers.
import { readCsv } from './lib/csv.mjs';
import { readJson } from './lib/files.mjs';
import { toRaw } from './table.mjs';

/** { inputs, target } of columns.json. */
export function readColumns() {
  return readJson('data/prepared/columns.json');
}

/** Rows of one part: [{ raw, actual }], where `actual` is the text of the target. */
export function readRows(part, { inputs }) {
  const { rows } = readCsv(`data/prepared/${part}.csv`);
  return rows.map((row) => ({ raw: toRaw(inputs, row), actual: row.at(-1) }));
}
