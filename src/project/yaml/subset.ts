import type { PyMap, PyValue } from '../../base/index.ts';
import { limits } from './limits.ts';
import { isLongInteger, resolvePlain } from './scalars.ts';

/**
 * Reads the YAML that programs write and that people mostly write too: block mappings and lists of
 * one-line or folded plain scalars and one-line quoted ones, comments, lists like `[a, 1]`. It is some
 * fifteen times faster than a full parser and saves loading one.
 *
 * @returns undefined for everything else, errors included; the full parser then decides.
 */
export function readYamlSubset(text: string): PyMap | undefined {
  // Tabs, carriage returns, byte order marks and blanks other than the space have rules of their own.
  if (text === '' || strange.test(text)) return undefined;
  try {
    return new SubsetReader(text).document();
  } catch (error) {
    if (error === beyond) return undefined;
    throw error;
  }
}

const strange = /[\t\v\f\r\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]|^(?:---|\.\.\.|%)/m;

/** Thrown (and caught above) where the text leaves the subset. */
const beyond = new Error('outside of the YAML subset');

interface Line {
  readonly indent: number;
  /** Without indent and trailing spaces. */
  readonly text: string;
  /** A blank line or comment stands before it: no scalar may go on here. */
  readonly apart: boolean;
}

class SubsetReader {
  private readonly lines: Line[];
  private next = 0;

  constructor(text: string) {
    this.lines = splitLines(text);
  }

  document(): PyMap {
    const first = this.lines[0];
    if (first === undefined || first.indent !== 0 || isItem(first.text)) throw beyond;
    const map = this.mapping(0);
    if (this.next < this.lines.length) throw beyond;
    return map;
  }

  private mapping(indent: number, firstText?: string): PyMap {
    // No level can stand less than one column right of the one around it: deeper ones are for the full parser to refuse.
    if (indent > maxColumn) throw beyond;
    const map: PyMap = new Map();
    let text = firstText;
    for (;;) {
      if (text === undefined) {
        const line = this.lines[this.next];
        if (line === undefined || line.indent < indent) return map;
        if (line.indent > indent) throw beyond;
        if (isItem(line.text)) return map;
        text = line.text;
        this.next++;
      }
      const [key, rest] = splitKey(text);
      if (map.has(key)) throw beyond;
      map.set(key, this.value(rest, indent, true));
      text = undefined;
    }
  }

  private sequence(indent: number): PyValue[] {
    if (indent > maxColumn) throw beyond;
    const list: PyValue[] = [];
    for (;;) {
      const line = this.lines[this.next];
      if (line === undefined || line.indent < indent) return list;
      if (line.indent > indent) throw beyond;
      if (!isItem(line.text)) return list;
      this.next++;
      list.push(this.item(line, indent));
    }
  }

  private item(line: Line, indent: number): PyValue {
    const rest = line.text.slice(2).trimStart();
    if (rest === '') return this.value('', indent, false);
    const column = indent + line.text.length - rest.length;
    if (isItem(rest)) {
      // A list in a list: read the rest of this line as a line of its own.
      this.lines[--this.next] = { indent: column, text: rest, apart: line.apart };
      return this.sequence(column);
    }
    return isPair(rest) ? this.mapping(column, rest) : this.value(rest, indent, false);
  }

  /** The value whose text starts with `rest` on a line whose collection stands at `indent`. */
  private value(rest: string, indent: number, ofKey: boolean): PyValue {
    if (rest !== '') return this.scalar(rest, indent);
    const line = this.lines[this.next];
    if (line === undefined || line.indent < indent) return null;
    if (line.indent === indent) return ofKey && isItem(line.text) ? this.sequence(indent) : null;
    if (isItem(line.text)) return this.sequence(line.indent);
    if (isPair(line.text)) return this.mapping(line.indent);
    this.next++;
    return this.scalar(line.text, indent);
  }

  private scalar(text: string, indent: number): PyValue {
    const quote = text[0];
    if (quote === "'" || quote === '"') {
      this.mustEnd(indent);
      return quote === "'" ? singleQuoted(text) : doubleQuoted(text);
    }
    if (quote === '[' || quote === '{') {
      this.mustEnd(indent);
      return text === '{}' ? new Map() : flowList(text);
    }
    return plainValue(this.folded(text, indent));
  }

  /** A plain scalar with the lines that go on with it, joined by spaces. */
  private folded(first: string, indent: number): string {
    if (!isPlainStart(first)) throw beyond;
    let text = plainPart(first);
    let commented = text.length < first.length;
    for (let line = this.lines[this.next]; line !== undefined && line.indent > indent; line = this.lines[this.next]) {
      if (line.apart || commented || line.text === '') throw beyond;
      const part = plainPart(line.text);
      commented = part.length < line.text.length;
      text += ` ${part}`;
      this.next++;
    }
    return text;
  }

