import { didYouMean, type PyValue } from '../../base/index.ts';

export type SchemaPath = readonly PyValue[];

export interface SchemaError {
  readonly path: SchemaPath;
  readonly message: string;
  /** The key that was meant, as a sentence. */
  readonly hint?: string | undefined;
}

/** Finds what is wrong with a value at a path; nothing for a valid one. */
export type Check = (path: SchemaPath, value: PyValue) => readonly SchemaError[];

/**
 * Schemas that report the same errors in the same order as the validation library DVC uses: of several
 * alternatives the one that got deepest speaks, and an error deeper than a list item ends that list.
 */
export const schema = { anything, text, flag, list, textMap, map, any, nothing, sequence };

function fail(path: SchemaPath, message: string): readonly SchemaError[] {
  return [{ path, message }];
}

const valid: readonly SchemaError[] = [];

function anything(): Check {
  return () => valid;
}

function text(): Check {
  return (path, value) => (typeof value === 'string' ? valid : fail(path, 'expected str'));
}

function flag(): Check {
  return (path, value) => (typeof value === 'boolean' ? valid : fail(path, 'expected bool'));
}

/** Any list. */
function list(): Check {
  return (path, value) => (Array.isArray(value) ? valid : fail(path, 'expected list'));
}

/** Any mapping. */
function textMap(): Check {
  return (path, value) => (value instanceof Map ? valid : fail(path, 'expected dict'));
}

function nothing(): Check {
  return (path, value) => (value === null ? valid : fail(path, 'not a valid value'));
}

/** A list of items each of which passes. */
function sequence(item: Check): Check {
  return (path, value) => {
    if (!Array.isArray(value)) return fail(path, 'expected a list');
    const errors: SchemaError[] = [];
    for (const [index, entry] of value.entries()) {
      const at = [...path, index];
      const found = item(at, entry);
      const [first] = found;
      if (first === undefined) continue;
      if (first.path.length > at.length) return found;
      errors.push(first);
    }
    return errors;
  };
}

function any(...checks: readonly Check[]): Check {
  return (path, value) => {
    let best: readonly SchemaError[] | undefined;
    for (const check of checks) {
      const errors = check(path, value);
      if (errors.length === 0) return valid;
      if (best === undefined || depth(errors) > depth(best)) best = errors;
    }
    return best ?? fail(path, 'no valid value found');
  };
}

function depth(errors: readonly SchemaError[]): number {
  return errors[0]?.path.length ?? 0;
}

export interface MapSchema {
  readonly required?: Readonly<Record<string, Check>>;
  readonly optional?: Readonly<Record<string, Check>>;
  /** What every other string key must hold; without it other keys are errors. */
  readonly others?: Check;
  /** Allows keys that are not listed. */
  readonly open?: boolean;
  /** `others` must occur at least once. */
  readonly notEmpty?: boolean;
}

function map(shape: MapSchema): Check {
  const known = new Map(Object.entries({ ...shape.required, ...shape.optional }));
  return (path, value) => {
    if (!(value instanceof Map)) return fail(path, 'expected a dictionary');
    const errors: SchemaError[] = [];
    for (const [key, item] of value) errors.push(...checkEntry(shape, known, [...path, key], item));
    for (const key of Object.keys(shape.required ?? {})) {
      if (!value.has(key)) errors.push({ path: [...path, key], message: 'required key not provided' });
    }
    return errors;
  };
}

function checkEntry(
  shape: MapSchema,
  known: ReadonlyMap<string, Check>,
  path: SchemaPath,
  item: PyValue,
): readonly SchemaError[] {
  const key = path.at(-1) ?? null;
  const check = typeof key === 'string' ? known.get(key) : undefined;
  if (check !== undefined) return check(path, item);
  if (shape.others !== undefined) {
    return typeof key === 'string' ? shape.others(path, item) : fail(path, 'expected str');
  }
  if (shape.open === true) return valid;
  const hint = didYouMean(String(key), [...known.keys()]);
  return [{ path, message: 'extra keys not allowed', hint }];
}
