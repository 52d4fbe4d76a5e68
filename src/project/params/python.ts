import { MlopsError, PyFloat, type PyMap, type PyValue } from '../../base/index.ts';
import { limits } from '../yaml/limits.ts';
import { pythonRepr } from '../template/interpolate.ts';
import { valueWith } from './keys.ts';

/**
 * Reads the parameters of a Python file as DVC does: assignments of literals at module level, in class
 * bodies (`Train.lr`) and `self.x = ...` in `__init__`. Nothing is executed; what is no literal is not a
 * parameter. Tuples and sets become lists.
 *
 * @throws MlopsError `bad_params` for an unclosed bracket or string.
 */
export function parsePythonParams(text: string): PyMap {
  return readParams(text, () => undefined);
}

/**
 * Gives another value to a param of a Python file: the literal on the right of its assignment is written anew,
 * everything else stays.
 *
 * @param path names of classes, the assigned name, then keys and indexes inside of its value.
 * @returns undefined where the file has no such assignment.
 */
export function editPythonParam(text: string, path: readonly string[], value: PyValue): string | undefined {
  let place: { readonly line: LogicalLine; readonly value: PyValue; readonly inside: readonly string[] } | undefined;
  readParams(text, (name, line, old) => {
    if (name.every((step, index) => step === path[index])) {
      place = { line, value: old, inside: path.slice(name.length) };
    }
  });
  if (place === undefined) return undefined;
  const { line, inside } = place;
  const left = assignmentPattern.exec(text.slice(line.start, line.end))?.[0];
  if (left === undefined) return undefined;
  const literal = pythonRepr(inside.length === 0 ? value : valueWith(place.value, inside, value));
  return text.slice(0, line.start + left.length) + literal + text.slice(line.end);
}

interface LogicalLine {
  readonly indent: number;
  readonly text: string;
  /** Where its first and behind its last character stand in the file, comments left out. */
  readonly start: number;
  readonly end: number;
}

/** Told of each assignment of a literal, with the path of its name. */
type OnAssignment = (name: readonly string[], line: LogicalLine, value: PyValue) => void;

function readParams(text: string, onAssignment: OnAssignment): PyMap {
  const lines = logicalLines(text);
  return readBody(lines, { from: 0, to: lines.length, indent: lines[0]?.indent ?? 0, path: [] }, onAssignment);
}

interface Body {
  readonly from: number;
  readonly to: number;
  readonly indent: number;
  /** Names of the classes around it. */
  readonly path: readonly string[];
  readonly onlySelf?: boolean;
}

function readBody(lines: readonly LogicalLine[], body: Body, onAssignment: OnAssignment): PyMap {
  const result: PyMap = new Map();
  const { from, to, indent, path } = body;
  if (path.length > limits.depth) throw new MlopsError('bad_params', `more than ${limits.depth} classes in each other`);
  for (let at = from; at < to; at++) {
    const line = lines[at];
    if (line === undefined || line.indent !== indent) continue;
    const block = /^(?:class\s+(\w+)|(?:async\s+)?def\s+(\w+))/.exec(line.text);
    if (block === null) {
      readAssignment(line, body, result, onAssignment);
      continue;
    }
    let end = at + 1;
    while (end < to && (lines[end]?.indent ?? 0) > indent) end++;
    const inner = { from: at + 1, to: end, indent: lines[at + 1]?.indent ?? indent + 1 };
    const [, name] = block;
    if (name !== undefined) result.set(name, readBody(lines, { ...inner, path: [...path, name] }, onAssignment));
    else if (block[2] === '__init__') {
      for (const [key, value] of readBody(lines, { ...inner, path, onlySelf: true }, onAssignment)) {
        result.set(key, value);
      }
    }
    at = end - 1;
  }
  return result;
}

const assignmentPattern = /^(self\.)?([A-Za-z_]\w*)\s*(?::[^=]+)?=(?!=)\s*/;

