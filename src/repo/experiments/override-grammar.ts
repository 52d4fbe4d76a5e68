/**
 * The values of `exp run -S key=value`: the grammar of Hydra's overrides, which DVC uses. Unquoted text with escapes,
 * quoted text, lists, mappings, and functions: `choice`, `range`, `sort`, `shuffle`, `tag` and casts.
 */
import { MlopsError, type PyValue } from '../../base/index.ts';
import { callFunction, typed, type OverrideValue } from './override-functions.ts';

/** @throws MlopsError `usage` for what is not in the grammar, with the place. */
export function parseOverrideValue(text: string): OverrideValue {
  return new Parser(text).whole();
}

const functionCall = /([A-Za-z_][\w-]*)[ \t]*\([ \t]*/y;
const argumentName = /([A-Za-z_][\w-]*)[ \t]*=[ \t]*/y;
const quoted = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/y;
/** Pieces of unquoted text: escapes, interpolations, and the characters that need no quotes. */
const piece = /\\[\\()[\]{}:=, \t]|\$\{[^}]+\}|[\w/\-\\+.$%*@?|: \t]/y;
const keyPiece = /\\[\\()[\]{}:=, \t]|[\w/\-\\+.$%*@?| \t]/y;

/** Levels of lists, mappings and functions, as for params in files. */
const maxDepth = 500;

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): OverrideValue {
    if (this.#text.trim() === '') return { one: '' };
    const elements = [this.#element()];
    while (this.#take(',')) elements.push(this.#element());
    if (this.#at < this.#text.length) this.#fail();
    const [first] = elements;
    if (elements.length === 1 && first !== undefined) return first;
    return { sweep: elements.map((element) => this.#single(element)) };
  }

  #element(): OverrideValue {
    if (this.#depth === maxDepth) this.#fail(`it nests deeper than ${maxDepth} levels`);
    this.#depth++;
    const element = this.#elementHere();
    this.#depth--;
    return element;
  }

  #elementHere(): OverrideValue {
    this.#space();
    if (this.#take('[')) return { one: this.#items(']', () => this.#single(this.#element())) };
    if (this.#take('{')) return { one: new Map(this.#items('}', () => this.#pair())) };
    const call = this.#match(functionCall);
    return call === undefined ? { one: this.#primitive(piece) } : this.#call(call[1] ?? '');
  }

  #items<T>(end: string, item: () => T): T[] {
    const found: T[] = [];
    this.#space();
    if (this.#take(end)) return found;
    do found.push(item());
    while (this.#take(','));
    if (!this.#take(end)) this.#fail();
    return found;
  }

  #pair(): [PyValue, PyValue] {
    this.#space();
    const key = this.#primitive(keyPiece);
    if (!this.#take(':')) this.#fail();
    return [key, this.#single(this.#element())];
  }

  #primitive(allowed: RegExp): PyValue {
    const text = allowed === piece ? this.#match(quoted)?.[0] : undefined;
    if (text !== undefined) {
      const quote = text.charAt(0);
      return text.slice(1, -1).replaceAll(`\\${quote}`, quote).replace(/\\\\$/, '\\');
    }
    const pieces: string[] = [];
    for (let found = this.#match(allowed); found !== undefined; found = this.#match(allowed)) pieces.push(found[0]);
    while (/^[ \t]$/.test(pieces[0] ?? '')) pieces.shift();
    while (/^[ \t]$/.test(pieces.at(-1) ?? '')) pieces.pop();
    if (pieces.length === 0) this.#fail();
    const plain = pieces.join('');
    const escaped = pieces.some((each) => /^\\.$/s.test(each));
    return escaped ? pieces.map((each) => each.replace(/^\\(.)$/s, '$1')).join('') : typed(plain);
  }

  #call(name: string): OverrideValue {
    const args: OverrideValue[] = [];
    const named = new Map<string, PyValue>();
    this.#items(')', () => {
      this.#space();
      const own = this.#match(argumentName)?.[1];
      if (own === undefined) args.push(this.#element());
      else named.set(own, this.#single(this.#element()));
    });
    const made = callFunction(name, args, named);
    return typeof made === 'string' ? this.#fail(made) : made;
  }

  #single(value: OverrideValue): PyValue {
    return 'one' in value ? value.one : this.#fail('a sweep inside of another value is not supported');
  }

  #space(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++;
  }

  #take(character: string): boolean {
    const before = this.#at;
    this.#space();
    if (this.#text[this.#at] !== character) {
      this.#at = before;
      return false;
    }
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#at = pattern.lastIndex;
    return found;
  }

  #fail(what?: string): never {
    const found = this.#text.slice(this.#at, this.#at + 10);
    const place = found === '' ? 'it ends too early' : `'${found}' was not expected`;
    throw new MlopsError('usage', `the value '${this.#text}' cannot be read: ${what ?? place}`, {
      exit: 255,
      hint: 'put text with special characters in quotes: -S "key=\'a, b\'"',
    });
  }
}
