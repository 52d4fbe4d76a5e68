import { isMultiline, stringStyle, type ScalarContext, type ScalarStyle } from './style.ts';

const bestWidth = 80;

/**
 * The lowest layer of the YAML writer: ruamel.yaml's emitter as a machine of column, indent and two
 * flags. It decides where lines fold, so its quirks (a space left at the end of a folded line, words
 * that move to a line of their own) are the format. Columns count code points.
 */
export class YamlEmitter {
  private readonly out: string[] = [];
  private spacesLost = false;
  column = 0;
  indent = 0;
  /** The last thing written was white space, so an indicator needs none before it. */
  whitespace = true;
  /** Only indentation, `-`, `?` or `:` was written on this line so far. */
  indention = true;

  text(): string {
    return this.out.join('');
  }

  /** Writes text that has no line break. */
  raw(data: string): void {
    this.out.push(data);
    this.column += codePointLength(data);
  }

  indicator(mark: string, needsSpace: boolean, whitespace = false, indention = false): void {
    this.raw(this.whitespace || !needsSpace ? mark : ` ${mark}`);
    this.whitespace = whitespace;
    this.indention = this.indention && indention;
  }

  lineBreak(mark = '\n'): void {
    this.whitespace = true;
    this.indention = true;
    this.column = 0;
    this.out.push(mark);
  }

  /** Goes to the current indent, on a new line unless nothing but indentation is on this one. */
  newLine(): void {
    const { column, indent } = this;
    if (!this.indention || column > indent || (column === indent && !this.whitespace)) this.lineBreak();
    if (this.column >= indent) return;
    this.whitespace = true;
    this.raw(' '.repeat(indent - this.column));
  }

  /** True when a flow collection has to go on in the next line. */
  get isFull(): boolean {
    return this.column > bestWidth;
  }

  string(text: string, context: ScalarContext): void {
    this.scalar(text, stringStyle(text, context), !context.key);
  }

  /** Writes a scalar in a style; `split` tells whether it may be folded (keys may not). */
  scalar(text: string, style: ScalarStyle, split: boolean): void {
    this.indent += 2;
    if (style === '"' || (style === '' && !this.tryPlain(text, split))) this.doubleQuoted(text, split);
    else if (style === "'") this.singleQuoted(text, split);
    this.indent -= 2;
  }

  /**
   * Writes a plain scalar, or nothing when a word moved to a line of its own stands after several spaces:
   * they would be read as one. (ruamel writes it all the same, and DVC then sees a changed command.)
   */
  private tryPlain(text: string, split: boolean): boolean {
    const { column, whitespace, indention } = this;
    const length = this.out.length;
    this.spacesLost = false;
    this.plain(text, split);
    if (!this.spacesLost) return true;
    this.out.length = length;
    Object.assign(this, { column, whitespace, indention });
    return false;
  }

  private plain(text: string, split: boolean): void {
    if (text === '') return;
    if (!this.whitespace) this.raw(' ');
    this.startText();
    let spaces = 0;
    for (const part of text.split(/( +)/)) {
      if (part === '') continue;
      if (part.startsWith(' ')) this.plainSpaces(part, split);
      else this.plainWord(part, spaces, split);
      spaces = part.startsWith(' ') ? part.length : 0;
    }
  }

  private startText(): void {
    this.whitespace = false;
    this.indention = false;
  }

  private plainSpaces(spaces: string, split: boolean): void {
    if (spaces.length > 1 || this.column < bestWidth || !split) {
      this.raw(spaces);
      return;
    }
    this.newLine();
    this.startText();
  }

  private plainWord(word: string, spacesBefore: number, split: boolean): void {
    // A word longer than the line gets a line of its own; the space before it stays behind. (ruamel does
    // so in keys as well, which no reader accepts.)
    if (split && codePointLength(word) + this.column > bestWidth && this.column > this.indent) {
      this.spacesLost ||= spacesBefore > 1;
      this.newLine();
    }
    this.raw(word);
  }

