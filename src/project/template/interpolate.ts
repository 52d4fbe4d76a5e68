import { PyDate, PyFloat, type PyValue } from '../../base/index.ts';
import { plainValue, toNode, type ContextNode, type NodeOrigin, type TemplateContext } from './context.ts';

/** A malformed `${...}`, or a value that cannot stand where it is used. Told on a line of its own. */
export class TemplateSyntaxError extends Error {
  override readonly name = 'TemplateSyntaxError';
}

/** DVC's `parsing` section: how a mapping in `cmd` becomes command-line arguments. */
export interface ParsingOptions {
  readonly bool?: 'store_true' | 'boolean_optional';
  readonly list?: 'nargs' | 'append';
}

/** One `${...}` of a text. */
interface Interpolation {
  readonly index: number;
  readonly whole: string;
  readonly inner: string;
}

/** What `(?<!\\)\$\{.*?\}` finds, in one walk along the text, however many of them have no end. */
function interpolationsIn(text: string): Interpolation[] {
  const found: Interpolation[] = [];
  let end = -1;
  let lineEnd = -1;
  for (let at = text.indexOf('${'); at >= 0; at = text.indexOf('${', at)) {
    if (end < at + 2) end = text.indexOf('}', at + 2);
    if (end < 0) break;
    if (lineEnd < at + 2) lineEnd = nextLine(text, at + 2);
    if (text[at - 1] === '\\' || lineEnd < end) at += 2;
    else {
      found.push({ index: at, whole: text.slice(at, end + 1), inner: text.slice(at + 2, end) });
      at = end + 1;
    }
  }
  return found;
}

function nextLine(text: string, from: number): number {
  const next = text.indexOf('\n', from);
  return next < 0 ? text.length : next;
}

export function isTemplate(text: string): boolean {
  return text.includes('${') && interpolationsIn(text).length > 0;
}

/** More than any system takes as a command, or as a path. */
const maxText = 10_000_000;

export interface ResolveOptions {
  /** The stage key the value stands under; a mapping may only be used under `cmd` and `foreach`. */
  readonly key?: string;
  readonly parsing?: ParsingOptions;
  /** True when the syntax of every expression was checked before. */
  readonly checked?: boolean;
  /** Told about every node used. */
  readonly onUse?: (node: ContextNode) => void;
}

/**
 * Replaces the interpolations of one string. A string that is exactly one interpolation gives the value
 * itself, of any type; inside a longer string only primitives (and mappings under `cmd`) are possible.
 */
export function interpolate(text: string, context: TemplateContext, options: ResolveOptions): PyValue {
  if (!text.includes('${')) return text;
  const matches = interpolationsIn(text);
  const select = ({ inner }: Interpolation): PyValue => {
    const node = context.select(options.checked === true ? inner : parseExpression(inner));
    options.onUse?.(node);
    const value = plainValue(node);
    checkUsable(value, options.key);
    return value;
  };
  const [first] = matches;
  if (matches.length === 1 && first !== undefined && first.whole === text) return select(first);
  let result = '';
  let index = 0;
  for (const match of matches) {
    result += text.slice(index, match.index) + toText(select(match), options.parsing);
    if (result.length > maxText) throw new TemplateSyntaxError(`the text becomes longer than ${maxText} characters`);
    index = match.index + match.whole.length;
  }
  return (result + text.slice(index)).replaceAll('\\${', '${');
}

/** Interpolates every string of a value, keys of mappings included. */
export function interpolateDeep(value: PyValue, context: TemplateContext, options: ResolveOptions): PyValue {
  if (typeof value === 'string') return interpolate(value, context, options);
  if (Array.isArray(value)) return value.map((item) => interpolateDeep(item, context, options));
  if (value instanceof Map) {
    return new Map(
      [...value].map(([key, item]) => [
        interpolateDeep(key, context, options),
        interpolateDeep(item, context, options),
      ]),
    );
  }
  return value;
}

/**
 * As `interpolateDeep`, but gives nodes: what an interpolation names keeps its origin, so that values used
 * through `foreach` and `matrix` are still known to come from a params file.
 */
export function interpolateNode(value: PyValue, context: TemplateContext): ContextNode {
  const origin: NodeOrigin = { source: undefined, path: '', fromFile: false };
  if (typeof value === 'string') {
    const [first, second] = value.includes('${') ? interpolationsIn(value) : [];
    if (first !== undefined && second === undefined && first.whole === value) {
      return context.select(parseExpression(first.inner));
    }
    return toNode(interpolate(value, context, {}), origin);
  }
  if (Array.isArray(value)) return { origin, content: value.map((item) => interpolateNode(item, context)) };
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]): [string, ContextNode] => [
      toText(interpolateDeep(key, context, {})),
      interpolateNode(item, context),
    ]);
    return { origin, content: new Map(entries) };
  }
  return toNode(value, origin);
}

/** What Python takes for false: null, false, 0, and what is empty. */
export function isFalsy(value: PyValue): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (value instanceof Map) return value.size === 0;
  if (value instanceof PyFloat) return value.value === 0;
  return value === null || value === false || value === '' || value === 0 || value === 0n;
}

/** Checks the syntax of every expression in a value. */
export function checkTemplates(value: PyValue): void {
  if (typeof value === 'string') {
    if (value.includes('${')) for (const { inner } of interpolationsIn(value)) parseExpression(inner);
  } else if (Array.isArray(value)) {
    value.forEach(checkTemplates);
  } else if (value instanceof Map) {
    for (const [key, item] of value) {
      checkTemplates(key);
      checkTemplates(item);
    }
  }
}

