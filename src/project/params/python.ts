import { MlopsError, PyFloat, type PyMap, type PyValue } from '../../base/index.ts';

/**
 * Reads the parameters of a Python file as DVC does: assignments of literals at module level, in class
 * bodies (`Train.lr`) and `self.x = ...` in `__init__`. Nothing is executed; what is no literal is not a
 * parameter. Tuples and sets become lists.
 *
 * @throws MlopsError `bad_params` for an unclosed bracket or string.
 */
export function parsePythonParams(text: string): PyMap {
  const lines = logicalLines(text);
  return readBody(lines, 0, lines.length, lines[0]?.indent ?? 0, false);
}

interface LogicalLine {
  readonly indent: number;
  readonly text: string;
}

function readBody(lines: readonly LogicalLine[], from: number, to: number, indent: number, onlySelf: boolean): PyMap {
  const result: PyMap = new Map();
  for (let at = from; at < to; at++) {
    const line = lines[at];
    if (line === undefined || line.indent !== indent) continue;
    const block = /^(?:class\s+(\w+)|(?:async\s+)?def\s+(\w+))/.exec(line.text);
    if (block === null) {
      readAssignment(line.text, onlySelf, result);
      continue;
    }
    let end = at + 1;
    while (end < to && (lines[end]?.indent ?? 0) > indent) end++;
    const inner = lines[at + 1]?.indent ?? indent + 1;
    if (block[1] !== undefined) result.set(block[1], readBody(lines, at + 1, end, inner, false));
    else if (block[2] === '__init__') {
      for (const [key, value] of readBody(lines, at + 1, end, inner, true)) result.set(key, value);
    }
    at = end - 1;
  }
  return result;
}

function readAssignment(text: string, onlySelf: boolean, into: PyMap): void {
  const match = /^(self\.)?([A-Za-z_]\w*)\s*(?::[^=]+)?=(?!=)\s*/.exec(text);
  if (match?.[2] === undefined || (onlySelf && match[1] === undefined)) return;
  const value = parseLiteral(text.slice(match[0].length));
  if (value !== undefined) into.set(match[2], value);
}

/** Joins what brackets, triple quotes and backslashes continue; drops comments and blank lines. */
function logicalLines(text: string): LogicalLine[] {
  const lines: LogicalLine[] = [];
  let current = '';
  let depth = 0;
  const flush = (): void => {
    const content = current.trimEnd();
    if (content.trim() !== '') lines.push({ indent: indentOf(content), text: content.trim() });
    current = '';
  };
  for (let at = 0; at < text.length;) {
    const character = text[at] ?? '';
    if (character === '#') {
      while (at < text.length && text[at] !== '\n') at++;
      continue;
    }
    if (character === '"' || character === "'") {
      const end = endOfString(text, at);
      current += text.slice(at, end);
      at = end;
      continue;
    }
    if (character === '\\' && /^\r?\n/.test(text.slice(at + 1, at + 3))) {
      at += text[at + 1] === '\r' ? 3 : 2;
      continue;
    }
    if ('([{'.includes(character)) depth++;
    if (')]}'.includes(character)) depth--;
    if (character === '\n' && depth <= 0) flush();
    else current += character === '\n' || character === '\r' ? ' ' : character;
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
    const negative = this.#text[this.#at] === '-';
    this.#at++;
    const value = this.#value();
    if (!negative) return value;
    if (typeof value === 'number') return value === 0 ? 0 : -value;
    if (typeof value === 'bigint') return -value;
    return value instanceof PyFloat ? new PyFloat(-value.value) : this.#fail();
  }

  #number(): PyValue {
    numberToken.lastIndex = this.#at;
    const token = numberToken.exec(this.#text)?.[0];
    if (token === undefined || token === '') return this.#fail();
    this.#at += token.length;
    if (/[\w]/.test(this.#text[this.#at] ?? '')) return this.#fail();
    const digits = token.replaceAll('_', '');
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
    const list: PyValue[] = [];
    this.#take(open);
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
    const start = this.#at;
    this.#take('{');
    if (this.#take('}')) return new Map();
    this.#value();
    const isDict = this.#peek(':');
    this.#at = start;
    if (!isDict) return this.#items('{', '}');
    const map: PyMap = new Map();
    this.#take('{');
    while (!this.failed && !this.#take('}')) {
      const key = this.#value();
      if (!this.#take(':')) this.#fail();
      map.set(key, this.#value());
      if (!this.#take(',') && !this.#peek('}')) this.#fail();
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
