import { MlopsError, PyFloat, type PyMap, type PyValue } from '../../base/index.ts';
import { limits } from '../yaml/limits.ts';

/**
 * Reads JSON as Python's `json.loads` does: ints of any size stay ints, `1.0` and `1e3` are floats, `NaN`
 * and `Infinity` are known, the last of two equal keys wins.
 *
 * @throws MlopsError `bad_json` with line and column.
 */
export function parsePythonJson(text: string): PyValue {
  const reader = new JsonReader(text);
  return reader.document();
}

const numberPattern = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const constants: readonly (readonly [string, PyValue])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['NaN', new PyFloat(Number.NaN)],
  ['Infinity', new PyFloat(Number.POSITIVE_INFINITY)],
  ['-Infinity', new PyFloat(Number.NEGATIVE_INFINITY)],
];

class JsonReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text.startsWith('\uFEFF') ? text.slice(1) : text;
  }

  document(): PyValue {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) throw this.#error('extra data after the value');
    return value;
  }

  #value(): PyValue {
    this.#space();
    const character = this.#text[this.#at];
    if (character === '{' || character === '[') return this.#nested(character);
    if (character === '"') return this.#string();
    for (const [word, value] of constants) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#number();
  }

  #nested(opening: string): PyValue {
    if (this.#depth >= limits.depth) throw this.#error(`more than ${limits.depth} levels in each other`);
    this.#depth++;
    const value = opening === '{' ? this.#object() : this.#array();
    this.#depth--;
    return value;
  }

  #number(): PyValue {
    numberPattern.lastIndex = this.#at;
    const match = numberPattern.exec(this.#text);
    if (match === null) throw this.#error('a value is missing');
    this.#at = numberPattern.lastIndex;
    if (match[1] !== undefined || match[2] !== undefined) return new PyFloat(Number(match[0]));
    if (match[0].length > limits.digits) throw this.#error(`an integer of more than ${limits.digits} digits`);
    const number = Number(match[0]);
    return Number.isSafeInteger(number) ? (number === 0 ? 0 : number) : BigInt(match[0]);
  }

  #string(): string {
    const start = this.#at;
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1;
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, end + 1)) as string;
    } catch {
      this.#at = start;
      throw this.#error('a string is malformed or not closed');
    }
  }

  #array(): PyValue[] {
    const list: PyValue[] = [];
    this.#at++;
    if (this.#take(']')) return list;
    for (;;) {
      list.push(this.#value());
      if (this.#take(']')) return list;
      if (!this.#take(',')) throw this.#error("',' or ']' is missing");
    }
  }

  #object(): PyMap {
    const map: PyMap = new Map();
    this.#at++;
    if (this.#take('}')) return map;
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#error('a key in double quotes is missing');
      const key = this.#string();
      if (!this.#take(':')) throw this.#error("':' is missing");
      map.set(key, this.#value());
      if (this.#take('}')) return map;
      if (!this.#take(',')) throw this.#error("',' or '}' is missing");
    }
  }

  #take(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    while (/[ \t\n\r]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #error(what: string): MlopsError {
    const before = this.#text.slice(0, this.#at).split('\n');
    return new MlopsError('bad_json', `${what}, line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`);
  }
}
