/** What a scanner makes of the parts of a text, and what it refuses. */
export interface JsonParts<Value> {
  /** Levels of lists and objects in each other at most. */
  readonly maxDepth: number;
  /** The words true, false, null, and those that Python writes: NaN, Infinity, -Infinity. */
  readonly words: ReadonlyMap<string, Value>;
  /** @param whole without fraction and exponent. Returns what is wrong as `{fault}`. */
  number(digits: string, whole: boolean): Value | { readonly fault: string };
  text(text: string): Value;
  list(items: Value[]): Value;
  /** In order; a key may come twice. */
  object(entries: [key: string, value: Value][]): Value;
  /** The error for a place in the text, both counted from 1. */
  error(what: string, line: number, column: number): Error;
}

const wordForm = /true|false|null|NaN|-?Infinity/y;
const numberForm = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
// Characters below the space must be escaped in JSON strings.
const stringForm = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const plainStringForm = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f])*"/uy;
const spaceForm = /[ \t\n\r]*/y;

/**
 * Reads JSON where the engine's parser loses something: the digits of numbers, words of Python, the place of a fault.
 * A byte order mark is skipped.
 *
 * @throws what `parts.error` makes.
 */
export function scanJson<Value>(text: string, parts: JsonParts<Value>): Value {
  return new Scanner(text, parts).read();
}

class Scanner<Value> {
  readonly #text: string;
  readonly #parts: JsonParts<Value>;
  #at = 0;

  constructor(text: string, parts: JsonParts<Value>) {
    this.#text = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    this.#parts = parts;
  }

  read(): Value {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#problem('the text goes on after its end');
    return value;
  }

  #value(depth: number): Value {
    this.#space();
    const start = this.#text[this.#at];
    if (start === '[' || start === '{') {
      if (depth >= this.#parts.maxDepth) throw this.#problem(`more than ${this.#parts.maxDepth} levels in each other`);
      return start === '[' ? this.#list(depth) : this.#object(depth);
    }
    if (start === '"') return this.#parts.text(this.#string());
    const word = this.#take(wordForm);
    const value = word === undefined ? undefined : this.#parts.words.get(word);
    if (value !== undefined) return value;
    this.#at -= word?.length ?? 0;
    return this.#number();
  }

  #list(depth: number): Value {
    const items: Value[] = [];
    this.#at++;
    if (this.#ends(']')) return this.#parts.list(items);
    for (;;) {
      items.push(this.#value(depth + 1));
      if (this.#ends(']')) return this.#parts.list(items);
      this.#expect(',');
    }
  }

  #object(depth: number): Value {
    const entries: [string, Value][] = [];
    this.#at++;
    if (this.#ends('}')) return this.#parts.object(entries);
    for (;;) {
      this.#space();
      const key = this.#string();
      this.#expect(':');
      entries.push([key, this.#value(depth + 1)]);
      if (this.#ends('}')) return this.#parts.object(entries);
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

  #number(): Value {
    const from = this.#at;
    numberForm.lastIndex = from;
    const match = numberForm.exec(this.#text);
    if (match === null) throw this.#problem(from >= this.#text.length ? 'it ends too early' : 'a value was expected');
    const [digits, fraction, exponent] = match;
    const value = this.#parts.number(digits, fraction === undefined && exponent === undefined);
    if (isFault(value)) throw this.#problem(value.fault);
    this.#at = from + digits.length;
    return value;
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

  #problem(what: string): Error {
    const before = this.#text.slice(0, this.#at).split('\n');
    return this.#parts.error(what, before.length, (before.at(-1)?.length ?? 0) + 1);
  }
}

function isFault(value: unknown): value is { readonly fault: string } {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'fault');
}
