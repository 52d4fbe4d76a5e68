// Reads and writes CSV (RFC 4180): quotes, and the delimiter that the first line has most of: comma, semicolon, tab.
import { readFileSync } from 'node:fs';

import { writeFile } from './files.mjs';

/** A table: `columns` are the names of the first line, `rows` lists of texts, as many in each. */
export function readCsv(path) {
  const text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  const [columns, ...rows] = parse(text, delimiterOf(text.slice(0, text.indexOf('\n'))));
  if (columns === undefined) throw new Error(`${path}: the file is empty`);
  for (const [index, row] of rows.entries()) {
    if (row.length !== columns.length) {
      throw new Error(`${path}: row ${index + 1} has ${row.length} fields, and the header ${columns.length}`);
    }
  }
  return { columns: columns.map((name) => name.trim()), rows };
}

export function writeCsv(path, columns, rows) {
  writeFile(path, [columns, ...rows].map((row) => `${row.map(field).join(',')}\n`).join(''));
}

function field(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function delimiterOf(line) {
  const count = (delimiter) => line.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}

function parse(text, delimiter) {
  const rows = [];
  let row = [];
  let value = '';
  let quoted = false;
  const endField = () => {
    row.push(value);
    value = '';
  };
  const endRow = () => {
    endField();
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character !== '"') value += character;
      else if (text[at + 1] === '"') value += text[at++];
      else quoted = false;
    } else if (character === '"' && value === '') quoted = true;
    else if (character === delimiter) endField();
    else if (character === '\n') endRow();
    else if (character !== '\r') value += character;
  }
  if (value !== '' || row.length > 0) endRow();
  return rows;
}
