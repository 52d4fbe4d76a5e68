/** A request body of nothing but numbers, as most are: `{"inputs": {"x": [[1, 2.5]]}}`. */
export interface PlainNumbers {
  readonly at: 'inputs' | 'instances';
  /** Of the input, where the body names one. */
  readonly name: string | undefined;
  readonly dims: readonly number[];
  /** In row-major order, as the nearest double. */
  readonly values: Float64Array;
  /** False where values are only as near as float32 tells apart. */
  readonly exact: boolean;
}

const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const quote = 0x22;
const colon = 0x3a;
const comma = 0x2c;
const dot = 0x2e;
const minus = 0x2d;
const zero = 0x30;

/** What is shorter is read as fast by the engine. */
const shortest = 200;
const mostDims = 8;
/** Powers of ten that a double holds. */
const powers = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

/**
 * Reads such a body from its bytes straight into numbers; undefined for any other body, also a wrong one: it is for
 * `parseJson` to say what is the matter. The numbers are those that `JSON.parse` would give (by Clinger's fast path:
 * up to fifteen digits and a power of ten up to 22 are exact in a double, and one division rounds them rightly).
 */
export function readPlainNumbers(body: Buffer): PlainNumbers | undefined {
  return body.length < shortest ? undefined : new Reader(body).read();
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  #exact = true;
  #count = 0;
  readonly #values: Float64Array;
  readonly #dims: number[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    // A number and what parts it from the next take two bytes at least.
    this.#values = new Float64Array((bytes.length >> 1) + 1);
  }

  read(): PlainNumbers | undefined {
    if (!this.#token(openBrace)) return undefined;
    const at = this.#key();
    if (at !== 'inputs' && at !== 'instances') return undefined;
    let name: string | undefined;
    if (at === 'inputs' && this.#token(openBrace)) {
      name = this.#key();
      if (name === undefined) return undefined;
    }
    this.#space();
    if (this.#bytes[this.#at] !== openBracket || !this.#list(0)) return undefined;
    if (name !== undefined && !this.#token(closeBrace)) return undefined;
    if (!this.#token(closeBrace)) return undefined;
    this.#space();
    if (this.#at !== this.#bytes.length) return undefined;
    return { at, name, dims: this.#dims, values: this.#values.subarray(0, this.#count), exact: this.#exact };
  }

  /** A key without escapes, and the colon behind it. */
  #key(): string | undefined {
    if (!this.#token(quote)) return undefined;
    const start = this.#at;
    for (;;) {
      const byte = this.#bytes[this.#at] ?? 0;
      if (byte === quote) break;
      // Escapes, control characters, the end, and what is not ASCII.
      if (byte < 0x20 || byte > 0x7e || byte === 0x5c) return undefined;
      this.#at++;
    }
    const key = this.#bytes.toString('latin1', start, this.#at);
    this.#at++;
    return this.#token(colon) ? key : undefined;
  }

  #token(byte: number): boolean {
    this.#space();
    if (this.#bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    const bytes = this.#bytes;
    let byte = bytes[this.#at];
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++this.#at];
  }

  /** A list whose size, and the size of what is in it, is that of its siblings. */
  #list(level: number): boolean {
    if (level >= mostDims || !this.#token(openBracket)) return false;
    this.#space();
    const first = this.#bytes[this.#at];
    // What is empty or ragged has rules of its own.
    if (first === closeBracket) return false;
    const nested = first === openBracket;
    const deepest = this.#dims.length;
    if (level < deepest && nested !== level + 1 < deepest) return false;
    // The size is known when the first list of its level ends; inner levels end before.
    const isFirst = level >= deepest;
    if (isFirst) this.#dims.push(-1);
    let size = 0;
    if (nested) {
      do {
        if (!this.#list(level + 1)) return false;
        size++;
      } while (this.#token(comma));
      if (!this.#token(closeBracket)) return false;
    } else {
      size = this.#numbers();
      if (size < 0) return false;
    }
    if (this.#dims[level] === -1) this.#dims[level] = size;
    return this.#dims[level] === size;
  }

  /** Numbers up to the end of their list; says how many, or -1 where anything else stands. The hot loop. */
  #numbers(): number {
    const bytes = this.#bytes;
    const values = this.#values;
    const before = this.#count;
    let count = before;
    let at = this.#at;
    for (;;) {
      let byte = bytes[at];
      while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at];
      const start = at;
      const negative = byte === minus;
      if (negative) byte = bytes[++at];
      let digit = (byte ?? 0) - zero;
      if (!(digit >= 0 && digit <= 9)) return -1;
      let whole = 0;
      let digits = 0;
      let places = 0;
      // JSON has no zeros in front.
      if (digit === 0) byte = bytes[++at];
      else {
        while (digit >= 0 && digit <= 9) {
          if (digits < 15) whole = whole * 10 + digit;
          digits++;
          byte = bytes[++at];
          digit = (byte ?? 0) - zero;
        }
      }
      if (digits > 15) return -1;
      let cut = false;
      if (byte === dot) {
        byte = bytes[++at];
        digit = (byte ?? 0) - zero;
        if (!(digit >= 0 && digit <= 9)) return -1;
        while (digit >= 0 && digit <= 9) {
          if (digits < 15) {
            whole = whole * 10 + digit;
            places++;
            if (whole !== 0) digits++;
          } else cut = true;
          byte = bytes[++at];
          digit = (byte ?? 0) - zero;
        }
      }
      let value: number;
      if (byte === 0x65 || byte === 0x45) {
        // An exponent: the engine reads it, once its form is checked.
        byte = bytes[++at];
        if (byte === 0x2b || byte === minus) byte = bytes[++at];
        const exponent = at;
        while (byte !== undefined && byte >= zero && byte <= 0x39) byte = bytes[++at];
        if (at === exponent) return -1;
        value = Number(bytes.toString('latin1', start, at));
      } else {
        // Fewer than fifteen digits behind many zeros: the power of ten is no longer exact.
        if (places > 22) value = Number(bytes.toString('latin1', start, at));
        else {
          const power = powers[places] as number;
          value = whole / power;
          if (cut) {
            // What was cut off is less than one of the last digit: in float32 that makes mostly no difference.
            if (Math.fround(value) === Math.fround((whole + 1) / power)) this.#exact = false;
            else value = Math.abs(Number(bytes.toString('latin1', start, at)));
          }
          if (negative) value = -value;
        }
      }
      values[count++] = value;
      while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at];
      if (byte === comma) at++;
      else if (byte === closeBracket) {
        this.#at = at + 1;
        this.#count = count;
        return count - before;
      } else return -1;
    }
  }
}
