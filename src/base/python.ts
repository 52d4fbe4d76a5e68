/**
 * Values as Python reads them from YAML, JSON or TOML. JavaScript cannot tell 1 from 1.0, reorders keys
 * that look like integers and loses integers beyond 2^53; DVC's lock files and hashes depend on all three.
 */
export type PyValue = null | boolean | string | number | bigint | PyFloat | PyDate | PyValue[] | PyMap;

/** A mapping in source order. Keys are scalars; DVC's own files use strings only. */
export type PyMap = Map<PyValue, PyValue>;

/** A Python float. A bare JS `number` in a `PyValue` is always a Python int. */
export class PyFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  /** `repr(float)` of Python 3, e.g. `1.0`, `1e-05`, `1e+16`, `inf`, `nan`. */
  toString(): string {
    return floatRepr(this.value);
  }

  toJSON(): number {
    return this.value;
  }
}

/** A YAML timestamp or TOML date, kept as its source text: DVC refuses them as params. */
export class PyDate {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Python's `repr` of a float: the shortest digits that round-trip, in exponent form below 1e-4 and from
 * 1e16 on, with at least two exponent digits and `.0` for integral values.
 */
export function floatRepr(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const magnitude = Math.abs(value);
  if (magnitude === 0) return `${sign}0.0`;
  const [mantissa = '0', exponentText = '0'] = magnitude.toExponential().split('e');
  const exponent = Number(exponentText);
  const digits = mantissa.replace('.', '');
  if (exponent < -4 || exponent >= 16) return sign + exponentForm(digits, exponent);
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return `${sign}${digits.padEnd(exponent + 1, '0')}.0`;
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

function exponentForm(digits: string, exponent: number): string {
  const mantissa = digits.length === 1 ? digits : `${digits[0]}.${digits.slice(1)}`;
  const sign = exponent < 0 ? '-' : '+';
  return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/**
 * `json.dumps(value, sort_keys=sortKeys)` of Python with its default separators and `ensure_ascii`.
 * Non-string keys become strings as Python makes them; throws `TypeError` on dates, as Python does.
 */
export function pythonJson(value: PyValue, sortKeys = true): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return pythonJsonString(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'number' || typeof value === 'bigint') return value.toString();
  if (value instanceof PyFloat) return jsonFloat(value.value);
  if (value instanceof PyDate) throw new TypeError('Object of type date is not JSON serializable');
  if (Array.isArray(value)) return `[${value.map((item) => pythonJson(item, sortKeys)).join(', ')}]`;
  const entries = [...value].map(([key, item]): [string, PyValue] => [jsonKey(key), item]);
  if (sortKeys) entries.sort((a, b) => compareCodePoints(a[0], b[0]));
  return `{${entries.map(([key, item]) => `${pythonJsonString(key)}: ${pythonJson(item, sortKeys)}`).join(', ')}}`;
}

/** A JSON string as Python writes it with `ensure_ascii`: everything outside printable ASCII escaped. */
export function pythonJsonString(text: string): string {
  const json = JSON.stringify(text);
  // DEL is the one ASCII character that Python escapes and JSON.stringify does not.
  return /[\u007f-\uffff]/.test(json) ? json.replace(/[\u007f-\uffff]/g, escapeUnit) : json;
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return floatRepr(value);
}

function jsonKey(key: PyValue): string {
  if (typeof key === 'string') return key;
  if (key === null) return 'null';
  if (key instanceof PyFloat) return jsonFloat(key.value);
  if (typeof key === 'boolean' || typeof key === 'number' || typeof key === 'bigint') return String(key);
  throw new TypeError('keys must be str, int, float, bool or None');
}

/**
 * Orders strings as Python does, by code point. UTF-16 order differs only where a surrogate meets
 * U+E000..U+FFFF, so the fast path is the native comparison.
 */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return liftSurrogate(left) - liftSurrogate(right);
  }
  return a.length - b.length;
}

function liftSurrogate(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

/** Python's `==` over these values: 1 == 1.0 == True, mappings without order, NaN unequal. */
export function pythonEquals(a: PyValue, b: PyValue): boolean {
  if (a === b) return true;
  const left = numberOf(a);
  const right = numberOf(b);
  // eslint-disable-next-line eqeqeq -- a bigint and a number are compared by value, as Python does
  if (left !== undefined && right !== undefined) return left == right;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => pythonEquals(item, b[i] ?? null));
  if (a instanceof PyDate && b instanceof PyDate) return a.text === b.text;
  if (a instanceof Map && b instanceof Map) {
    if (a.size !== b.size) return false;
    for (const [key, item] of a) {
      const other = b.get(key);
      if (other === undefined || !pythonEquals(item, other)) return false;
    }
    return true;
  }
  return false;
}

function numberOf(value: PyValue): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value instanceof PyFloat ? value.value : undefined;
}

/** The same value in plain JavaScript: floats as numbers, mappings as objects with string keys. */
export function toPlain(value: PyValue): unknown {
  if (value instanceof PyFloat) return value.value;
  if (value instanceof PyDate) return value.text;
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [jsonKey(key), toPlain(item)]));
  return value;
}

/** The other way: plain data (integers, no floats; mappings as objects or Maps) as Python's values. */
export function fromPlain(value: unknown): PyValue {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (typeof value !== 'object' || value === null) return value as PyValue;
  const entries: [string, unknown][] = value instanceof Map ? [...value] : Object.entries(value);
  return new Map(entries.map(([key, item]) => [key, fromPlain(item)]));
}
