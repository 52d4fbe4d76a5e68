import { isDecimal, MlopsError } from '../../base/index.ts';
import { integerOf, type Json } from './json-reader.ts';

/**
 * A CSV table with a header row, as pandas reads it: comma, quotes doubled inside quotes, numbers where a field is one,
 * empty fields are missing.
 *
 * @throws MlopsError `bad_request` naming the line of a row that does not fit the header.
 */
export function parseCsv(text: string): { columns: string[]; data: Json[][] } {
  const rows = splitRows(text.replace(/^\ufeff/, ''));
  const [columns, ...lines] = rows;
  if (columns === undefined) throw new MlopsError('bad_request', 'the CSV table is empty: a header row was expected');
  const data = lines.map((line, i) => {
    if (line.length === columns.length) return line.map(valueOf);
    throw new MlopsError('bad_request', `CSV row ${i + 2} has ${line.length} fields, the header has ${columns.length}`);
  });
  return { columns, data };
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

function valueOf(field: string): Json {
  const text = field.trim();
  if (text === '' || text === 'NaN' || text === 'nan') return null;
  if (/^[+-]?\d+$/.test(text)) return integerOf(text);
  if (isDecimal(text)) return Number(text);
  if (/^true$/i.test(text)) return true;
  if (/^false$/i.test(text)) return false;
  return field;
}
