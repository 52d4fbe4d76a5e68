import { didYouMean, MlopsError } from '../../base/index.ts';

/** What `--fields` and `--jq` leave of a JSON value. */
export interface JsonChoice {
  readonly fields?: string | undefined;
  readonly jq?: string | undefined;
}

/** The values to print, one after the other; texts among them are printed without quotes where `--jq` asked for them. */
export function selectJson(value: unknown, { fields, jq }: JsonChoice, isEvent = false): unknown[] {
  const plain = JSON.parse(JSON.stringify(value) ?? 'null') as unknown;
  const names = fields === undefined ? undefined : namesOf(fields);
  // Events are of many kinds: each shows what it has of the fields.
  const pickOne = isEvent && isObject(plain) ? pickPresent : pickFields;
  const picked = names === undefined ? plain : pickOne(plain as Record<string, unknown>, names);
  return jq === undefined ? [picked] : runPath(picked, jq);
}

function namesOf(fields: string): string[] {
  const names = fields.split(',').map((name) => name.trim());
  if (names.every((name) => name !== '')) return names;
  throw new MlopsError('usage', `--fields takes names by comma, got '${fields}'`);
}

/** Of each object of a list, of an object, or (where it has none of them) of the objects of its only list. */
function pickFields(value: unknown, names: readonly string[]): unknown {
  if (Array.isArray(value)) {
    const known = value.flatMap((item) => (isObject(item) ? Object.keys(item) : []));
    if (value.length > 0) checkNames(names, known);
    return value.map((item) => (isObject(item) ? pick(item, names) : item));
  }
  if (!isObject(value)) return value;
  const lists = Object.entries(value).filter(([, item]) => Array.isArray(item) && item.some(isObject));
  const [only] = lists;
  const here = names.some((name) => Object.hasOwn(value, name.split('.')[0] ?? ''));
  if (!here && only !== undefined && lists.length === 1) return { [only[0]]: pickFields(only[1], names) };
  checkNames(names, Object.keys(value));
  return pick(value, names);
}

function pickPresent(value: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => names.includes(key)));
}

function pick(value: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, valueAt(value, name)]));
}

/** A key with dots in it (`metrics.acc` of a run) goes before a way through objects. */
function valueAt(value: unknown, name: string): unknown {
  if (!isObject(value)) return null;
  if (Object.hasOwn(value, name)) return value[name] ?? null;
  for (let at = name.indexOf('.'); at > 0; at = name.indexOf('.', at + 1)) {
    const first = name.slice(0, at);
    if (Object.hasOwn(value, first)) return valueAt(value[first], name.slice(at + 1));
  }
  return null;
}

function checkNames(names: readonly string[], known: readonly string[]): void {
  const all = [...new Set(known)];
  for (const name of names) {
    if (all.some((key) => name === key || name.startsWith(`${key}.`))) continue;
    throw new MlopsError('usage', `there is no field '${name}'`, {
      hint: didYouMean(name, all) ?? `there are: ${all.join(', ')}`,
    });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Step =
  | { readonly kind: 'key'; readonly key: string; readonly optional: boolean }
  | { readonly kind: 'at'; readonly index: number }
  | { readonly kind: 'each' }
  | { readonly kind: 'length' }
  | { readonly kind: 'keys' };

/**
 * The paths of jq, a part of its language: `.`, `.a.b`, `."a b"`, `.["a b"]`, `.[0]`, `.[-1]`, `.[]`, `length`, `keys`,
 * one after the other by `|`. As in jq, what is absent is null.
 * @throws MlopsError `usage` with the place for anything else, and where a step does not fit the value.
 */
function runPath(value: unknown, path: string): unknown[] {
  let values: unknown[] = [value];
  for (const step of parsePath(path)) values = values.flatMap((item) => apply(item, step, path));
  return values;
}

const token =
  /\s*(?:(\|)|(length|keys)\b|\.?\[\s*(-?\d{1,9})\s*\]|\.?(\[\s*\])|\.?\[\s*("(?:[^"\\]|\\.)*")\s*\](\?)?|\.("(?:[^"\\]|\\.)*")(\?)?|\.([A-Za-z_][\w-]*)(\?)?|(\.)(?=\s|$|\||\[))/y;

function parsePath(path: string): Step[] {
  const steps: Step[] = [];
  token.lastIndex = 0;
  for (let end = 0; path.slice(end).trim() !== ''; end = token.lastIndex) {
    const match = token.exec(path);
    if (match === null) {
      throw new MlopsError('usage', `--jq '${path}' cannot be read at '${path.slice(end).trim()}'`, {
        hint: "a path is like '.runs[0].info.run_id', '.[].name' or '.models | length'",
      });
    }
    const [, , word, index, each, bracketed, bracketedOptional, quoted, quotedOptional, key, optional] = match;
    if (word === 'length' || word === 'keys') steps.push({ kind: word });
    else if (index !== undefined) steps.push({ kind: 'at', index: Number(index) });
    else if (each !== undefined) steps.push({ kind: 'each' });
    const name = bracketed ?? quoted;
    if (name !== undefined)
      steps.push({
        kind: 'key',
        key: textOf(name, path),
        optional: (bracketedOptional ?? quotedOptional) !== undefined,
      });
    else if (key !== undefined) steps.push({ kind: 'key', key, optional: optional !== undefined });
  }
  return steps;
}

function textOf(quoted: string, path: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new MlopsError('usage', `--jq '${path}': ${quoted} is no JSON text`);
  }
}

function apply(value: unknown, step: Step, path: string): unknown[] {
  if (step.kind === 'each') {
    if (Array.isArray(value)) return value as unknown[];
    if (isObject(value)) return Object.values(value);
  } else if (step.kind === 'at') {
    if (value === null) return [null];
    if (Array.isArray(value)) return [(value as unknown[]).at(step.index) ?? null];
  } else if (step.kind === 'key') {
    if (value === null) return [null];
    if (isObject(value)) return [Object.hasOwn(value, step.key) ? value[step.key] : null];
    if (step.optional) return [];
  } else if (step.kind === 'keys') {
    if (isObject(value)) return [Object.keys(value).sort()];
    if (Array.isArray(value)) return [value.map((_, i) => i)];
  } else if (value === null) return [0];
  else if (typeof value === 'string') return [Array.from(value).length];
  else if (typeof value === 'number') return [Math.abs(value)];
  else if (Array.isArray(value)) return [value.length];
  else if (isObject(value)) return [Object.keys(value).length];
  const kind =
    value === null ? 'null' : Array.isArray(value) ? 'a list' : isObject(value) ? 'an object' : `a ${typeof value}`;
  const wanted =
    step.kind === 'key'
      ? `'${step.key}'`
      : step.kind === 'at'
        ? `[${step.index}]`
        : step.kind === 'each'
          ? '[]'
          : step.kind;
  throw new MlopsError('usage', `--jq '${path}': ${kind} has no ${wanted}`);
}
