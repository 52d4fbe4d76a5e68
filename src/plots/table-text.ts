import type { PyMap, PyValue } from '../base/index.ts';

/**
 * Reads CSV or TSV as Python's `csv.DictReader`: values stay strings, a short row has null for what is
 * missing, blank lines are skipped. Without a header the columns are called '0', '1', ...
 */
export function parseTable(
  text: string,
  options: { readonly delimiter: ',' | '\t'; readonly header: boolean },
): PyMap[] {
  const rows = splitRows(text, options.delimiter).filter((row) => row.length > 0);
  const first = rows[0];
  if (first === undefined) return [];
  // DVC counts the columns of a file without header by commas, whatever the delimiter is.
  const names = options.header ? first : (splitRows(text, ',')[0] ?? first).map((_, index) => String(index));
  return (options.header ? rows.slice(1) : rows).map((row) => {
    const record: PyMap = new Map(names.map((name, index): [PyValue, PyValue] => [name, row[index] ?? null]));
    if (row.length > names.length) record.set(null, row.slice(names.length));
    return record;
  });
}

/** Rows of fields by the rules of RFC 4180 as Python's reader applies them; a blank line is an empty row. */
export function splitRows(text: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  let at = 0;
  while (at < text.length) {
    const row: string[] = [];
    for (;;) {
      const [field, end] = readField(text, at, delimiter);
      const closed = end >= text.length || text[end] !== delimiter;
      if (!(closed && row.length === 0 && end === at)) row.push(field);
      at = end + 1;
      if (closed) break;
    }
    if (text[at - 1] === '\r' && text[at] === '\n') at++;
    rows.push(row);
  }
  return rows;
}

function readField(text: string, start: number, delimiter: string): [field: string, end: number] {
  let at = start;
  let field = '';
  if (text[at] === '"') {
    for (at++; at < text.length; at++) {
      if (text[at] !== '"') field += text[at];
      else if (text[at + 1] === '"') {
        field += '"';
        at++;
      } else {
        at++;
        break;
      }
    }
  }
  const from = at;
  while (at < text.length && text[at] !== delimiter && text[at] !== '\n' && text[at] !== '\r') at++;
  return [field + text.slice(from, at), at];
}
