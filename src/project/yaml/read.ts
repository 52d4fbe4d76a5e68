import type { Document, LineCounter, Node, Scalar } from 'yaml';

import { MlopsError, PyDate, PyFloat, type PyMap, type PyValue } from '../../base/index.ts';
import { yamlSyntaxError, type Locate, type YamlProblem } from './error.ts';
import { yamlPackage } from './package.ts';
import type { SourcePosition } from './report.ts';
import { remarksOn, strayTab, unprintableCharacter } from './remarks.ts';
import { isTooDeep, limits } from './limits.ts';
import { isLongInteger, resolvePlain } from './scalars.ts';
import { readYamlSubset } from './subset.ts';

/** A YAML text with the places of its parts, for errors about its content. */
export interface PositionedYaml {
  readonly value: PyValue;
  /** Where the mapping or list at a path starts; undefined for scalars and what is absent. */
  readonly locate: Locate;
  /** The line of the key or item at a path; undefined for what is absent. */
  readonly lineOf: (path: readonly unknown[]) => number | undefined;
}

/**
 * Reads one YAML document with the meaning that ruamel.yaml gives it (YAML 1.2, big integers exact,
 * floats apart from integers, dates as `PyDate`). An empty text is null. Objects behind an anchor are
 * shared by their aliases, as in Python.
 *
 * @param file the name that errors show.
 * @throws MlopsError `bad_yaml` with line, column and source line.
 */
export function parseYaml(text: string, file: string): PyValue {
  const odd = unprintableCharacter(text);
  if (odd !== undefined) {
    const code = odd.code.toString(16).padStart(4, '0');
    throw new MlopsError(
      'bad_yaml',
      `unable to read: '${file}', YAML file structure is corrupted: ` +
        `unacceptable character #x${code}: special characters are not allowed, position ${odd.index}`,
      { hint: 'write it as an escape in a text in double quotes' },
    );
  }
  return readYamlSubset(text) ?? parseYamlFully(text, file);
}

/** As `parseYaml`, always with the full parser. */
export function parseYamlFully(text: string, file: string): PyValue {
  const { doc, lines } = parseDocument(text, file);
  return new Converter(doc, lines, text, file).document();
}

/** As `parseYaml`, keeping the places of all parts. */
export function parseYamlWithPositions(text: string, file: string): PositionedYaml {
  const { doc, lines } = parseDocument(text, file);
  const value = new Converter(doc, lines, text, file).document();
  return {
    value,
    locate: (path) => containerPosition(doc, lines, path),
    lineOf: (path) => {
      const offset = (keyAt(doc, path) ?? nodeAt(doc, path))?.range?.[0];
      return offset === undefined ? undefined : positionOf(lines, offset).line;
    },
  };
}

function containerPosition(doc: Document, lines: LineCounter, path: readonly unknown[]): SourcePosition | undefined {
  const { isCollection } = yamlPackage();
  const node = nodeAt(doc, path);
  const offset = isCollection(node) ? node.range?.[0] : undefined;
  return offset === undefined ? undefined : positionOf(lines, offset);
}

/** The key that the last step of a path names, where that step is one of a mapping. */
function keyAt(doc: Document, path: readonly unknown[]): Node | undefined {
  const owner = path.length === 0 ? undefined : nodeAt(doc, path.slice(0, -1));
  return pairOf(owner, path.at(-1))?.key;
}

function nodeAt(doc: Document, path: readonly unknown[]): Node | null | undefined {
  const { isAlias } = yamlPackage();
  let node = doc.contents as Node | null | undefined;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(doc);
    node = childOf(node, step);
  }
  return node;
}

