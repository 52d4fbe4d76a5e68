import * as fs from 'node:fs';
import * as path from 'node:path';
import { createGunzip } from 'node:zlib';
import type { Readable } from 'node:stream';

import { filesBelow } from '../../base/index.ts';
import { knownFormat } from '../../pictures/index.ts';
import { openTable, type Cell } from '../../tables/index.ts';

/** A row of the input, as it stands there. */
export interface BatchRow {
  /** Its line, or a picture's path relative to the folder. */
  readonly at: { readonly line: number } | { readonly file: string };
  /** Cells by column; a picture's are read when it is asked for. */
  readonly cells: Readonly<Record<string, unknown>>;
  /** The row as its text, for an output of the same kind. */
  readonly text?: string | undefined;
  /** Why it is no row. */
  readonly problem?: string | undefined;
}

export interface BatchInput {
  readonly kind: 'csv' | 'jsonl' | 'parquet' | 'pictures';
  /** True for cells that are texts, whatever they mean. */
  readonly untyped: boolean;
  /** Rows, where that is known beforehand. */
  readonly total?: number | undefined;
  /** Changes with the input. */
  readonly fingerprint: string;
  rows(): AsyncIterable<BatchRow>;
}

/** A table or a folder of pictures, row by row; rows that cannot be read come with what is wrong. */
export function openBatch(location: string): BatchInput {
  const stat = fs.statSync(location);
  if (stat.isDirectory()) return pictures(location);
  const fingerprint = `${stat.size}/${stat.mtimeMs}`;
  const gzipped = /\.gz$/i.test(location);
  const name = location.replace(/\.gz$/i, '');
  if (/\.(csv|tsv)$/i.test(name)) {
    const separator = /\.tsv$/i.test(name) ? '\t' : ',';
    return { kind: 'csv', untyped: true, fingerprint, rows: () => csvRows(textOf(location, gzipped), separator) };
  }
  if (/\.(jsonl|ndjson)$/i.test(name)) {
    return { kind: 'jsonl', untyped: false, fingerprint, rows: () => jsonRows(textOf(location, gzipped)) };
  }
  // Parquet, and what else is a table: it is whole or it is broken.
  const table = openTable(location);
  return {
    kind: 'parquet',
    untyped: table.format === 'csv',
    fingerprint,
    async *rows() {
      for await (const batch of table.batches()) {
        for (let row = 0; row < batch.rows; row++) {
          const cells = batch.columns.map((column, at) => [column, plain(batch.cell(row, at))] as const);
          yield { at: { line: batch.line(row) }, cells: Object.fromEntries(cells) };
        }
      }
    },
  };
}

function plain(cell: Cell): unknown {
  if (typeof cell === 'bigint') return Number.isSafeInteger(Number(cell)) ? Number(cell) : String(cell);
  return cell instanceof Date ? cell.toISOString() : cell;
}

function pictures(folder: string): BatchInput {
  const files = filesBelow(folder)
    .filter((file) => isPicture(path.join(folder, file)))
    .sort((a, b) => (a < b ? -1 : 1));
  return {
    kind: 'pictures',
    untyped: false,
    total: files.length,
    fingerprint: `${files.length}/${files.join('\n').length}`,
    // oxlint-disable-next-line typescript/require-await -- rows are read by who takes them
    async *rows() {
      for (const file of files) yield { at: { file }, cells: { file } };
    },
  };
}

function isPicture(file: string): boolean {
  if (/\.(jpe?g|png|webp|gif|bmp|tiff?|avif)$/i.test(file)) return true;
  const head = Buffer.alloc(64);
  const descriptor = fs.openSync(file, 'r');
  try {
    return knownFormat(head.subarray(0, fs.readSync(descriptor, head))) !== undefined;
  } finally {
    fs.closeSync(descriptor);
  }
}

async function* textOf(file: string, gzipped: boolean): AsyncIterable<string> {
  const stream: Readable = fs.createReadStream(file, { highWaterMark: 1 << 18 });
  const bytes = gzipped ? stream.pipe(createGunzip()) : stream;
  const decoder = new TextDecoder('utf-8');
  for await (const chunk of bytes) yield decoder.decode(chunk as Buffer, { stream: true });
  yield decoder.decode();
}

/** Lines with the number of each, without line ends; one that is not `even` goes on up to the next that is not either. */
async function* linesOf(
  chunks: AsyncIterable<string>,
  even: (line: string) => boolean = () => true,
): AsyncIterable<{ line: number; text: string }> {
  let rest = '';
  let open = '';
  let inside = false;
  let line = 1;
  let started = 1;
  const take = (text: string): { line: number; text: string } | undefined => {
    open = inside ? `${open}\n${text}` : text;
    line++;
    // Of this line alone: looking at all of them again takes the square of their number.
    if (!even(text)) inside = !inside;
    if (inside) return undefined;
    const found = { line: started, text: open.endsWith('\r') ? open.slice(0, -1) : open };
    open = '';
    started = line;
    return found;
  };
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) {
      const found = take(text);
      if (found !== undefined) yield found;
    }
  }
  if (rest !== '') {
    const found = take(rest);
    if (found !== undefined) yield found;
  }
  if (open !== '') yield { line: started, text: open };
}

async function* jsonRows(chunks: AsyncIterable<string>): AsyncIterable<BatchRow> {
  for await (const { line, text } of linesOf(chunks)) {
    const trimmed = (line === 1 ? text.replace(/^\uFEFF/, '') : text).trim();
    if (trimmed === '') continue;
    const at = { line };
    try {
      const value: unknown = JSON.parse(trimmed);
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        yield { at, cells: value as Record<string, unknown>, text: trimmed };
      } else yield { at, cells: {}, problem: 'an object was expected' };
    } catch (error) {
      yield { at, cells: {}, problem: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** A record ends where its quotes are closed. */
function closed(text: string): boolean {
  if (!text.includes('"')) return true;
  let quotes = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) quotes++;
  return quotes % 2 === 0;
}

async function* csvRows(chunks: AsyncIterable<string>, separator: string): AsyncIterable<BatchRow> {
  let columns: string[] | undefined;
  for await (const { line, text } of linesOf(chunks, closed)) {
    if (columns === undefined) {
      columns = fieldsOf(text.replace(/^\uFEFF/, ''), separator);
      continue;
    }
    if (text === '') continue;
    const at = { line };
    if (!closed(text)) {
      yield { at, cells: {}, problem: 'a quote is not closed' };
      continue;
    }
    const fields = fieldsOf(text, separator);
    if (fields.length !== columns.length) {
      yield { at, cells: {}, problem: `${fields.length} fields, the header has ${columns.length}` };
      continue;
    }
    const cells: Record<string, unknown> = {};
    for (let i = 0; i < fields.length; i++) cells[columns[i] ?? ''] = fields[i];
    yield { at, cells, text };
  }
}

/** The fields of a record: quoted where they begin with a quote, quotes doubled inside. */
export function fieldsOf(record: string, separator: string): string[] {
  if (!record.includes('"')) return record.split(separator);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (record[at] === '"') {
      let end = at + 1;
      while (end < record.length && (record[end] !== '"' || record[end + 1] === '"'))
        end += record[end] === '"' ? 2 : 1;
      fields.push(record.slice(at + 1, end).replaceAll('""', '"'));
      at = record.indexOf(separator, end);
    } else {
      const end = record.indexOf(separator, at);
      fields.push(record.slice(at, end < 0 ? undefined : end));
      at = end;
    }
    if (at < 0) return fields;
    at++;
  }
}
