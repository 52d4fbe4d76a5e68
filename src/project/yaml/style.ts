import { plainKind } from './scalars.ts';

/** `''` is plain. */
export type ScalarStyle = '' | "'" | '"';

/** Where a scalar is written: what is allowed differs. */
export interface ScalarContext {
  /** Inside `[...]` or `{...}`. */
  readonly flow: boolean;
  /** A mapping key on one line. */
  readonly key: boolean;
}

interface Analysis {
  readonly multiline: boolean;
  readonly flowPlain: boolean;
  readonly blockPlain: boolean;
  readonly singleQuoted: boolean;
}

/** How ruamel.yaml writes a Python string: plain where that reads back as the same string. */
export function stringStyle(text: string, context: ScalarContext): ScalarStyle {
  if (text === '') return "'";
  if (isSimpleWord(text)) return plainKind(text) === 'str' ? '' : "'";
  const analysis = analyze(text);
  const plainAllowed = context.flow ? analysis.flowPlain : analysis.blockPlain;
  if (plainAllowed && isPlainString(text) && !(context.key && analysis.multiline)) return '';
  if (text.includes("'") || text.includes('\n')) return '"';
  return analysis.singleQuoted && !(context.key && analysis.multiline) ? "'" : '"';
}

/** True when the plain text would be read as a string; `<<` and `=` have meanings of their own. */
export function isPlainString(text: string): boolean {
  return text !== '<<' && text !== '=' && plainKind(text) === 'str';
}

/** True when a string has a line break in any of YAML's forms; such keys are written after `?`. */
export function isMultiline(text: string): boolean {
  return /[\n\u0085\u2028\u2029]/.test(text);
}

/** Letters, digits and a few marks that mean nothing special anywhere: most scalars of project files. */
function isSimpleWord(text: string): boolean {
  return /^[A-Za-z0-9_/][A-Za-z0-9_./+-]*$/.test(text);
}

const blank = '\0 \t\r\n\u0085\u2028\u2029';
const space = 0x20;

/** What ruamel's emitter finds out about a scalar before it chooses a style. */
function analyze(text: string): Analysis {
  const indicators = findIndicators(text);
  const special = hasSpecialCharacters(text);
  const multiline = isMultiline(text);
  const breakSpace = /[\n\u0085\u2028\u2029] /.test(text);
  const spaceBreak = / [\n\u0085\u2028\u2029]/.test(text);
  const edge = /^[ \n\u0085\u2028\u2029]|[ \n\u0085\u2028\u2029]$/.test(text);
  const plain = !(edge || breakSpace || special || spaceBreak || multiline);
  return {
    multiline,
    flowPlain: plain && !indicators.flow,
    blockPlain: plain && !indicators.block,
    singleQuoted: !(breakSpace || special || spaceBreak),
  };
}

function findIndicators(text: string): { flow: boolean; block: boolean } {
  let flow = text.startsWith('---') || text.startsWith('...');
  let block = flow;
  const first = text[0] ?? '';
  const blankAfter = (i: number): boolean => i + 1 >= text.length || blank.includes(text[i + 1] ?? '');
  if ('#,[]{}&*!|>\'"%@`'.includes(first)) flow = block = true;
  if (first === '?' || first === ':') {
    flow ||= text.length === 1;
    block ||= blankAfter(0);
  }
  if (first === '-' && blankAfter(0)) flow = block = true;
  for (let i = 1; i < text.length; i++) {
    const char = text[i] ?? '';
    if (',[]{}'.includes(char)) flow = true;
    if (char === ':' && blankAfter(i)) flow = block = true;
    if (char === '#' && blank.includes(text[i - 1] ?? '')) flow = block = true;
  }
  return { flow, block };
}

/** Characters that only a double-quoted scalar can hold. */
function hasSpecialCharacters(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x0a || (unit >= space && unit <= 0x7e) || unit === 0x85) continue;
    if (unit < 0xa0 || unit === 0xfeff || unit === 0xfffe || unit === 0xffff) return true;
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const low = text.charCodeAt(i + 1);
    if (unit > 0xdbff || !(low >= 0xdc00 && low <= 0xdfff)) return true;
    i++;
  }
  return false;
}