/** Parses into the package's tree with scalars left as text; throws on everything ruamel refuses. */
export function parseDocument(text: string, file: string): { doc: Document.Parsed; lines: LineCounter } {
  const { LineCounter: Lines, parseAllDocuments } = yamlPackage();
  const lines = new Lines();
  const fail = (problems: YamlProblem[]): never => {
    throw yamlSyntaxError(file, text, problems);
  };
  if (text.length > limits.text) throw tooLong(text, file);
  if (isHopeless(text)) fail([{ message: tooDeep, position: deepestLine(text) }]);
  const parse = (): Document.Parsed[] => {
    try {
      const parsed = parseAllDocuments(text, {
        version: '1.2',
        schema: 'failsafe',
        uniqueKeys: false,
        prettyErrors: false,
        logLevel: 'silent',
        lineCounter: lines,
      });
      return Array.isArray(parsed) ? parsed : [];
    } catch (error) {
      if (!isTooDeep(error)) throw error;
      return fail([{ message: tooDeep, position: deepestLine(text) }]);
    }
  };
  const docs = parse();
  const error = docs.flatMap((doc) => doc.errors)[0];
  if (error !== undefined && /call stack/i.test(error.message)) {
    fail([{ message: tooDeep, position: deepestLine(text) }]);
  }
  if (error !== undefined) fail(remarksOn(error, text, lines));
  const tab = strayTab(text);
  if (tab !== undefined) {
    fail([{ message: "found character '\\t' that cannot start any token", position: positionOf(lines, tab) }]);
  }
  if (docs.length > 1) {
    fail([
      { message: 'expected a single document in the stream', position: { line: 1, column: 1 } },
      { message: 'but found another document', position: positionOf(lines, docs[1]?.range[0] ?? 0) },
    ]);
  }
  return { doc: docs[0] ?? emptyDocument(), lines };
}

const tooDeep = `found more than ${limits.depth} levels of mappings and lists in each other`;

/** Told without the source line, which may be all of the text. */
function tooLong(text: string, file: string): MlopsError {
  return new MlopsError(
    'bad_yaml',
    `unable to read: '${file}', line 1: ${text.length.toLocaleString('en')} characters of YAML that is not plain ` +
      `are more than the ${limits.text.toLocaleString('en')} that are read`,
    {
      hint: 'keep data out of it, or write one-line values without escapes and nested brackets, of which more are read',
    },
  );
}

/** Far beyond the limit, whatever is in quotes: the parser need not spend seconds on it. */
function isHopeless(text: string): boolean {
  const most = limits.depth * 4;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5b || code === 0x7b) depth++;
    else if (code === 0x5d || code === 0x7d) depth = Math.max(0, depth - 1);
    if (depth > most) return true;
  }
  return text.includes(`\n${' '.repeat(most)}`);
}

/** Where a text that is too deep for the parser is certainly too deep: its first line of the largest indent or most brackets. */
function deepestLine(text: string): SourcePosition {
  let deepest = { line: 1, column: 1 };
  for (const [index, line] of text.split('\n').entries()) {
    const column = Math.max(line.search(/\S/), line.lastIndexOf('[['), line.lastIndexOf('{{')) + 1;
    if (column > deepest.column) deepest = { line: index + 1, column };
  }
  return deepest;
}

/** The value of a parsed document, or of one of its nodes. */
export function nodeValue(doc: Document.Parsed, node: Node | null = doc.contents): PyValue {
  return new Converter(doc, new (yamlPackage().LineCounter)(), '', '').valueOf(node);
}

function emptyDocument(): Document.Parsed {
  return yamlPackage().parseDocument('', { version: '1.2', schema: 'failsafe' });
}

