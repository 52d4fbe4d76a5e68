import * as path from 'node:path';

import {
  didYouMean,
  isMlopsError,
  keepingLineEnds,
  MlopsError,
  pythonEquals,
  pythonJson,
  type PyValue,
} from '../../base/index.ts';
import {
  editPythonParam,
  editToml,
  editYaml,
  flattenParams,
  parseDataFile,
  sameValue,
  valueWith,
  type YamlPath,
} from '../../project/index.ts';

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

/** Keys of mappings as they were read (a key 2020 is a number), indexes of lists. */
type Steps = YamlPath;

/** The text of a params file with one override applied. */
export function editParams(text: string, given: Override): string {
  const data = parseDataFile(text, given.file);
  return editAt(text, data, given.key.split('.'), {
    ...given,
    value: interpolated(given.value, data, given.key),
  });
}

function editAt(text: string, data: PyValue, steps: Steps, override: Override): string {
  const { file, action, value } = override;
  // Mappings are merged, key by key.
  if (value instanceof Map && valueAt(data, steps) instanceof Map && action !== 'remove') {
    const inner = { ...override, action: action === 'add' ? 'put' : action } as const;
    return [...value].reduce((now, [key, item]) => {
      const own = typeof key === 'number' ? key : String(key);
      return editAt(now, parseDataFile(now, file), [...steps, own], { ...inner, value: item });
    }, text);
  }
  check(data, steps, override);
  const place = steps.map((step, index) => (Array.isArray(valueAt(data, steps.slice(0, index))) ? Number(step) : step));
  const wanted = valueWith(data, place, action === 'remove' ? undefined : value);
  const edit = editors[path.extname(file).toLowerCase()] ?? editYamlParams;
  return keepingLineEnds(text, (plain) => {
    const result = edit({ text: plain, data, place, override, wanted });
    return result !== undefined && says(result, file, wanted) ? result : refuse(override, place);
  });
}

interface ParamsEdit {
  readonly text: string;
  readonly data: PyValue;
  readonly place: Steps;
  readonly override: Override;
  /** What the file is to say. */
  readonly wanted: PyValue;
}

/** By extension; undefined where the format's text cannot be changed so. */
const editors: Readonly<Record<string, (edit: ParamsEdit) => string | undefined>> = {
  '.json': ({ wanted }) => pythonJson(wanted, false),
  '.toml': ({ text, place, override }) =>
    editToml(text, place, override.action === 'remove' ? undefined : override.value),
  '.py': ({ text, place, override }) =>
    override.action === 'remove' ? undefined : editPythonParam(text, place.map(String), override.value),
};

function editYamlParams({ text, data, place, override }: ParamsEdit): string {
  const { file, action, value } = override;
  if (action === 'remove') return editYaml(text, file, [{ op: 'delete', path: place }]);
  const missing = place.findIndex((_, index) => valueAt(data, place.slice(0, index + 1)) === undefined);
  if (missing < 0 || missing === place.length - 1) return editYaml(text, file, [{ op: 'set', path: place, value }]);
  const nested = place.slice(missing + 1).reduceRight<PyValue>((inner, step) => new Map([[step, inner]]), value);
  return editYaml(text, file, [{ op: 'set', path: place.slice(0, missing + 1), value: nested }]);
}

function says(text: string, file: string, wanted: PyValue): boolean {
  try {
    return sameValue(parseDataFile(text, file), wanted);
  } catch (error) {
    if (isMlopsError(error)) return false;
    throw error;
  }
}

function refuse({ file, action }: Override, place: Steps): never {
  const doing = action === 'remove' ? 'removed from' : 'changed in';
  throw new MlopsError('bad_params', `'${place.join('.')}' cannot be ${doing} '${file}' by a command`, {
    hint: 'edit the file by hand',
  });
}

function check(data: PyValue, steps: Steps, override: Override): void {
  const { action, file, only } = override;
  const key = steps.join('.');
  const old = valueAt(data, steps);
  const exists = old !== undefined;
  if (exists && only !== undefined && !pythonEquals(old, only)) {
    throw new MlopsError(
      'bad_params',
      `Could not delete from config. The value of '${key}' is ${pythonJson(old)} and not ${pythonJson(only)}.`,
    );
  }
  if (action === 'remove' && old === null) {
    throw new MlopsError('bad_params', `Could not delete from config. '${key}' does not exist.`, {
      hint: `it is null in '${file}'; remove the line by hand`,
    });
  }
  if ((action === 'set' || action === 'remove') && !exists) {
    throw new MlopsError('bad_params', `Could not override '${key}'.\nKey '${key}' is not in '${file}'.`, {
      hint: missingHint(data, steps),
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

function missingHint(data: PyValue, steps: Steps): string {
  const key = steps.join('.');
  const parent = valueAt(data, steps.slice(0, -1));
  const last = String(steps.at(-1));
  if (parent instanceof Map && [...parent.keys()].some((own) => typeof own !== 'string' && String(own) === last)) {
    return `the key ${last} there is a number or another value that is no text: put it in quotes, or set the whole mapping`;
  }
  const known = data instanceof Map ? flattenParams(data).keys() : [];
  return didYouMean(key, known) ?? `to add a new key use -S '+${key}=...'`;
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
  return withReferences(value, (name) => {
    const found = find(name);
    return typeof found === 'string' ? found : pythonJson(found);
  });
}

/** Each `${name}` of a text replaced. (A regular expression would look for the brace again after each `${`.) */
export function withReferences(text: string, replace: (name: string) => string): string {
  let result = '';
  let done = 0;
  for (let start = text.indexOf('${'); start >= 0; start = text.indexOf('${', Math.max(done, start + 2))) {
    const close = text.indexOf('}', start + 2);
    if (close < 0) break;
    if (close === start + 2) continue;
    result += text.slice(done, start) + replace(text.slice(start + 2, close));
    done = close + 1;
  }
  return result + text.slice(done);
}

/** Undefined only where there is nothing: null is a value. Texts of `-S` name texts, as in DVC, and no numbers. */
function valueAt(data: PyValue, steps: Steps): PyValue | undefined {
  return steps.reduce<PyValue | undefined>((value, step) => {
    if (value instanceof Map) return value.get(step);
    return Array.isArray(value) ? value[Number(step)] : undefined;
  }, data);
}
