import { pythonEquals, type PyValue } from '../../base/index.ts';
import { dumpYaml } from './write.ts';

/** Steps from the top of a document: keys of mappings, indexes of lists. */
export type YamlPath = readonly (string | number)[];

export type YamlEdit =
  | { readonly op: 'set'; readonly path: YamlPath; readonly value: PyValue }
  | { readonly op: 'delete'; readonly path: YamlPath }
  | { readonly op: 'append'; readonly path: YamlPath; readonly value: PyValue };

/** The edits that turn one value into another. */
export function diffYaml(old: PyValue, value: PyValue, at: YamlPath = []): YamlEdit[] {
  if (old instanceof Map && value instanceof Map) {
    const changed = [...value].flatMap(([key, item]) => diffChild(old.get(key), item, [...at, keyStep(key)]));
    const gone = [...old.keys()].filter((key) => !value.has(key));
    return [...changed, ...gone.map((key): YamlEdit => ({ op: 'delete', path: [...at, keyStep(key)] }))];
  }
  if (Array.isArray(old) && Array.isArray(value)) {
    const kept = old.every((item, i) => i < value.length && same(item, value[i] ?? null));
    if (kept) return value.slice(old.length).map((item): YamlEdit => ({ op: 'append', path: at, value: item }));
    if (old.length === value.length) return value.flatMap((item, i) => diffChild(old[i], item, [...at, i]));
  }
  return same(old, value) ? [] : [{ op: 'set', path: at, value }];
}

function diffChild(old: PyValue | undefined, value: PyValue, path: YamlPath): YamlEdit[] {
  return old === undefined ? [{ op: 'set', path, value }] : diffYaml(old, value, path);
}

/** Equal to Python, and of the same type: 1 and 1.0 and true are written differently. */
function same(a: PyValue, b: PyValue): boolean {
  return pythonEquals(a, b) && dumpYaml(a) === dumpYaml(b);
}

function keyStep(key: PyValue): string | number {
  return typeof key === 'number' ? key : String(key);
}

/** The value with an edit applied; parts that do not change are shared with the old one. */
export function applyEdit(node: PyValue, edit: YamlEdit, depth: number): PyValue {
  const step = edit.path[depth];
  if (step === undefined) {
    if (edit.op === 'set') return edit.value;
    return edit.op === 'append' ? [...(Array.isArray(node) ? node : []), edit.value] : null;
  }
  const last = depth === edit.path.length - 1;
  if (Array.isArray(node)) {
    const list = [...node];
    if (edit.op === 'delete' && last) list.splice(Number(step), 1);
    else list[Number(step)] = applyEdit(list[Number(step)] ?? null, edit, depth + 1);
    return list;
  }
  const map = new Map(node instanceof Map ? node : []);
  if (edit.op === 'delete' && last) map.delete(step);
  else map.set(step, applyEdit(map.get(step) ?? null, edit, depth + 1));
  return map;
}
