import * as path from 'node:path';

import type { PyMap, PyValue } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';
import { ContextError, nodesOf, type TemplateContext } from './context.ts';
import { typeName } from './interpolate.ts';

/** How templating reads the files of a project. */
export interface VarsSource {
  kind(file: TreePath): 'file' | 'dir' | undefined;
  /** The content of a YAML, JSON, TOML or Python file; throws `MlopsError` when it cannot be read. */
  readData(file: TreePath): PyValue;
  /** The path as users see it, relative to where they stand. */
  display(file: TreePath): string;
}

/** The file beside every dvc.yaml whose values templating knows without being told. */
export const defaultParamsFile = 'params.yaml';

/**
 * Loads `vars` items into a context: mappings, files, and `file:key1,key2`. Paths are relative to `dir`.
 * With `withDefault`, `params.yaml` comes first where it exists. Throws `ContextError`.
 */
export function loadVars(
  context: TemplateContext,
  vars: readonly PyValue[],
  source: VarsSource,
  options: { readonly dir: TreePath; readonly stage?: string; readonly withDefault?: boolean },
): void {
  if (options.withDefault === true && source.kind(path.posix.join(options.dir, defaultParamsFile)) !== undefined) {
    loadFile(context, defaultParamsFile, source, options.dir);
  }
  for (const [index, item] of vars.entries()) {
    if (typeof item === 'string') loadFile(context, item, source, options.dir);
    else if (item instanceof Map) {
      const prefix = options.stage === undefined ? '' : `${options.stage}.`;
      context.merge(nodesOf(item, { source: `${prefix}vars[${index}]`, path: '', fromFile: false }));
    }
  }
}

function loadFile(context: TemplateContext, item: string, source: VarsSource, dir: TreePath): void {
  const colon = item.indexOf(':');
  const name = colon < 0 ? item : item.slice(0, colon);
  const file = path.posix.normalize(path.posix.join(dir, name));
  const keys =
    colon < 0
      ? []
      : item
          .slice(colon + 1)
          .split(',')
          .filter((key) => key !== '');
  const chosen = keys.length === 0 ? undefined : keys;
  const before = context.loaded.get(file);
  if (context.loaded.has(file)) {
    if (chosen === undefined && before === undefined) return;
    checkLoadedTwice(item, before, chosen);
  }
  const shown = source.display(file);
  const data = selectKeys(readMapping(file, shown, source), chosen, shown);
  context.merge(nodesOf(data, { source: shown, path: '', fromFile: true }), item);
  context.loaded.set(file, chosen === undefined ? undefined : [...(before ?? []), ...chosen]);
}

function checkLoadedTwice(
  item: string,
  before: readonly string[] | undefined,
  keys: readonly string[] | undefined,
): void {
  const partially = `cannot load '${item}' as it's partially loaded already`;
  if (keys === undefined) throw new ContextError('loaded', partially);
  if (before === undefined) {
    throw new ContextError('loaded', `cannot partially load '${item}' as it's already loaded.`);
  }
  if (keys.some((key) => before.includes(key))) throw new ContextError('loaded', partially);
}

function readMapping(file: TreePath, shown: string, source: VarsSource): PyMap {
  const kind = source.kind(file);
  if (kind === undefined) throw new ContextError('other', `'${shown}' does not exist`);
  if (kind === 'dir') throw new ContextError('other', `'${shown}' is a directory`);
  const data = source.readData(file);
  if (data instanceof Map) return data;
  throw new ContextError('other', `expected a dictionary, got '${typeName(data)}' in file '${shown}'`);
}

function selectKeys(data: PyMap, keys: readonly string[] | undefined, shown: string): PyMap {
  if (keys === undefined) return data;
  const selected: PyMap = new Map();
  for (const key of keys) {
    const value = data.get(key);
    if (value === undefined) throw new ContextError('other', `could not find '${key}' in '${shown}'`, key);
    selected.set(key, value);
  }
  return selected;
}
