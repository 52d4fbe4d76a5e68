import * as path from 'node:path';

import { isMlopsError, MlopsError, PyDate, PyFloat, type PyMap, type PyValue } from '../../base/index.ts';
import type { Tree, TreePath } from '../../git/index.ts';
import { parsePythonJson } from './json.ts';
import { getParam } from './keys.ts';
import { parsePythonParams } from './python.ts';
import { parseToml } from './toml.ts';
import { parseYaml } from '../yaml/read.ts';

/**
 * Parses the text of a params or metrics file by its extension: `.toml`, `.json`, `.py`, anything else
 * YAML. An empty YAML file is an empty mapping.
 *
 * @param file the name that errors show.
 * @throws MlopsError `bad_params` (or `bad_yaml`) with the place.
 */
export function parseDataFile(text: string, file: string): PyValue {
  const extension = path.posix.extname(file).toLowerCase();
  const parser = { '.toml': parseToml, '.json': parsePythonJson, '.py': parsePythonParams }[extension];
  if (parser === undefined) return parseYaml(text, file) ?? new Map();
  try {
    return parser(text);
  } catch (error) {
    if (!isMlopsError(error)) throw error;
    throw new MlopsError('bad_params', `Unable to read parameters from '${file}': ${error.message}`, { cause: error });
  }
}

/** Reads and parses a data file of a tree; undefined when there is no such file. */
export function readDataFile(tree: Tree, file: TreePath, shown: string = file): PyValue | undefined {
  const bytes = tree.read(file);
  if (bytes === undefined) return undefined;
  return parseDataFile(decodeText(bytes, shown), shown);
}

/** UTF-8 text; throws `bad_params` for anything else, naming the file. */
export function decodeText(bytes: Uint8Array, shown: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new MlopsError('bad_params', `'${shown}' is not valid utf-8: it cannot be read as text`, { cause: error });
  }
}

/**
 * The current values of a stage's params: the chosen dotted keys that exist, or the whole top level in
 * file order. An absent file gives an empty map.
 */
export function currentParams(data: PyValue | undefined, keys: readonly string[] | undefined): PyMap {
  const values: PyMap = new Map();
  if (data === undefined) return values;
  if (keys === undefined) return data instanceof Map ? data : values;
  for (const key of keys) {
    const value = getParam(data, key);
    if (value !== undefined) values.set(key, value);
  }
  return values;
}

/**
 * Values as dvc.lock keeps them: throws `bad_params` for dates, which neither YAML hashes nor DVC accept.
 */
export function checkRecordable(value: PyValue, where: string): void {
  if (value instanceof PyDate) {
    throw new MlopsError('bad_params', `unexpected error - Unsupported value of type 'date' in '${where}'`, {
      hint: 'put the date in quotes, so that it is a string',
    });
  }
  if (value instanceof PyFloat) return;
  if (Array.isArray(value)) for (const item of value) checkRecordable(item, where);
  else if (value instanceof Map) for (const item of value.values()) checkRecordable(item, where);
}
