import { didYouMean, MlopsError, PyFloat, type PyValue } from '../../base/index.ts';
import type { Tree } from '../../git/index.ts';
import { parseYaml } from '../yaml/read.ts';

/** The committed settings of `mlops.yaml`, with their defaults filled in. */
export interface Settings {
  readonly record: {
    /** False: `repro` records nothing unless asked. Default true. */
    readonly enabled: boolean;
    /** Experiment that runs are recorded in; default the project folder's name. */
    readonly experiment: string | undefined;
    /** True: runs that a stage's script starts become part of the recorded run instead of its children. */
    readonly join: boolean;
    /** Metrics, plots and params files up to this size are copied into the run, in bytes. Default 10 MiB. */
    readonly maxFileSize: number;
  };
}

const defaults: Settings = {
  record: { enabled: true, experiment: undefined, join: false, maxFileSize: 10 * 1024 * 1024 },
};

const recordKeys = ['enabled', 'experiment', 'join', 'max_file_size'];

/**
 * Reads `mlops.yaml` at the root of a project; without that file the defaults hold.
 * @throws MlopsError `bad_config` for an unknown key or a wrong type, `bad_yaml` for a broken file.
 */
export function readSettings(tree: Tree): Settings {
  const bytes = tree.read('mlops.yaml');
  if (bytes === undefined) return defaults;
  const value = parseYaml(new TextDecoder().decode(bytes), 'mlops.yaml');
  if (value === null) return defaults;
  const top = section(value, 'the file', ['record']);
  const record = section(top.get('record') ?? new Map(), 'record', recordKeys);
  return {
    record: {
      enabled: flag(record, 'enabled') ?? defaults.record.enabled,
      experiment: text(record, 'experiment'),
      join: flag(record, 'join') ?? defaults.record.join,
      maxFileSize: count(record, 'max_file_size') ?? defaults.record.maxFileSize,
    },
  };
}

function section(value: PyValue, name: string, known: readonly string[]): ReadonlyMap<PyValue, PyValue> {
  if (!(value instanceof Map)) throw wrong(`${name} is not a mapping`);
  for (const key of value.keys()) {
    if (typeof key === 'string' && known.includes(key)) continue;
    throw wrong(
      `unknown key '${String(key)}' in ${name}`,
      didYouMean(String(key), known) ?? `known keys: ${known.join(', ')}`,
    );
  }
  return value;
}

function flag(record: ReadonlyMap<PyValue, PyValue>, key: string): boolean | undefined {
  const value = record.get(key);
  if (value === undefined || typeof value === 'boolean') return value;
  throw wrong(`record.${key} is true or false`);
}

function text(record: ReadonlyMap<PyValue, PyValue>, key: string): string | undefined {
  const value = record.get(key);
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw wrong(`record.${key} is a text`);
}

function count(record: ReadonlyMap<PyValue, PyValue>, key: string): number | undefined {
  const value = record.get(key);
  if (value === undefined || (typeof value === 'number' && value >= 0)) return value;
  throw wrong(
    `record.${key} is a number of bytes, got ${value instanceof PyFloat ? value.toString() : JSON.stringify(value)}`,
  );
}

function wrong(message: string, hint?: string): MlopsError {
  return new MlopsError('bad_config', `mlops.yaml: ${message}`, { where: 'mlops.yaml', hint });
}
