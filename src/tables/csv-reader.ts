import { isUtf8 } from 'node:buffer';

import { plural } from '../base/index.ts';
import { badTable } from './bad-table.ts';
import type { Batch } from './batch.ts';
import { CsvBatch } from './csv-batch.ts';
import { dialectOf, type CsvOptions } from './csv-dialect.ts';
import { CsvFields } from './csv-fields.ts';
import { toUtf8 } from './encoding.ts';

/** A record longer than this is a quote that nobody closed. */
const maxRecord = 16 << 20;
/** Chunks are gathered up to this size before they are read: gzip gives small ones. */
const minRead = 1 << 20;

/**
 * Reads a CSV with a header, byte by byte (RFC 4180). Memory is bounded by the longest record. Blank lines are left
 * out, as pandas does.
 *
 * @throws MlopsError `bad_table` naming the physical line: a row with more or fewer fields than the header, a quote
 *   that is not closed, bytes that are not UTF-8.
 */
export async function* readCsv(
  bytes: AsyncIterable<Buffer>,
  name: string,
  options: CsvOptions = {},
): AsyncGenerator<Batch> {
  let reader: CsvReader | undefined;
  for await (const buffer of gathered(toUtf8(bytes, name, options.encoding))) {
    reader ??= new CsvReader(name, buffer, options);
    if (reader.take(buffer, false)) yield reader.batch;
  }
  if (reader?.take(Buffer.alloc(0), true) === true) yield reader.batch;
  if (reader === undefined || reader.batch.columns.length === 0) {
    throw badTable(name, 'is empty: a header row was expected');
  }
  // A header without rows is a table too: its columns are known.
  if (!reader.anyRows) yield reader.batch;
}

async function* gathered(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    waiting.push(chunk);
    size += chunk.length;
    if (size < minRead) continue;
    yield waiting.length === 1 ? chunk : Buffer.concat(waiting, size);
    waiting = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(waiting, size);
}

class CsvReader {
  readonly batch: CsvBatch;
  anyRows = false;
  readonly #name: string;
  readonly #fields: CsvFields;
  #rest: Buffer = Buffer.alloc(0);

  constructor(name: string, head: Buffer, options: CsvOptions) {
    const dialect = dialectOf(name, head, options);
    this.#name = name;
    this.batch = new CsvBatch(dialect.quote);
    this.#fields = new CsvFields(this.batch, dialect);
  }

  /** Reads what is complete; true when the batch has rows. */
  take(chunk: Buffer, final: boolean): boolean {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const fields = this.#fields;
    this.batch.open(bytes);
    fields.open(bytes, final);
    let next = 0;
    while (fields.toRecord()) {
      const { line } = fields;
      const end = fields.record(next);
      if (end === -1) break;
      if (this.batch.columns.length === 0) this.#takeHeader(end);
      else next = this.#takeRow(next, end, line);
    }
    this.#keepRest(bytes, final);
    this.anyRows ||= this.batch.rows > 0;
    return this.batch.rows > 0;
  }

  #takeHeader(width: number): void {
    this.#checkText(this.batch.bytes, this.#fields.at);
    this.batch.columns = Array.from({ length: width }, (_, column) => this.batch.headerText(column));
    const seen = new Set<string>();
    for (const name of this.batch.columns) {
      if (seen.has(name)) throw badTable(this.#name, `names the column '${name}' twice`, { line: 1 });
      seen.add(name);
    }
  }

  #takeRow(from: number, to: number, line: number): number {
    const width = this.batch.columns.length;
    if (to - from !== width) {
      throw badTable(this.#name, `has ${plural(to - from, 'field')}, the header has ${width}`, {
        line,
        hint: 'quote fields that hold the delimiter, or say which one it is',
      });
    }
    this.batch.addRow(line);
    return to;
  }

  #keepRest(bytes: Buffer, final: boolean): void {
    const { at, line } = this.#fields;
    this.#checkText(bytes, at);
    this.#rest = bytes.subarray(at);
    if (final && at < bytes.length) throw badTable(this.#name, 'starts a quoted field that does not end', { line });
    if (this.#rest.length <= maxRecord) return;
    throw badTable(this.#name, `starts a record of more than ${maxRecord >> 20} MiB`, {
      line,
      hint: 'a quote is not closed, or the delimiter is another one',
    });
  }

  #checkText(bytes: Buffer, end: number): void {
    if (isUtf8(bytes.subarray(0, end))) return;
    const { batch } = this;
    const width = batch.columns.length;
    let line = 1;
    for (let row = 0; row < batch.rows; row++) {
      const last = (row + 1) * width - 1;
      if (isUtf8(bytes.subarray(batch.starts[row * width], batch.ends[last]))) continue;
      line = batch.line(row);
      break;
    }
    throw badTable(this.#name, 'is not UTF-8', { line, hint: 'say its encoding, for example --encoding latin1' });
  }
}
