import { createRequire } from 'node:module';
import type * as TomlPatch from '@decimalturn/toml-patch';

import { floatRepr, MlopsError, PyFloat, type PyValue } from '../../base/index.ts';

/**
 * Sets the value under a path of keys and list indexes, or removes it (`undefined`); missing tables are made.
 * Comments and layout of everything else stay.
 *
 * @throws MlopsError `bad_params` for null, of which TOML has none.
 */
export function editToml(text: string, path: readonly (string | number)[], value: PyValue | undefined): string {
  // Loaded here and only here: few projects keep their params in TOML.
  const { parse, patch, TomlFormat } = createRequire(import.meta.url)('@decimalturn/toml-patch') as typeof TomlPatch;
  const data = parse(text) as Node;
  const floats: string[] = [];
  let node = data;
  for (const step of path.slice(0, -1)) {
    const next = node[step];
    node = (isNode(next) ? next : (node[step] = {})) as Node;
  }
  const last = path.at(-1) ?? '';
  if (value !== undefined) node[last] = plain(value, floats);
  else if (Array.isArray(node)) node.splice(Number(last), 1);
  else delete node[last];
  // As tomlkit, which DVC writes with: `[1, 2]`.
  const format = Object.assign(TomlFormat.autoDetectFormat(text), { bracketSpacing: false });
  const patched = patch(text, data, format);
  return floats.reduce((result, float, index) => result.replace(`"${placeholder(index)}"`, float), patched);
}

type Node = Record<string | number, unknown>;

function isNode(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** JavaScript cannot tell 2.0 from 2, so floats are put in as texts that stand for them. */
function plain(value: PyValue, floats: string[]): unknown {
  if (value === null) {
    throw new MlopsError('bad_params', 'TOML has no null', { hint: 'remove the key instead: -S ~KEY' });
  }
  if (value instanceof PyFloat) return placeholder(floats.push(floatRepr(value.value)) - 1);
  if (Array.isArray(value)) return value.map((item) => plain(item, floats));
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item, floats)]));
  }
  return value;
}

function placeholder(index: number): string {
  return `mlops:float:${index}:b8f1c2`;
}
