import * as fs from 'node:fs';
import * as path from 'node:path';

import {
  didYouMean,
  MlopsError,
  pythonEquals,
  pythonJson,
  writeFileAtomic,
  type PyMap,
  type PyValue,
} from '../../base/index.ts';
import { defaultParamsFile, editYaml, flattenParams, parseDataFile } from '../../project/index.ts';
import { parseOverrideValue } from './override-grammar.ts';

/** One assignment of `-S`: what to do with a dotted key of a params file. */
export interface Override {
  readonly file: string;
  readonly key: string;
  /** `set` wants the key to exist, `add` wants it not to, `put` does not care. */
  readonly action: 'set' | 'add' | 'put' | 'remove';
  readonly value: PyValue;
  /** Removes only this value. */
  readonly only?: PyValue;
}

/**
 * Reads `[file:]key=value`, `+key=value`, `++key=value`, `~key`, `~key=value`. Values with commas, `choice(a, b)` and
 * `range(1, 4)` stand for several: the result has one list of overrides for each combination.
 *
 * @throws MlopsError `usage` for anything else.
 */
export function parseOverrides(texts: readonly string[]): Override[][] {
  let combinations: Override[][] = [[]];
  for (const text of texts) {
    const choices = parseOverride(text);
    combinations = combinations.flatMap((done) => choices.map((choice) => [...done, choice]));
  }
  return combinations;
}

function parseOverride(text: string): Override[] {
  const match = /^(?:([^=:]+):)?(\+\+|\+|~)?([\w$-]+(?:\.[\w$-]+)*)(?:=([\s\S]*))?$/.exec(text);
  const [, file = defaultParamsFile, sign = '', key = '', value] = match ?? [];
  if (match === null || (value === undefined && sign !== '~')) {
    throw new MlopsError('usage', `'${text}' is no override`, {
      exit: 255,
      hint: 'write -S key=value or -S file:key=value',
    });
  }
  const parsed = value === undefined ? undefined : parseOverrideValue(value);
  if (sign === '~') {
    const only = parsed !== undefined && 'one' in parsed ? parsed.one : undefined;
    return [{ file, key, action: 'remove', value: null, ...(only === undefined || only === '' ? {} : { only }) }];
  }
  const action = sign === '' ? 'set' : sign === '+' ? 'add' : 'put';
  const values = parsed === undefined ? [] : 'one' in parsed ? [parsed.one] : parsed.sweep;
  return values.map((each) => ({ file, key, action, value: each }));
}

/** Writes overrides into params files below a folder; comments and layout of YAML files stay. */
export function applyOverrides(root: string, overrides: readonly Override[]): void {
  for (const override of overrides) {
    const file = path.join(root, override.file);
    if (!fs.existsSync(file)) {
      throw new MlopsError('bad_params', `params file '${override.file}' does not exist`, {
        hint: 'make it, or name another with -S file:key=value',
      });
    }
    const text = fs.readFileSync(file, 'utf8');
    writeFileAtomic(file, editParams(text, override));
  }
}

/** The text of a params file with one override applied. */
export function editParams(text: string, given: Override): string {
  const extension = path.extname(given.file).toLowerCase();
  const data = parseDataFile(text, given.file);
  const override = { ...given, value: interpolated(given.value, data, given.key) };
  const old = valueAt(data, override.key.split('.'));
  // Mappings are merged, key by key.
  if (override.value instanceof Map && old instanceof Map && override.action !== 'remove') {
    const action = override.action === 'add' ? 'put' : override.action;
    return [...override.value].reduce(
      (now, [key, value]) => editParams(now, { ...override, action, key: `${override.key}.${String(key)}`, value }),
      text,
    );
  }
  const steps = override.key.split('.');
  check(data, steps, override);
  if (extension === '.toml' || extension === '.py') return editAssignment(text, override, extension);
  if (extension === '.json') return pythonJson(withValue(data, steps, override), false);
  const path_ = steps.map((step, index) => listStep(data, steps.slice(0, index), step));
  if (override.action === 'remove') return editYaml(text, override.file, [{ op: 'delete', path: path_ }]);
  const missing = steps.findIndex((_, index) => valueAt(data, steps.slice(0, index + 1)) === undefined);
  if (missing < 0 || missing === steps.length - 1) {
    return editYaml(text, override.file, [{ op: 'set', path: path_, value: override.value }]);
  }
  const nested = steps
    .slice(missing + 1)
    .reduceRight<PyValue>((inner, step) => new Map([[step, inner]]), override.value);
  return editYaml(text, override.file, [{ op: 'set', path: path_.slice(0, missing + 1), value: nested }]);
}

