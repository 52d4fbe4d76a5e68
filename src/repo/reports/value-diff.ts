import { compareCodePoints, PyDate, pythonEquals, PyFloat, type PyMap, type PyValue } from '../../base/index.ts';
import { pythonRepr, pythonStr } from '../../project/index.ts';

/** Old and new value of one key; null where a side has none. `diff` only between two numbers. */
export interface ValueChange {
  readonly old: PyValue;
  readonly new: PyValue;
  readonly diff?: PyValue;
}

/** Dotted key to change, keys in code point order. */
export type FileDiff = ReadonlyMap<string, ValueChange>;

/**
 * Compares two data files as DVC does: nested mappings by dotted key, lists as one text, numbers with
 * their difference, equality as in Python (1 == 1.0 == True). An absent side is undefined.
 */
export function diffValues(before: PyValue | undefined, after: PyValue | undefined, withUnchanged = false): FileDiff {
  const old = before ?? null;
  const now = after ?? null;
  const changes = new Map<string, ValueChange>();
  if (!(old instanceof Map) && !(now instanceof Map) && old !== null && now !== null) {
    const change = changeOf(old, now, withUnchanged);
    if (change !== undefined) changes.set('', change);
    return changes;
  }
  const left = sideOf(old);
  const right = sideOf(now);
  const keys = new Set([...left.keys(), ...right.keys()]);
  for (const key of [...keys].sort(compareCodePoints)) {
    const change = changeOf(left.get(key), right.get(key), withUnchanged);
    if (change !== undefined) changes.set(key, change);
  }
  return changes;
}

/** Nested mappings as dotted keys, lists as the text Python shows; empty mappings vanish. */
export function flattenValues(map: PyMap): Map<string, PyValue> {
  const flat = new Map<string, PyValue>();
  const walk = (current: PyMap, prefix: string): void => {
    for (const [key, value] of current) {
      const name = prefix + pythonStr(key);
      if (value instanceof Map) walk(value, `${name}.`);
      else flat.set(name, Array.isArray(value) ? pythonRepr(value) : value);
    }
  };
  walk(map, '');
  return flat;
}

interface Side {
  keys(): Iterable<string>;
  get(key: string): PyValue;
}

/** A side that is no mapping still answers for the keys of the other one. */
function sideOf(value: PyValue): Side {
  if (value instanceof Map) {
    const flat = flattenValues(value);
    return { keys: () => flat.keys(), get: (key) => flat.get(key) ?? null };
  }
  const other = value === null || isEmpty(value) ? null : 'unable to parse';
  return { keys: () => [], get: () => other };
}

function isEmpty(value: PyValue): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === '' || pythonEquals(value, 0);
}

function changeOf(old: PyValue, now: PyValue, withUnchanged: boolean): ValueChange | undefined {
  if (!withUnchanged && pythonEquals(old, now)) return undefined;
  const difference = subtract(now, old);
  return difference === undefined ? { old, new: now } : { old, new: now, diff: difference };
}

/** Python's `a - b` between ints, floats and booleans; undefined for anything else. */
export function subtract(a: PyValue, b: PyValue): PyValue | undefined {
  if (a instanceof PyFloat || b instanceof PyFloat) {
    const left = toFloat(a);
    const right = toFloat(b);
    return left === undefined || right === undefined ? undefined : new PyFloat(left - right);
  }
  const left = toInt(a);
  const right = toInt(b);
  if (left === undefined || right === undefined) return undefined;
  const result = left - right;
  return Number.isSafeInteger(Number(result)) ? Number(result) : result;
}

function toFloat(value: PyValue): number | undefined {
  if (value instanceof PyFloat) return value.value;
  const whole = toInt(value);
  return whole === undefined ? undefined : Number(whole);
}

function toInt(value: PyValue): bigint | undefined {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : undefined;
}

/** True for what a metric may be: numbers, booleans, strings. */
export function isScalarMetric(value: PyValue): boolean {
  return value !== null && !Array.isArray(value) && !(value instanceof Map) && !(value instanceof PyDate);
}
