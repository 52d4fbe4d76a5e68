import { PyFloat, type PyMap, type PyValue } from '../base/index.ts';

/** JSON as it stands in source code; whole numbers are ints, others floats. */
export type Literal = null | boolean | number | string | readonly Literal[] | { readonly [key: string]: Literal };

/** A Vega-Lite specification with Python's types, so that it prints as DVC prints it. */
export function toSpec(literal: Literal): PyValue {
  if (typeof literal === 'number') return Number.isInteger(literal) ? literal : new PyFloat(literal);
  if (literal === null || typeof literal !== 'object') return literal;
  if (Array.isArray(literal)) return (literal as readonly Literal[]).map(toSpec);
  return new Map(Object.entries(literal).map(([key, item]): [PyValue, PyValue] => [key, toSpec(item)]));
}

/** The placeholder that a template has where a value goes: `<DVC_METRIC_DATA>`. */
export function anchor(name: string): string {
  return `<DVC_METRIC_${name.toUpperCase()}>`;
}

/** True when the placeholder stands alone somewhere as a value. */
export function hasAnchor(spec: PyValue, name: string): boolean {
  return contains(spec, anchor(name));
}

function contains(value: PyValue, wanted: string): boolean {
  if (!(value instanceof Map)) return value === wanted;
  for (const item of value.values()) {
    // As DVC: one level of list is looked into, a list in a list is not.
    if (Array.isArray(item) ? item.some((inner) => contains(inner, wanted)) : contains(item, wanted)) return true;
  }
  return false;
}

/** A copy with every placeholder replaced; a text also where the placeholder is part of a longer text. */
export function fillAnchor(spec: PyMap, name: string, value: PyValue): PyMap {
  return fillMap(spec, anchor(name), value);
}

function fillMap(map: PyMap, wanted: string, value: PyValue): PyMap {
  const filled: PyMap = new Map();
  for (const [key, item] of map) {
    if (item instanceof Map) filled.set(key, fillMap(item, wanted, value));
    else if (Array.isArray(item)) filled.set(key, fillList(item, wanted, value));
    else if (item === wanted) filled.set(key, value);
    else if (typeof item === 'string' && typeof value === 'string')
      filled.set(
        key,
        item.replaceAll(wanted, () => value),
      );
    else filled.set(key, item);
  }
  return filled;
}

function fillList(list: readonly PyValue[], wanted: string, value: PyValue): PyValue[] {
  return list.map((item) => {
    if (item instanceof Map) return fillMap(item, wanted, value);
    if (Array.isArray(item)) return fillList(item, wanted, value);
    return item === wanted ? value : item;
  });
}