function readAssignment(line: LogicalLine, body: Body, into: PyMap, onAssignment: OnAssignment): void {
  const match = assignmentPattern.exec(line.text);
  const name = match?.[2];
  if (match === null || name === undefined || (body.onlySelf === true && match[1] === undefined)) return;
  const value = parseLiteral(line.text.slice(match[0].length));
  if (value === undefined) return;
  into.set(name, value);
  onAssignment([...body.path, name], line, value);
}

/** Joins what brackets, triple quotes and backslashes continue; drops comments and blank lines. */
function logicalLines(text: string): LogicalLine[] {
  const lines: LogicalLine[] = [];
  let current = '';
  let begun = false;
  let start = 0;
  let end = 0;
  let depth = 0;
  const add = (part: string, at: number): void => {
    if (part.trim() !== '') {
      if (!begun) start = at;
      begun = true;
      end = at + part.length;
    }
    current += part;
  };
  const flush = (): void => {
    const content = current.trimEnd();
    if (content.trim() !== '') lines.push({ indent: indentOf(content), text: content.trim(), start, end });
    current = '';
    begun = false;
  };
  for (let at = 0; at < text.length;) {
    const character = text[at] ?? '';
    if (character === '#') {
      while (at < text.length && text[at] !== '\n') at++;
      continue;
    }
    if (character === '"' || character === "'") {
      const after = endOfString(text, at);
      add(text.slice(at, after), at);
      at = after;
      continue;
    }
    if (character === '\\' && /^\r?\n/.test(text.slice(at + 1, at + 3))) {
      at += text[at + 1] === '\r' ? 3 : 2;
      continue;
    }
    if ('([{'.includes(character)) depth++;
    if (depth > limits.depth) {
      const line = text.slice(0, at).split('\n').length;
      throw new MlopsError('bad_params', `more than ${limits.depth} brackets in each other, line ${line}`);
    }
    if (')]}'.includes(character)) depth = Math.max(0, depth - 1);
    if (character === '\n' && depth === 0) flush();
    else add(character === '\n' || character === '\r' ? ' ' : character, at);
    at++;
  }
  if (depth > 0) throw new MlopsError('bad_params', 'a bracket is not closed');
  flush();
  return lines;
}

function indentOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (character === ' ') width++;
    else if (character === '\t') width = (Math.floor(width / 8) + 1) * 8;
    else break;
  }
  return width;
}

function endOfString(text: string, start: number): number {
  const quote = text[start] ?? '"';
  const triple = text.startsWith(quote.repeat(3), start);
  const close = triple ? quote.repeat(3) : quote;
  for (let at = start + close.length; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text.startsWith(close, at)) return at + close.length;
    else if (!triple && text[at] === '\n') break;
  }
  const line = text.slice(0, start).split('\n').length;
  throw new MlopsError('bad_params', `a string is not closed, line ${line}`);
}

/** The value of a Python literal; undefined for any other expression. */
export function parseLiteral(text: string): PyValue | undefined {
  const reader = new LiteralReader(text.trim());
  const value = reader.tuple();
  return reader.failed || !reader.atEnd() ? undefined : value;
}

const numberToken = /(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*)?\.?\d[\d_]*\.?(?:[eE][+-]?\d+)?)/y;