/** True when a value holds an interpolation anywhere; `vars` may not. */
export function hasTemplates(value: PyValue): boolean {
  if (typeof value === 'string') return isTemplate(value);
  if (Array.isArray(value)) return value.some(hasTemplates);
  if (value instanceof Map) return [...value].some(([key, item]) => hasTemplates(key) || hasTemplates(item));
  return false;
}

/** `word ( .word | [word] )*` to `a.b.c`; the grammar of DVC, with its way of pointing at the fault. */
export function parseExpression(inner: string): string {
  const words: string[] = [];
  const word = /[^.[\]]+/y;
  const take = (at: number): number => {
    word.lastIndex = at;
    const match = word.exec(inner);
    if (match === null) return -1;
    words.push(match[0]);
    return word.lastIndex;
  };
  let position = take(0);
  if (position < 0) throw syntaxError(inner, 0, 'Expected !W:(.[])');
  for (;;) {
    // White space belongs to words, except after a bracket.
    position = skipSpace(inner, position);
    if (position >= inner.length) return words.join('.');
    const opening = inner[position];
    let next = opening === '.' || opening === '[' ? take(position + 1) : -1;
    if (next >= 0 && opening === '[') next = inner[next] === ']' ? next + 1 : -1;
    if (next < 0) throw syntaxError(inner, position, 'Expected end of text');
    position = next;
  }
}

function skipSpace(text: string, from: number): number {
  let position = from;
  while (/\s/.test(text[position] ?? '')) position++;
  return position;
}

function syntaxError(inner: string, position: number, expected: string): TemplateSyntaxError {
  const found = /^(?:[\p{L}\p{N}]{1,16}|[\s\S])/u.exec(`${inner}}`.slice(position))?.[0] ?? '}';
  const column = position + 3;
  return new TemplateSyntaxError(
    `\${${inner}}\n${' '.repeat(column - 1)}^\n` +
      `ParseException: ${expected}, found '${found}'  (at char ${position + 2}), (line:1, col:${column})`,
  );
}

function checkUsable(value: PyValue, key: string | undefined): void {
  if (!Array.isArray(value) && !(value instanceof Map)) return;
  if (key === undefined || key.includes('foreach')) return;
  if (value instanceof Map && key === 'cmd') return;
  throw new TemplateSyntaxError(`Cannot interpolate data of type '${typeName(value)}'`);
}

/** Python's name of a value's type, for messages. */
export function typeName(value: PyValue): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number' || typeof value === 'bigint') return 'int';
  if (value instanceof PyFloat) return 'float';
  if (value instanceof PyDate) return 'date';
  return Array.isArray(value) ? 'list' : 'dict';
}

/** A value inside a longer string: `true`, `None`, `1e-05`, and mappings as command-line arguments. */
export function toText(value: PyValue, parsing: ParsingOptions = {}): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value instanceof Map) return toArguments(value, parsing);
  if (Array.isArray(value)) return pythonRepr(value);
  if (value instanceof PyDate) return value.text;
  return value.toString();
}

function toArguments(map: ReadonlyMap<PyValue, PyValue>, parsing: ParsingOptions): string {
  const words: string[] = [];
  for (const [key, value] of flatten(map, '')) {
    if (typeof value === 'boolean') {
      if (value) words.push(`--${key}`);
      else if (parsing.bool === 'boolean_optional') words.push(`--no-${key}`);
    } else if (typeof value === 'string') {
      words.push(`--${key} ${shellQuote(value)}`);
    } else if (Array.isArray(value)) {
      words.push(...listArguments(key, value, parsing));
    } else {
      words.push(`--${key} ${pythonStr(value)}`);
    }
  }
  return words.join(' ').trimEnd();
}

function listArguments(key: string, list: readonly PyValue[], parsing: ParsingOptions): string[] {
  return list.map((item, index) => {
    if (Array.isArray(item) || item instanceof Map) {
      throw new TemplateSyntaxError(`Cannot interpolate nested iterable in '${key}'`);
    }
    const text = typeof item === 'string' ? shellQuote(item) : pythonStr(item);
    return index === 0 || parsing.list === 'append' ? `--${key} ${text}` : text;
  });
}

/** Nested mappings as dotted keys; empty ones disappear, as with flatten_dict. */
function* flatten(map: ReadonlyMap<PyValue, PyValue>, prefix: string): Generator<[string, PyValue]> {
  for (const [key, value] of map) {
    const name = `${prefix}${pythonStr(key)}`;
    if (value instanceof Map) yield* flatten(value, `${name}.`);
    else yield [name, value];
  }
}

/** POSIX `shlex.quote` of Python. */
export function shellQuote(text: string): string {
  if (text === '') return "''";
  return /[^\w@%+=:,./-]/.test(text) ? `'${text.replaceAll("'", `'"'"'`)}'` : text;
}

/** Python's `str()`. */
export function pythonStr(value: PyValue): string {
  return typeof value === 'string' ? value : pythonRepr(value);
}

/** Python's `repr()`. */
export function pythonRepr(value: PyValue): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return stringRepr(value);
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  if (value instanceof Map) {
    return `{${[...value].map(([key, item]) => `${pythonRepr(key)}: ${pythonRepr(item)}`).join(', ')}}`;
  }
  return value instanceof PyDate ? value.text : value.toString();
}

function stringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)
    .replaceAll('\t', String.raw`\t`)
    .replaceAll(quote, `\\${quote}`);
  return quote + escaped + quote;
}