export function positionOf(lines: LineCounter, offset: number): SourcePosition {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function childOf(node: Node | null | undefined, step: unknown): Node | undefined {
  if (yamlPackage().isSeq(node)) return node.items[Number(step)] as Node | undefined;
  return pairOf(node, step)?.value ?? undefined;
}

function pairOf(node: Node | null | undefined, step: unknown): { key: Scalar; value?: Node | null } | undefined {
  const { isMap, isScalar } = yamlPackage();
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  return pair as { key: Scalar; value?: Node | null } | undefined;
}

/** Turns the package's tree into Python's values. */
class Converter {
  private readonly doc: Document.Parsed;
  private readonly lines: LineCounter;
  private readonly text: string;
  private readonly file: string;
  private readonly yaml = yamlPackage();
  private readonly anchors = new Map<string, PyValue>();
  /** Collections whose end was not reached yet. */
  private readonly open = new Set<PyValue>();
  /** How many values a collection is, those that aliases in it stand for included. */
  private readonly sizes = new Map<PyValue, number>();
  private aliased = 0;

  constructor(doc: Document.Parsed, lines: LineCounter, text: string, file: string) {
    this.doc = doc;
    this.lines = lines;
    this.text = text;
    this.file = file;
  }

  document(): PyValue {
    return this.node(this.doc.contents);
  }

  /** The value of one node, with the anchors before it known. */
  valueOf(node: Node | null): PyValue {
    if (node !== this.doc.contents) this.document();
    return this.node(node);
  }

  private node(node: Node | null): PyValue {
    if (node === null) return null;
    if (this.yaml.isAlias(node)) {
      const value = this.anchors.get(node.source);
      if (value !== undefined && this.open.has(value)) this.fail('found a value that contains itself', node);
      if (value === undefined) return this.fail(`found undefined alias '${node.source}'`, node);
      this.spend(this.sizeOf(value), node);
      return value;
    }
    if (this.yaml.isScalar(node)) {
      const value = this.scalar(node);
      if (node.anchor !== undefined) this.anchors.set(node.anchor, value);
      return value;
    }
    if (this.yaml.isSeq(node)) return this.sequence(node.items as Node[], node);
    if (this.yaml.isMap(node)) return this.mapping(node);
    return this.fail('found something that is neither a value, a list nor a mapping', node);
  }

  private sequence(items: readonly Node[], node: Node): PyValue[] {
    const list: PyValue[] = [];
    this.anchor(node, list);
    this.open.add(list);
    for (const item of items) {
      // A pair inside a flow list (`[a: 1]`) is a mapping of its own.
      list.push(this.yaml.isPair(item) ? this.pairs([item], node, new Map()) : this.node(item));
    }
    this.open.delete(list);
    this.sizes.set(
      list,
      list.reduce<number>((sum, item) => sum + this.sizeOf(item), 1),
    );
    return list;
  }

  private mapping(node: Node): PyMap {
    const map: PyMap = new Map();
    this.anchor(node, map);
    if (!this.yaml.isMap(node)) return map;
    this.open.add(map);
    this.pairs(node.items, node, map);
    this.open.delete(map);
    let size = 1;
    for (const item of map.values()) size += this.sizeOf(item);
    this.sizes.set(map, size);
    return map;
  }

  private pairs(items: readonly unknown[], owner: Node, map: PyMap): PyMap {
    const merged: PyMap[] = [];
    const own: [PyValue, PyValue][] = [];
    const seen = new Map<string, PyValue>();
    for (const item of items) {
      if (!this.yaml.isPair<Node | null, Node | null>(item)) continue;
      if (isMergeKey(item.key, this.yaml)) {
        merged.push(...this.mergeSources(item.value, owner));
        continue;
      }
      const key = this.key(item.key, owner);
      const value = this.node(item.value);
      const same = equalityKey(this.node(item.key));
      if (seen.has(same)) this.duplicate(item.key, owner, key, value, seen.get(same) ?? null);
      seen.set(same, value);
      own.push([key, value]);
    }
    for (const source of merged.reverse()) {
      this.spend(source.size, owner);
      for (const [key, value] of source) map.set(key, value);
    }
    for (const [key, value] of own) map.set(key, value);
    return map;
  }

  private key(node: Node | null, owner: Node): PyValue {
    const key = this.node(node);
    if (key instanceof PyFloat) return key.toString();
    if (key instanceof PyDate) return key.text;
    return Array.isArray(key) || key instanceof Map ? this.fail('found unhashable key', node ?? owner) : key;
  }

  private mergeSources(node: Node | null, owner: Node): PyMap[] {
    const value = this.node(node);
    const sources = Array.isArray(value) ? value : [value];
    return sources.map((source) =>
      source instanceof Map ? source : this.fail('expected a mapping or list of mappings for merging', node ?? owner),
    );
  }

  private scalar(node: Scalar): PyValue {
    const text = typeof node.value === 'string' ? node.value : '';
    const tag = node.tag?.replace('tag:yaml.org,2002:', '!!');
    if (tag === undefined) return node.type === 'PLAIN' ? this.plain(text, node) : text;
    if (tag === '!' || tag === '!!str') return text;
    const value = this.plain(text.trim(), node);
    if (tag === '!!float' && (typeof value === 'number' || typeof value === 'bigint'))
      return new PyFloat(Number(value));
    if (tag === '!!null') return null;
    const fits =
      (tag === '!!int' && (typeof value === 'number' || typeof value === 'bigint')) ||
      (tag === '!!float' && value instanceof PyFloat) ||
      (tag === '!!bool' && typeof value === 'boolean') ||
      (tag === '!!timestamp' && value instanceof PyDate);
    return fits ? value : this.fail(`could not determine a constructor for the tag '${node.tag ?? ''}'`, node);
  }

  private plain(text: string, node: Scalar): PyValue {
    // ruamel has no constructor for YAML 1.1's "default value" key.
    if (text === '=') this.fail("could not determine a constructor for the tag 'tag:yaml.org,2002:value'", node);
    if (isLongInteger(text)) this.fail(`found an integer of more than ${limits.digits} digits`, node);
    return resolvePlain(text);
  }

  /** Text counts, too: an alias of a long one is written out in full. */
  private sizeOf(value: PyValue): number {
    return typeof value === 'string' ? 1 + value.length / 50 : (this.sizes.get(value) ?? 1);
  }

  /** A file of few lines can stand for more than fits into memory. */
  private spend(size: number, node: Node): void {
    this.aliased += size;
    if (this.aliased > limits.aliased) {
      this.fail(`found aliases that stand for more than ${limits.aliased.toLocaleString('en')} values`, node);
    }
  }

  private anchor(node: Node, value: PyValue): void {
    if (this.open.size >= limits.depth) this.fail(tooDeep, node);
    const { anchor, tag } = node as { anchor?: string; tag?: string };
    if (anchor !== undefined) this.anchors.set(anchor, value);
    if (tag !== undefined && !/^(!|(!!|tag:yaml\.org,2002:)(map|seq))$/.test(tag)) {
      this.fail(`could not determine a constructor for the tag '${tag}'`, node);
    }
  }

  private duplicate(key: Node | null, owner: Node, name: PyValue, value: PyValue, original: PyValue): never {
    const message = `found duplicate key "${shown(name)}" with value "${shown(value)}" (original value: "${shown(original)}")`;
    throw yamlSyntaxError(this.file, this.text, [
      { message: 'while constructing a mapping', position: this.place(owner) },
      { message, position: this.place(key ?? owner) },
    ]);
  }

  private fail(message: string, node: Node): never {
    throw yamlSyntaxError(this.file, this.text, [{ message, position: this.place(node) }]);
  }

  private place(node: Node): SourcePosition | undefined {
    const offset = node.range?.[0];
    return offset === undefined ? undefined : positionOf(this.lines, offset);
  }
}

/** The same text for keys that are equal in Python, where `1`, `1.0` and `true` are. */
function equalityKey(key: PyValue): string {
  if (typeof key === 'string') return `text ${key}`;
  if (key instanceof PyFloat) return `number ${Number.isInteger(key.value) ? BigInt(key.value) : key.value}`;
  if (typeof key === 'boolean') return `number ${key ? 1 : 0}`;
  return typeof key === 'number' || typeof key === 'bigint' ? `number ${key}` : String(key);
}

function isMergeKey(key: Node | null, yaml: ReturnType<typeof yamlPackage>): boolean {
  return yaml.isScalar(key) && key.type === 'PLAIN' && key.value === '<<';
}

function shown(value: PyValue): string {
  if (value === null) return 'None';
  if (value instanceof Map) return '{}';
  if (value instanceof PyDate) return value.text;
  return Array.isArray(value) ? '[]' : String(value);
}
