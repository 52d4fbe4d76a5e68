import { MlopsError, PyDate, PyFloat, type PyMap, type PyValue } from '../../base/index.ts';
import { pythonStr } from '../template/interpolate.ts';
import { globPattern } from './glob.ts';

/**
 * The value under a dotted key, `undefined` when there is none: nested mappings, list indexes (`a.0`),
 * keys of any scalar type by their text, shell patterns as long as one leaf matches (DVC's `dpath.get`).
 *
 * @throws MlopsError `bad_params` when a pattern matches several values.
 */
export function getParam(data: PyValue, key: string): PyValue | undefined {
  const steps = key.split('.').filter((step) => step !== '');
  if (!/[*?[]/.test(key)) return steps.reduce<PyValue | undefined>(child, data);
  let found: PyValue[] = [data];
  for (const step of steps) {
    const pattern = globPattern(step);
    found = found.flatMap((value) =>
      children(value)
        .filter(([name]) => pattern.test(name))
        .map(([, item]) => item),
    );
  }
  if (found.length > 1) {
    throw new MlopsError('bad_params', `dpath.get() globs must match only one leaf: ${key}`);
  }
  return found[0];
}

/** The value with a part of it set, or removed (`undefined`); missing mappings are made. Nothing given is changed. */
export function valueWith(data: PyValue, path: readonly PyValue[], value: PyValue | undefined): PyValue {
  const [step, ...rest] = path;
  if (step === undefined) return value ?? null;
  const inside = (old: PyValue | undefined): PyValue => valueWith(old ?? null, rest, value);
  if (Array.isArray(data)) {
    const index = Number(step);
    if (rest.length === 0 && value === undefined) return data.toSpliced(index, 1);
    return data.map((item, at) => (at === index ? inside(item) : item));
  }
  const map: PyMap = new Map(data instanceof Map ? data : []);
  if (rest.length === 0 && value === undefined) map.delete(step);
  else map.set(step, inside(map.get(step)));
  return map;
}

/** Equal in Python, and of the same types: 1, 1.0 and true are three values here. */
export function sameValue(a: PyValue, b: PyValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => sameValue(item, b[index] ?? null));
  }
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([key, item]) => b.has(key) && sameValue(item, b.get(key) ?? null));
  }
  if (a instanceof PyFloat && b instanceof PyFloat) return Object.is(a.value, b.value);
  if (a instanceof PyDate && b instanceof PyDate) return a.text === b.text;
  return a === b;
}

function child(value: PyValue | undefined, step: string): PyValue | undefined {
  if (value instanceof Map) {
    const direct = value.get(step);
    if (direct !== undefined) return direct;
    for (const [key, item] of value) if (typeof key !== 'string' && pythonStr(key) === step) return item;
    return undefined;
  }
  if (Array.isArray(value) && /^-?\d+$/.test(step)) return value.at(Number(step));
  return undefined;
}

function children(value: PyValue): [string, PyValue][] {
  if (value instanceof Map) return [...value].map(([key, item]) => [pythonStr(key), item]);
  return Array.isArray(value) ? value.map((item, index) => [String(index), item]) : [];
}

/** Nested mappings as dotted keys; lists and empty mappings are values. */
export function flattenParams(map: PyMap, prefix = ''): Map<string, PyValue> {
  const flat = new Map<string, PyValue>();
  const walk = (current: PyMap, before: string): void => {
    for (const [key, value] of current) {
      const name = before + pythonStr(key);
      if (value instanceof Map && value.size > 0) walk(value, `${name}.`);
      else flat.set(name, value);
    }
  };
  walk(map, prefix);
  return flat;
}
