import { MlopsError } from '../../base/index.ts';
import { textOf } from './body-text.ts';

/** JSON as requests carry it. Integers beyond 2^53 are bigint when read exactly. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

export type JsonObject = { [key: string]: Json };

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const maxDepth = 100;

/**
 * Parses a request body. The engine's own parser does the work; ours takes over where that one loses or refuses
 * something: integers beyond 2^53 (when `exact`), and the words NaN, Infinity and -Infinity that Python writes.
 * A byte order mark is skipped.
 *
 * @throws MlopsError `bad_json` naming line and column, `bad_request` for bytes that are no text.
 */
export function parseJson(body: Buffer, exact: boolean, contentType?: string): Json {
  if (body.length === 0) throw new MlopsError('bad_json', 'the body is empty; JSON was expected');
  let text = textOf(body, contentType);
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  if (exact && /\d{16}/.test(text)) return new Reader(text).read();
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    // Right or wrong, our own parser knows: it also says where.
    if (error instanceof SyntaxError) return new Reader(text).read();
    throw error;
  }
}

/** Digits of the largest 64-bit integer; reading a million of them as bigint would take the square of that. */
const mostDigits = 20;

/** A whole number as text: exact where some type could hold it, else the nearest double, which no type takes. */
export function integerOf(digits: string): number | bigint {
  const value = Number(digits);
  if (Number.isSafeInteger(value)) return value;
  return digits.length <= mostDigits ? BigInt(digits) : value;
}

/** How much of a value a message shows. */
const shownLength = 60;

/** A value of a request for a message: its JSON, cut, or `nothing`. Reads no more of it than it shows. */
export function showJson(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  const text = startOf(value, shownLength);
  return text.length > shownLength ? `${text.slice(0, shownLength - 3)}...` : text;
}

function startOf(value: Json, room: number): string {
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  if (typeof value === 'string') return JSON.stringify(value.slice(0, room + 1));
  if (value === null || typeof value !== 'object') return String(value);
  // For and in, because a list of all keys may be much longer than what is shown.
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) {
      if (text.length > room) break;
      text += `${text === '' ? '' : ','}${startOf(item, room - text.length)}`;
    }
    return `[${text}]`;
  }
  for (const key in value) {
    if (text.length > room) break;
    text += `${text === '' ? '' : ','}${JSON.stringify(key.slice(0, room))}:`;
    text += startOf(value[key] ?? null, room - text.length);
  }
  return `{${text}}`;
}

const words: Readonly<Record<string, Json>> = {
  true: true,
  false: false,
  null: null,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

const wordForm = /true|false|null|NaN|-?Infinity/y;
const numberForm = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
// Characters below the space must be escaped in JSON strings.
const stringForm = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const plainStringForm = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f])*"/uy;
const spaceForm = /[ \t\n\r]*/y;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Json {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#problem('the text goes on after its end');
    return value;
  }

  #value(depth: number): Json {
    if (depth > maxDepth) throw this.#problem(`nested deeper than ${maxDepth} levels`);
    this.#space();
    const start = this.#text[this.#at];
    if (start === '[') return this.#array(depth);
    if (start === '{') return this.#object(depth);
    if (start === '"') return this.#string();
    const word = this.#take(wordForm);
    if (word !== undefined) return words[word] ?? null;
    return this.#number();
  }

  #array(depth: number): Json[] {
    const items: Json[] = [];
    this.#at++;
    if (this.#ends(']')) return items;
    for (;;) {
      items.push(this.#value(depth + 1));
      if (this.#ends(']')) return items;
      this.#expect(',');
    }
  }

  #object(depth: number): { [key: string]: Json } {
    const entries: [string, Json][] = [];
    this.#at++;
    if (this.#ends('}')) return {};
    for (;;) {
      this.#space();
      const key = this.#string();
      this.#expect(':');
      entries.push([key, this.#value(depth + 1)]);
      if (this.#ends('}')) return Object.fromEntries(entries);
      this.#expect(',');
    }
  }

  #string(): string {
    const plain = this.#take(plainStringForm);
    if (plain !== undefined) return plain.slice(1, -1);
    const quoted = this.#take(stringForm);
    if (quoted === undefined) throw this.#problem('a string was expected, or it does not end');
    return JSON.parse(quoted) as string;
  }

  #number(): Json {
    const from = this.#at;
    numberForm.lastIndex = from;
    const match = numberForm.exec(this.#text);
    if (match === null) throw this.#problem(from >= this.#text.length ? 'it ends too early' : 'a value was expected');
    const [digits, fraction, exponent] = match;
    this.#at = from + digits.length;
    const value = Number(digits);
    if (fraction !== undefined || exponent !== undefined || Number.isSafeInteger(value)) return value;
    return integerOf(digits);
  }

  #take(form: RegExp): string | undefined {
    form.lastIndex = this.#at;
    const match = form.exec(this.#text);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match[0];
  }

  #space(): void {
    spaceForm.lastIndex = this.#at;
    spaceForm.exec(this.#text);
    this.#at = spaceForm.lastIndex;
  }

  #ends(bracket: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== bracket) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    this.#space();
    if (this.#text[this.#at] !== character) throw this.#problem(`'${character}' was expected`);
    this.#at++;
  }

  #problem(what: string): MlopsError {
    const before = this.#text.slice(0, this.#at).split('\n');
    const column = (before.at(-1)?.length ?? 0) + 1;
    return new MlopsError('bad_json', `the body is not valid JSON: line ${before.length}, column ${column}: ${what}`);
  }
}
