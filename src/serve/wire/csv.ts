import { isDecimal, MlopsError } from '../../base/index.ts';
import type { Dtype } from '../../model/index.ts';
import { integerOf, type Json } from './json-reader.ts';
import { dtypes } from './tensor.ts';

/** A table of texts: what they mean depends on what takes them. */
export interface CsvTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * A CSV table with a header row, as pandas reads it: comma, quotes doubled inside quotes.
 *
 * @throws MlopsError `bad_request` naming the line of a row that does not fit the header.
 */
export function parseCsv(text: string): CsvTable {
  const [columns, ...rows] = splitRows(text.replace(/^\ufeff/, ''));
  if (columns === undefined) throw new MlopsError('bad_request', 'the CSV table is empty: a header row was expected');
  const odd = rows.findIndex((row) => row.length !== columns.length);
  if (odd < 0) return { columns, rows };
  const fields = rows[odd]?.length ?? 0;
  throw new MlopsError('bad_request', `CSV row ${odd + 2} has ${fields} fields, the header has ${columns.length}`);
}

function splitRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"([^"]*(?:""[^"]*)*)"|([^,\n\r"]*))(,|\r?\n|\r|$)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) throw new MlopsError('bad_request', `CSV row ${rows.length + 1} has a stray quote`);
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === ',') {
      if (field.lastIndex === text.length) row.push('');
      else continue;
    }
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}

/** What pandas takes for a missing value (`pandas.read_csv`, na_values). */
const missing: ReadonlySet<string> = new Set([
  ...['', '#N/A', '#N/A N/A', '#NA', '-1.#IND', '-1.#QNAN', '-NaN', '-nan', '1.#IND', '1.#QNAN', '<NA>', 'N/A', 'NA'],
  ...['NULL', 'NaN', 'None', 'n/a', 'nan', 'null'],
]);

/** A field for an input of a type: text stays as it stands; a word that does not fit comes back as it is. */
export function cellOf(field: string, dtype: Dtype): Json {
  const { kind } = dtypes[dtype];
  if (kind === 'string') return field;
  if (missing.has(field)) return null;
  const text = field.trim();
  if (kind === 'bool') return truthOf(text) ?? field;
  return numberOf(text) ?? field;
}

/** A field for a column whose type says `serving.yaml`: a number or a truth where it reads as one. */
export function guessedCell(field: string): Json {
  if (missing.has(field)) return null;
  const text = field.trim();
  return numberOf(text) ?? truthOf(text) ?? field;
}

function numberOf(text: string): number | bigint | undefined {
  if (/^[+-]?\d+$/.test(text)) return integerOf(text);
  if (isDecimal(text)) return Number(text);
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return undefined;
}

function truthOf(text: string): boolean | undefined {
  if (/^true$/i.test(text)) return true;
  return /^false$/i.test(text) ? false : undefined;
}
