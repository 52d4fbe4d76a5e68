import type { PyValue } from '../../base/index.ts';
import { YamlEmitter } from './emit.ts';
import { plainText } from './write.ts';

/** A value on one line, as YAML writes it inside `[...]` and `{...}`. */
export function flowYaml(value: PyValue): string {
  if (Array.isArray(value)) return `[${value.map(flowYaml).join(', ')}]`;
  if (value instanceof Map) {
    return `{${[...value].map(([key, item]) => `${flowScalar(key)}: ${flowYaml(item)}`).join(', ')}}`;
  }
  return flowScalar(value);
}

function flowScalar(value: PyValue): string {
  if (value === null) return 'null';
  if (typeof value !== 'string')
    return Array.isArray(value) || value instanceof Map ? flowYaml(value) : plainText(value);
  const emitter = new YamlEmitter();
  emitter.string(value, { flow: true, key: true });
  return emitter.text();
}