class LiteralReader {
  readonly #text: string;
  #at = 0;
  failed = false;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    this.#space();
    return this.#at >= this.#text.length;
  }

  /** A value, or several with commas between them: a tuple without parentheses. */
  tuple(): PyValue {
    const first = this.#value();
    if (!this.#take(',')) return first;
    const items = [first];
    while (!this.failed && !this.atEnd() && !')]}'.includes(this.#text[this.#at] ?? '')) {
      items.push(this.#value());
      if (!this.#take(',')) break;
    }
    return items;
  }

  #value(): PyValue {
    this.#space();
    const character = this.#text[this.#at] ?? '';
    if (character === '[') return this.#items('[', ']');
    if (character === '{') return this.#braces();
    if (character === '(') return this.#parentheses();
    if (character === '-' || character === '+') return this.#signed();
    if (/[\d.]/.test(character)) return this.#number();
    const word = /[A-Za-z_]\w*/y;
    word.lastIndex = this.#at;
    const name = word.exec(this.#text)?.[0];
    if (name === 'True' || name === 'False' || name === 'None') {
      this.#at += name.length;
      return name === 'None' ? null : name === 'True';
    }
    return this.#strings();
  }

  #signed(): PyValue {
    let negative = false;
    for (; this.#peek('-') || this.#peek('+'); this.#at++) if (this.#text[this.#at] === '-') negative = !negative;
    const value = this.#value();
    if (typeof value !== 'number' && typeof value !== 'bigint' && !(value instanceof PyFloat)) return this.#fail();
    if (!negative) return value;
    if (typeof value === 'number') return value === 0 ? 0 : -value;
    if (typeof value === 'bigint') return -value;
    return new PyFloat(-value.value);
  }

  #number(): PyValue {
    numberToken.lastIndex = this.#at;
    const token = numberToken.exec(this.#text)?.[0];
    if (token === undefined || token === '') return this.#fail();
    this.#at += token.length;
    if (/[\w]/.test(this.#text[this.#at] ?? '')) return this.#fail();
    const digits = token.replaceAll('_', '');
    if (digits.length > limits.digits) return this.#fail();
    if (/^0[xob]/i.test(digits) || /^\d+$/.test(digits)) {
      const whole = BigInt(digits);
      return whole <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(whole) : whole;
    }
    return new PyFloat(Number(digits));
  }

  #strings(): PyValue {
    let result: string | undefined;
    for (;;) {
      this.#space();
      const prefix = /([rRuU]?)(?=["'])/y;
      prefix.lastIndex = this.#at;
      const match = prefix.exec(this.#text);
      if (match === null) break;
      const start = this.#at + match[0].length;
      const end = endOfString(this.#text, start);
      const width = this.#text.startsWith((this.#text[start] ?? '').repeat(3), start) ? 3 : 1;
      const body = this.#text.slice(start + width, end - width);
      result = (result ?? '') + (/r/i.test(match[0]) ? body : unescape(body));
      this.#at = end;
    }
    return result ?? this.#fail();
  }

  #items(open: string, close: string): PyValue[] {
    this.#take(open);
    return this.#rest(close);
  }

  /** The items up to a closing bracket. */
  #rest(close: string): PyValue[] {
    const list: PyValue[] = [];
    while (!this.failed && !this.#take(close)) {
      list.push(this.#value());
      if (!this.#take(',') && !this.#peek(close)) this.#fail();
    }
    return list;
  }

  #parentheses(): PyValue {
    this.#take('(');
    if (this.#take(')')) return [];
    const value = this.tuple();
    if (!this.#take(')')) this.#fail();
    return value;
  }

  #braces(): PyValue {
    this.#take('{');
    if (this.#take('}')) return new Map();
    let key = this.#value();
    if (!this.#peek(':')) return this.#take(',') ? [key, ...this.#rest('}')] : this.#take('}') ? [key] : this.#fail();
    const map: PyMap = new Map();
    while (!this.failed) {
      if (!this.#take(':')) this.#fail();
      map.set(key, this.#value());
      if (this.#take('}')) return map;
      if (!this.#take(',')) this.#fail();
      if (this.#take('}')) return map;
      key = this.#value();
    }
    return map;
  }

  #peek(character: string): boolean {
    this.#space();
    return this.#text[this.#at] === character;
  }

  #take(character: string): boolean {
    if (!this.#peek(character)) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #fail(): null {
    this.failed = true;
    this.#at = this.#text.length;
    return null;
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', a: '\x07', b: '\b' };

function unescape(body: string): string {
  return body.replace(/\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|\r?\n|[\s\S])/g, (whole, code: string) => {
    if (/^[xuU]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
    if (code.endsWith('\n')) return '';
    return escapes[code] ?? ('\\\'"'.includes(code) ? code : whole);
  });
}