  private singleQuoted(text: string, split: boolean): void {
    this.indicator("'", true);
    const parts = text.match(/ +|[\n\u0085\u2028\u2029]+|'|[^ \n\u0085\u2028\u2029']+/g) ?? [];
    let position = 0;
    for (const part of parts) {
      const start = position;
      position += part.length;
      if (part === "'") this.raw("''");
      else if (isMultiline(part)) this.quotedBreaks(part);
      else if (part === ' ' && this.isFull && split && start !== 0 && position !== text.length) this.newLine();
      else this.raw(part);
    }
    this.indicator("'", false);
  }

  private quotedBreaks(breaks: string): void {
    if (breaks.startsWith('\n')) this.lineBreak();
    for (const mark of breaks) this.lineBreak(mark);
    this.newLine();
  }

  private doubleQuoted(text: string, split: boolean): void {
    this.indicator('"', true);
    const chars = Array.from(text);
    let start = 0;
    for (let end = 0; end <= chars.length; end++) {
      const char = chars[end];
      if (char === undefined || mustEscape(char)) {
        this.raw(chars.slice(start, end).join(''));
        start = end;
        if (char === undefined) break;
        this.raw(escapeOf(char));
        start = end + 1;
      }
      if (!split || end === 0 || end >= chars.length - 1 || !(char === ' ' || start >= end)) continue;
      if (this.column + (end - start) <= bestWidth) continue;
      start = this.foldDoubleQuoted(chars, start, end);
    }
    this.indicator('"', false);
  }

  /** Ends the line inside double quotes; returns where the text goes on. */
  private foldDoubleQuoted(chars: readonly string[], start: number, end: number): number {
    const backslash = needsBackslash(chars, start, end) ? '\\' : '';
    this.raw(chars.slice(start, end).join('') + backslash);
    const next = start < end ? end : start;
    this.newLine();
    this.startText();
    if (chars[next] !== ' ') return next;
    this.raw(backslash);
    // Without a backslash the line break itself is read as the space.
    return backslash === '' ? next + 1 : next;
  }
}

/** Reading back, a fold becomes a space; where that would be wrong the line break is escaped. */
function needsBackslash(chars: readonly string[], start: number, end: number): boolean {
  // After an escape, ruamel forgets this one, and a space appears in the text.
  if (start > end && chars[start] !== ' ') return true;
  let position = chars.indexOf(' ', end);
  if (position < 0) return true;
  // Not searched to the end of the text at each fold of a text without line breaks.
  const newline = chars.slice(end, position).indexOf('\n');
  if (newline >= 0) position = end + newline;
  const after = chars[position + 1];
  if (after === undefined || (chars[position] === '\n' && after !== ' ')) return true;
  const word = chars.slice(end, position);
  const doubleSpace = chars[end - 1] === ' ' && chars[end] === ' ';
  return word.includes('"') || word.includes("'") || after === ' ' || after === '\n' || doubleSpace || start === end;
}

function mustEscape(char: string): boolean {
  if (char >= ' ' && char <= '~') return char === '"' || char === '\\';
  const code = char.codePointAt(0) ?? 0;
  if (code < 0xa0 || code === 0x2028 || code === 0x2029 || code === 0xfeff) return true;
  return (code >= 0xd800 && code <= 0xdfff) || code === 0xfffe || code === 0xffff;
}

const escapes: Readonly<Record<string, string>> = {
  '\0': '0',
  '\u0007': 'a',
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\v': 'v',
  '\f': 'f',
  '\r': 'r',
  '\u001b': 'e',
  '"': '"',
  '\\': '\\',
  '\u0085': 'N',
  '\u00a0': '_',
  '\u2028': 'L',
  '\u2029': 'P',
};

function escapeOf(char: string): string {
  const short = escapes[char];
  if (short !== undefined) return `\\${short}`;
  const code = char.codePointAt(0) ?? 0;
  const hex = code.toString(16).toUpperCase();
  return code <= 0xff ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`;
}

export function codePointLength(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff) length--;
  }
  return length;
}
