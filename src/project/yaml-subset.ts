import type { PyMap, PyValue } from '../base/index.ts';
import { resolvePlain } from './yaml-scalars.ts';

/**
 * Reads the YAML that programs write and that people mostly write too: block mappings and lists of
 * one-line or folded plain scalars and one-line quoted ones, comments, `[]` and `{}`. It is some sixty
 * times faster than a full parser and saves loading one.
 *
 * @returns undefined for everything else, errors included; the full parser then decides.
 */
export function readYamlSubset(text: string): PyMap | undefined {
  // Tabs, carriage returns, byte order marks and old line breaks have rules of their own.
  if (text === '' || /[\t\r\u0085\u2028\u2029\ufeff]|^(?:---|\.\.\.|%)/m.test(text)) return undefined;
  try {
    return new SubsetReader(text).document();
  } catch (error) {
    if (error === beyond) return undefined;
    throw error;
  }
}

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
    if (text === '[]' || text === '{}') {
      this.mustEnd(indent);
      return text === '[]' ? [] : new Map();
    }
    return resolvePlain(this.folded(text, indent));
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
  for (const raw of text.split('\n')) {
    const line = raw.trimEnd();
    // trimEnd and trimStart remove more than spaces; what else looks blank is not for this reader.
    const start = line.trimStart();
    const indent = line.length - start.length;
    if (/[^ ]/.test(line.slice(0, indent)) || /[^ ]/.test(raw.slice(line.length))) throw beyond;
    if (start === '' || start.startsWith('#')) {
      apart = true;
      continue;
    }
    lines.push({ indent, text: start, apart });
    apart = false;
  }
  return lines;
}

function isItem(text: string): boolean {
  return text === '-' || text.startsWith('- ');
}

/** True when the line starts with a key of the subset. */
function isPair(text: string): boolean {
  if (text.startsWith("'") || text.startsWith('"')) return /^(?:'[^']*'|"[^"\\]*")\s*:(?: |$)/.test(text);
  return text.endsWith(':') || text.includes(': ');
}

function splitKey(text: string): [key: PyValue, rest: string] {
  const quoted = /^(?:'([^']*)'|"([^"\\]*)"):(?: +|$)/.exec(text);
  if (quoted !== null) return [quoted[1] ?? quoted[2] ?? '', text.slice(quoted[0].length)];
  const colon = text.indexOf(': ');
  const end = colon >= 0 ? colon : text.length - 1;
  if (colon < 0 && !text.endsWith(':')) throw beyond;
  const key = text.slice(0, end);
  if (
    !/^[A-Za-z0-9_./(@+-][^#:"'{}[\],&*!|>%`?\\]*$/.test(key) ||
    key.endsWith(' ') ||
    isItem(key) ||
    key.length > 100
  ) {
    throw beyond;
  }
  const value = resolvePlain(key);
  // Keys that are not strings are rare, and floats and dates have no identity of their own.
  if (typeof value !== 'string') throw beyond;
  const rest = text.slice(end + 1).trimStart();
  return [value, rest.startsWith('#') ? '' : rest];
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

function singleQuoted(text: string): string {
  const match = /^'((?:[^']|'')*)'(?: +#.*)?$/.exec(text);
  if (match === null) throw beyond;
  return (match[1] ?? '').replaceAll("''", "'");
}

function doubleQuoted(text: string): string {
  const match = /^"((?:[^"\\]|\\[nt"\\])*)"(?: +#.*)?$/.exec(text);
  if (match === null) throw beyond;
  return (match[1] ?? '').replace(/\\(.)/g, (_, char: string) => escapes[char] ?? char);
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t' };