  private mustEnd(indent: number): void {
    const line = this.lines[this.next];
    if (line !== undefined && line.indent > indent) throw beyond;
  }
}

function splitLines(text: string): Line[] {
  const lines: Line[] = [];
  let apart = false;
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const stop = newline < 0 ? text.length : newline;
    let from = start;
    let to = stop;
    while (from < to && text.charCodeAt(from) === space) from++;
    while (to > from && text.charCodeAt(to - 1) === space) to--;
    if (from === to || text.charCodeAt(from) === hash) apart = true;
    else {
      lines.push({ indent: from - start, text: text.slice(from, to), apart });
      apart = false;
    }
    start = stop + 1;
  }
  return lines;
}

const space = 0x20;
const hash = 0x23;

function isItem(text: string): boolean {
  return text === '-' || text.startsWith('- ');
}

/** True when the line starts with a key of the subset. */
function isPair(text: string): boolean {
  if (text.startsWith("'") || text.startsWith('"')) return /^(?:'[^']*'|"[^"\\]*")\s*:(?: |$)/.test(text);
  return text.endsWith(':') || text.includes(': ');
}

function splitKey(text: string): [key: string, rest: string] {
  if (text.startsWith("'") || text.startsWith('"')) {
    const quoted = /^(?:'([^']*)'|"([^"\\]*)"):(?: +|$)/.exec(text);
    if (quoted === null) throw beyond;
    return [quoted[1] ?? quoted[2] ?? '', withoutComment(text.slice(quoted[0].length))];
  }
  const colon = text.indexOf(': ');
  if (colon < 0 && !text.endsWith(':')) throw beyond;
  const end = colon < 0 ? text.length - 1 : colon;
  const key = text.slice(0, end);
  if (!commonKeys.has(key) && !isPlainKey(key)) throw beyond;
  return [key, colon < 0 ? '' : withoutComment(text.slice(end + 2).trimStart())];
}

const commonKeys = new Set('path hash md5 size nfiles cmd deps outs params isexec params.yaml'.split(' '));

/** Keys that are not strings are rare, and floats and dates have no identity of their own. */
function isPlainKey(key: string): boolean {
  if (key.length > 100 || key.endsWith(' ') || isItem(key)) return false;
  return /^[A-Za-z0-9_./($+-][^#:"',&*!|>%`?\\]*$/.test(key) && typeof resolvePlain(key) === 'string';
}

function withoutComment(rest: string): string {
  return rest.startsWith('#') ? '' : rest;
}

const maxColumn = limits.depth - 1;

function plainValue(text: string): PyValue {
  if (isLongInteger(text)) throw beyond;
  return resolvePlain(text);
}

function isPlainStart(text: string): boolean {
  const first = text[0] ?? '';
  if (',[]{}&*!|>\'"%@`#'.includes(first)) return false;
  return !((first === '-' || first === '?' || first === ':') && (text.length === 1 || text[1] === ' '));
}

/** One line of a plain scalar without a comment after it. */
function plainPart(text: string): string {
  const comment = text.indexOf(' #');
  const part = comment < 0 ? text : text.slice(0, comment).trimEnd();
  if (part === '=' || part === '<<' || part.includes(': ') || part.endsWith(':')) throw beyond;
  return part;
}

/** `[a, 1, "b c"]` on one line; anything nested is beyond. */
function flowList(text: string): PyValue[] {
  const comment = text.indexOf(' #');
  const list = comment < 0 ? text : text.slice(0, comment).trimEnd();
  if (!list.endsWith(']')) throw beyond;
  const inner = list.slice(1, -1).trim();
  if (inner === '') return [];
  return inner.split(',').map((word) => {
    const item = word.trim();
    if (/^"[^"\\]*"$|^'[^']*'$/.test(item)) return item.slice(1, -1);
    if (!/^[A-Za-z0-9_./+-][^"'{}[\]:#&*!|>%@`?]*$/.test(item) || isItem(item)) throw beyond;
    return plainValue(item);
  });
}

function singleQuoted(text: string): string {
  const match = /^'([^']*(?:''[^']*)*)'(?: +#.*)?$/.exec(text);
  if (match === null) throw beyond;
  return (match[1] ?? '').replaceAll("''", "'");
}

function doubleQuoted(text: string): string {
  const match = /^"([^"\\]*(?:\\[nt"\\][^"\\]*)*)"(?: +#.*)?$/.exec(text);
  if (match === null) throw beyond;
  return (match[1] ?? '').replace(/\\(.)/g, (_, char: string) => escapes[char] ?? char);
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t' };