function check(data: PyValue, steps: readonly string[], override: Override): void {
  const old = valueAt(data, steps);
  const exists = old !== undefined;
  const { action, key, only } = override;
  if (exists && only !== undefined && !pythonEquals(old, only)) {
    throw new MlopsError(
      'bad_params',
      `Could not delete from config. The value of '${key}' is ${pythonJson(old)} and not ${pythonJson(only)}.`,
    );
  }
  if ((action === 'set' || action === 'remove') && !exists) {
    const known = data instanceof Map ? flattenParams(data).keys() : [];
    throw new MlopsError('bad_params', `Could not override '${key}'.\nKey '${key}' is not in '${override.file}'.`, {
      hint: didYouMean(key, known) ?? `to add a new key use -S '+${key}=...'`,
    });
  }
  const parent = valueAt(data, steps.slice(0, -1));
  if (Array.isArray(parent) && (action === 'remove' || !exists)) {
    throw new MlopsError('bad_params', `'${key}' is an item of a list, which can only be replaced.`, {
      hint: `set the whole list: -S '${steps.slice(0, -1).join('.')}=[...]'`,
    });
  }
  if (action === 'add' && exists && old !== null && !Array.isArray(override.value)) {
    throw new MlopsError('bad_params', `Could not append to config. An item is already at '${key}'.`, {
      hint: `use -S '++${key}=...' to add or replace`,
    });
  }
}

/** `${key}` in a value stands for another value of the same file. */
function interpolated(value: PyValue, data: PyValue, own: string): PyValue {
  if (Array.isArray(value)) return value.map((item) => interpolated(item, data, own));
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, interpolated(item, data, own)]));
  if (typeof value !== 'string') return value;
  const find = (name: string): PyValue => {
    if (name.trim() === own) throw new MlopsError('bad_params', `'${own}' cannot stand for itself`);
    const found = valueAt(data, name.trim().split('.'));
    if (found === undefined) throw new MlopsError('bad_params', `Interpolation key '${name.trim()}' not found`);
    return found;
  };
  const whole = /^\$\{([^}]+)\}$/.exec(value)?.[1];
  if (whole !== undefined) return find(whole);
  return value.replace(/\$\{([^}]+)\}/g, (_, name: string) => {
    const found = find(name);
    return typeof found === 'string' ? found : pythonJson(found);
  });
}

function valueAt(data: PyValue, steps: readonly string[]): PyValue | undefined {
  return steps.reduce<PyValue | undefined>((value, step) => {
    if (value instanceof Map) return value.get(step) ?? value.get(Number(step));
    return Array.isArray(value) ? value[Number(step)] : undefined;
  }, data);
}

function listStep(data: PyValue, before: readonly string[], step: string): string | number {
  return Array.isArray(valueAt(data, before)) ? Number(step) : step;
}

function withValue(data: PyValue, steps: readonly string[], override: Override): PyValue {
  const [step = '', ...rest] = steps;
  if (Array.isArray(data)) {
    return data.map((item, index) => (index === Number(step) ? withChild(item, rest, override) : item));
  }
  const map: PyMap = new Map(data instanceof Map ? data : []);
  if (rest.length === 0 && override.action === 'remove') map.delete(step);
  else map.set(step, withChild(map.get(step) ?? new Map(), rest, override));
  return map;
}

function withChild(value: PyValue, rest: readonly string[], override: Override): PyValue {
  return rest.length === 0 ? override.value : withValue(value, rest, override);
}

/** TOML and Python: the right-hand side of the one line that assigns the key. */
function editAssignment(text: string, override: Override, extension: string): string {
  const { key, value } = override;
  const name = key.slice(key.lastIndexOf('.') + 1);
  const literal = literalOf(value, extension);
  const lines = text.split('\n');
  const found = lines.flatMap((line, index) => {
    const match = new RegExp(`^(\\s*(?:self\\.)?${name}\\s*(?::[^=]+)?=\\s*)([^#]*?)(\\s*#.*)?$`).exec(line);
    if (match === null) return [];
    lines[index] = `${match[1]}${literal}${match[3] ?? ''}`;
    const edited = lines.join('\n');
    lines[index] = line;
    return [edited];
  });
  // Of several lines with that name, the right one is the one that changes this key and nothing else.
  const right = found.find((edited) => valueAt(parseDataFile(edited, override.file), key.split('.')) !== undefined);
  const matches = found.filter((edited) => {
    const now = valueAt(parseDataFile(edited, override.file), key.split('.'));
    return now !== undefined && pythonJson(now) === pythonJson(value);
  });
  const [result] = matches.length > 0 ? matches : right === undefined ? [] : [right];
  if (result === undefined || override.action === 'remove') {
    throw new MlopsError('bad_params', `'${key}' cannot be changed in '${override.file}' by a command`, {
      hint: 'edit the file by hand',
    });
  }
  return result;
}

function literalOf(value: PyValue, extension: string): string {
  if (extension === '.py' && value === null) return 'None';
  if (extension === '.py' && typeof value === 'boolean') return value ? 'True' : 'False';
  return pythonJson(value, false);
}
