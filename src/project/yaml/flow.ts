import type { PyMap, PyValue } from '../../base/index.ts';
import { YamlEmitter } from './emit.ts';
import { plainText } from './write.ts';

/** A value on one line, as YAML writes it inside `[...]` and `{...}`. */
export function flowYaml(value: PyValue): string {
  if (Array.isArray(value)) return `[${value.map(flowItem).join(', ')}]`;
  return value instanceof Map ? `{${flowPairs(value)}}` : flowScalar(value);
}

/** In a list, ruamel leaves the braces of a mapping of one key away. */
function flowItem(value: PyValue): string {
  return value instanceof Map && value.size === 1 ? flowPairs(value) : flowYaml(value);
}

function flowPairs(map: PyMap): string {
  return [...map].map(([key, item]) => `${flowScalar(key)}: ${flowYaml(item)}`).join(', ');
}

function flowScalar(value: PyValue): string {
  if (value === null) return 'null';
  if (typeof value !== 'string')
    return Array.isArray(value) || value instanceof Map ? flowYaml(value) : plainText(value);
  const emitter = new YamlEmitter();
  emitter.string(value, { flow: true, key: true });
  return emitter.text();
}
