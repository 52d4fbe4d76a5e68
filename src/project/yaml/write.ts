import { floatRepr, PyDate, PyFloat, type PyMap, type PyValue } from '../../base/index.ts';
import { codePointLength, YamlEmitter } from './emit.ts';
import { isMultiline } from './style.ts';

/**
 * The bytes that ruamel.yaml (0.19, block style, its defaults otherwise) writes for a value: indents of
 * two, lists at the column of their key, lines folded near column 80, null as nothing. A list or mapping
 * that occurs twice (the same object) is written once with an anchor `&id001`.
 */
export function dumpYaml(value: PyValue): string {
  return new YamlWriter(value).document();
}

/** A scalar other than a string as ruamel writes it; null is empty. */
export function plainText(value: null | boolean | number | bigint | PyFloat | PyDate): string {
  if (value === null) return '';
  if (value instanceof PyDate) return value.text;
  if (!(value instanceof PyFloat)) return String(value);
  if (Number.isFinite(value.value)) return floatRepr(value.value);
  if (Number.isNaN(value.value)) return '.nan';
  return value.value > 0 ? '.inf' : '-.inf';
}

interface Place {
  /** The value of a mapping's key, or the key itself. */
  readonly mapping: boolean;
  readonly sequence: boolean;
  /** A key on one line. */
  readonly key: boolean;
}

const rootPlace: Place = { mapping: false, sequence: false, key: false };
const itemPlace: Place = { mapping: false, sequence: true, key: false };
const valuePlace: Place = { mapping: true, sequence: false, key: false };
const keyPlace: Place = { mapping: true, sequence: false, key: true };

class YamlWriter {
  private readonly out = new YamlEmitter();
  private readonly root: PyValue;
  private readonly shared: ReadonlySet<PyValue>;
  private readonly anchors = new Map<PyValue, string>();

  constructor(value: PyValue) {
    this.root = value;
    this.shared = sharedCollections(value);
  }

  document(): string {
    const { root, out } = this;
    if (root === null) return 'null\n...\n';
    out.indent = -2;
    this.node(root, rootPlace);
    if (out.column > 0) out.lineBreak();
    return out.text() + (isPlainRoot(out.text(), root) ? '...\n' : '');
  }

  private node(value: PyValue, place: Place): void {
    if (Array.isArray(value) || value instanceof Map) this.collection(value, place);
    else this.scalar(value, place);
  }

  private scalar(value: Exclude<PyValue, PyValue[] | PyMap>, place: Place): void {
    const { out } = this;
    if (place.sequence) this.afterDash();
    if (typeof value === 'string') out.string(value, { flow: false, key: place.key });
    else out.scalar(value === null && place.key ? 'null' : plainText(value), '', !place.key);
  }

  /** ruamel goes to the indent of an item's text, which puts the space after the dash. */
  private afterDash(): void {
    this.out.indent += 2;
    this.out.newLine();
    this.out.indent -= 2;
  }

  private collection(value: PyValue[] | PyMap, place: Place): void {
    const { out } = this;
    const anchor = this.anchors.get(value);
    if (anchor !== undefined) {
      out.indicator(`*${anchor}`, true);
      return;
    }
    if (this.shared.has(value)) {
      const name = `id${String(this.anchors.size + 1).padStart(3, '0')}`;
      this.anchors.set(value, name);
      out.indicator(`&${name}`, true);
    }
    const size = Array.isArray(value) ? value.length : value.size;
    if (size === 0) {
      out.indicator(Array.isArray(value) ? '[]' : '{}', true);
      return;
    }
    const indentless = Array.isArray(value) && place.mapping && !out.indention;
    if (!indentless) out.indent += 2;
    if (Array.isArray(value)) this.items(value);
    else this.pairs(value);
    if (!indentless) out.indent -= 2;
  }

  private items(list: readonly PyValue[]): void {
    for (const item of list) {
      this.out.newLine();
      this.out.indicator('-', true, false, true);
      this.node(item, itemPlace);
    }
  }

  private pairs(map: PyMap): void {
    const { out } = this;
    for (const [key, value] of map) {
      out.newLine();
      if (isSimpleKey(key)) {
        this.node(key, keyPlace);
        out.indicator(':', false);
      } else {
        out.indicator('?', true, false, true);
        this.node(key, valuePlace);
        out.newLine();
        out.indicator(':', true, false, true);
      }
      this.node(value, valuePlace);
    }
  }
}

/** ruamel counts the key's tag (`!!str`) against its limit of 128 characters. */
function isSimpleKey(key: PyValue): boolean {
  return typeof key !== 'string' || (codePointLength(key) + 5 < 128 && !isMultiline(key));
}

/** A plain scalar as the whole document leaves it open, so its end is marked. */
function isPlainRoot(text: string, root: PyValue): boolean {
  if (Array.isArray(root) || root instanceof Map) return false;
  return typeof root !== 'string' || !/^['"]/.test(text);
}

function sharedCollections(value: PyValue): Set<PyValue> {
  const seen = new Set<PyValue>();
  const shared = new Set<PyValue>();
  const visit = (item: PyValue): void => {
    if (!Array.isArray(item) && !(item instanceof Map)) return;
    if (seen.has(item)) {
      shared.add(item);
      return;
    }
    seen.add(item);
    if (Array.isArray(item)) item.forEach(visit);
    else for (const child of item.values()) visit(child);
  };
  visit(value);
  return shared;
}
