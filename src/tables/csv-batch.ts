import type { Batch, Cell } from './batch.ts';
import type { CellHash } from './cell-hash.ts';
import { dayAt } from './day-bytes.ts';
import { numberAt } from './number-bytes.ts';
import { ShortTexts } from './short-texts.ts';

/** How a field was written: as it is, in quotes, or in quotes with something to resolve inside or after them. */
export const FieldKind = {
  plain: 0,
  quoted: 1,
  mixed: 2,
} as const;

/** Where the fields of some rows are in a buffer. */
export class CsvBatch implements Batch {
  columns: readonly string[] = [];
  rows = 0;
  bytes: Buffer = Buffer.alloc(0);
  starts = new Int32Array(1024);
  ends = new Int32Array(1024);
  kinds = new Uint8Array(1024);
  lines = new Float64Array(256);
  readonly #quote: string;
  readonly #texts = new ShortTexts();

  constructor(quote: number) {
    this.#quote = String.fromCharCode(quote);
  }

  line(row: number): number {
    return this.lines[row] ?? 0;
  }

  cell(row: number, column: number): Cell {
    return this.text(row, column);
  }

  isMissing(row: number, column: number): boolean {
    const at = row * this.columns.length + column;
    return this.starts[at] === this.ends[at];
  }

  number(row: number, column: number): number {
    const at = row * this.columns.length + column;
    return this.kinds[at] === FieldKind.mixed
      ? Number.NaN
      : numberAt(this.bytes, this.starts[at] ?? 0, this.ends[at] ?? 0);
  }

  text(row: number, column: number): string | null {
    const at = row * this.columns.length + column;
    if (this.starts[at] === this.ends[at]) return null;
    const start = this.starts[at] ?? 0;
    const end = this.ends[at] ?? 0;
    if (this.kinds[at] === FieldKind.mixed) return unquoted(this.bytes.toString('utf8', start, end), this.#quote);
    return this.#texts.text(this.bytes, start, end);
  }

  day(row: number, column: number): number {
    const at = row * this.columns.length + column;
    return this.kinds[at] === FieldKind.mixed
      ? Number.NaN
      : dayAt(this.bytes, this.starts[at] ?? 0, this.ends[at] ?? 0);
  }

  hash(row: number, column: number, into: CellHash): void {
    const at = row * this.columns.length + column;
    const start = this.starts[at] ?? 0;
    const end = this.ends[at] ?? 0;
    if (start === end || this.kinds[at] === FieldKind.mixed) into.addText(this.text(row, column));
    else into.addBytes(this.bytes, start, end);
  }

  /** Begins to describe other bytes. */
  open(bytes: Buffer): void {
    this.bytes = bytes;
    this.rows = 0;
  }

  /** Makes room for a field. */
  grow(field: number): void {
    if (field < this.starts.length) return;
    const size = this.starts.length * 2;
    this.starts = enlarged(this.starts, new Int32Array(size));
    this.ends = enlarged(this.ends, new Int32Array(size));
    this.kinds = enlarged(this.kinds, new Uint8Array(size));
  }

  put(field: number, start: number, end: number, kind: number): void {
    this.starts[field] = start;
    this.ends[field] = end;
    this.kinds[field] = kind;
  }

  addRow(line: number): void {
    if (this.rows === this.lines.length) {
      this.lines = enlarged(this.lines, new Float64Array(this.lines.length * 2));
    }
    this.lines[this.rows++] = line;
  }

  /** The field of the first record, while it is the only one. */
  headerText(field: number): string {
    const text = this.bytes.toString('utf8', this.starts[field], this.ends[field]);
    return this.kinds[field] === FieldKind.mixed ? unquoted(text, this.#quote) : text;
  }
}

function enlarged<T extends Int32Array | Uint8Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** A field that starts with a quote, as Python's reader takes it: what follows the closing quote is added. */
function unquoted(text: string, quote: string): string {
  let out = '';
  let at = 1;
  while (at < text.length) {
    const next = text.indexOf(quote, at);
    if (next === -1) return out + text.slice(at);
    out += text.slice(at, next);
    if (text[next + 1] !== quote) return out + text.slice(next + 1);
    out += quote;
    at = next + 2;
  }
  return out;
}
