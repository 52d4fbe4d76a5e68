import { type CsvBatch, FieldKind } from './csv-batch.ts';
import type { Dialect } from './csv-dialect.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * Finds the fields of records in a buffer. Places are kept, nothing is copied. Line ends are `\n`, `\r\n` and `\r`;
 * inside of quotes they belong to the field.
 */
export class CsvFields {
  /** Where reading goes on. */
  at = 0;
  /** Physical line of `at`, from 1. */
  line = 1;
  #bytes: Buffer = Buffer.alloc(0);
  #final = false;
  readonly #batch: CsvBatch;
  readonly #delimiter: number;
  readonly #quote: number;

  constructor(batch: CsvBatch, dialect: Dialect) {
    this.#batch = batch;
    this.#delimiter = dialect.delimiter;
    this.#quote = dialect.quote;
  }

  /** @param final nothing comes after these bytes. */
  open(bytes: Buffer, final: boolean): void {
    this.#bytes = bytes;
    this.#final = final;
    this.at = 0;
  }

  /** Goes over line ends: to the next record, over blank lines. False where no record begins here (yet). */
  toRecord(): boolean {
    const bytes = this.#bytes;
    for (;;) {
      const byte = bytes[this.at];
      if (byte !== lineFeed && byte !== carriageReturn) return this.at < bytes.length;
      if (byte === carriageReturn && bytes[this.at + 1] === lineFeed) this.at++;
      // The other half of this line end may be in the next chunk.
      else if (byte === carriageReturn && this.at + 1 === bytes.length && !this.#final) return false;
      this.line++;
      this.at++;
    }
  }

  /**
   * Reads a record whose fields go to the batch from `from` on.
   * @returns the number after its last field, or -1 where the record is not complete; `at` is then where it starts.
   */
  record(from: number): number {
    const { at, line } = this;
    for (let field = from; ;) {
      this.#batch.grow(field);
      const complete = this.#bytes[this.at] === this.#quote ? this.#quoted(field) : this.#plain(field);
      if (!complete) {
        this.at = at;
        this.line = line;
        return -1;
      }
      field++;
      if (this.#bytes[this.at] !== this.#delimiter) return field;
      this.at++;
    }
  }

  #plain(field: number): boolean {
    const start = this.at;
    const complete = this.#toEnd();
    this.#batch.put(field, start, this.at, FieldKind.plain);
    return complete;
  }

  /** Goes on to the next delimiter or line end. */
  #toEnd(): boolean {
    const bytes = this.#bytes;
    const delimiter = this.#delimiter;
    const end = bytes.length;
    let { at } = this;
    while (at < end) {
      const byte = bytes[at];
      if (byte === delimiter || byte === lineFeed || byte === carriageReturn) break;
      at++;
    }
    this.at = at;
    return at < end || this.#final;
  }

  #quoted(field: number): boolean {
    const bytes = this.#bytes;
    const start = this.at++;
    const doubled = this.#toClosing();
    if (doubled === undefined) return false;
    const closing = this.at++;
    const after = this.at;
    if (!this.#toEnd()) return false;
    const clean = this.at === after && !doubled;
    if (clean) this.#batch.put(field, start + 1, closing, FieldKind.quoted);
    // An empty text in quotes with something after it, or a doubled quote: resolved when it is asked for.
    else this.#batch.put(field, start, this.at, FieldKind.mixed);
    return this.at < bytes.length || this.#final;
  }

  /** To the closing quote. @returns whether quotes are doubled before it; undefined where it is not there (yet). */
  #toClosing(): boolean | undefined {
    const bytes = this.#bytes;
    const quote = this.#quote;
    const end = bytes.length;
    let doubled = false;
    for (; this.at < end; this.at++) {
      const byte = bytes[this.at];
      if (byte === quote) {
        if (this.at + 1 === end) return this.#final ? doubled : undefined;
        if (bytes[this.at + 1] !== quote) return doubled;
        doubled = true;
        this.at++;
      } else if (byte === lineFeed || (byte === carriageReturn && bytes[this.at + 1] !== lineFeed)) this.line++;
    }
    return undefined;
  }
}
