import { compareCodePoints, type PyMap, type PyValue } from '../../base/index.ts';
import type { Tree, TreePath } from '../../git/index.ts';
import { contentInfoOf, lockEntryMap } from './content-entry.ts';
import { decodeText } from '../params/read.ts';
import { schema, type Check } from '../yaml/schema.ts';
import type { LockedStage, LockEntry } from './stage.ts';
import { pythonStr } from '../template/interpolate.ts';
import { defaultParamsFile } from '../template/vars.ts';
import { yamlSchemaError } from '../yaml/error.ts';
import { parseYaml, parseYamlWithPositions } from '../yaml/read.ts';

const { anything, text, flag, list, map, any, sequence } = schema;

const count: Check = (path, value) =>
  typeof value === 'number' || typeof value === 'bigint' ? [] : [{ path, message: 'expected int' }];

const digests = { md5: anything(), checksum: anything(), etag: anything() };
const facts = { size: count, nfiles: count, isexec: flag(), version_id: text() };

const lockEntry = map({
  required: { path: text() },
  optional: { ...digests, ...facts, cloud: anything(), files: sequence(anything()), hash: text(), dataset: anything() },
});

const lockStage = map({
  required: { cmd: any(text(), list()) },
  optional: {
    deps: sequence(lockEntry),
    params: map({ others: map({ others: anything() }) }),
    outs: sequence(lockEntry),
  },
});

const lockFile = map({
  required: {
    schema: (path, value) => (value === '2.0' ? [] : [{ path, message: 'invalid schema version' }]),
  },
  optional: { datasets: anything(), stages: map({ others: lockStage }) },
});

/** The name of the lock file of a dvc.yaml. */
export function lockFileOf(file: TreePath): TreePath {
  return file.replace(/\.[^./]+$/, '.lock');
}

/**
 * The stages of a dvc.lock by name; none when there is no such file.
 *
 * @throws MlopsError `bad_yaml`, `bad_project_file` in DVC's layout.
 */
export function readLockFile(tree: Tree, file: TreePath, shown: string = file): Map<string, LockedStage> {
  const bytes = tree.read(file);
  return bytes === undefined ? new Map() : parseLockFile(decodeText(bytes, shown), shown);
}

/** As `readLockFile`, of a text. */
export function parseLockFile(source: string, shown: string): Map<string, LockedStage> {
  const stages = new Map<string, LockedStage>();
  // An empty file is an empty mapping, which lacks its schema.
  const data = parseYaml(source, shown) ?? new Map<PyValue, PyValue>();
  const errors = lockFile([], data);
  if (errors.length > 0) throw yamlSchemaError(shown, source, errors, parseYamlWithPositions(source, shown).locate);
  const section = data instanceof Map ? data.get('stages') : undefined;
  for (const [name, entry] of section instanceof Map ? section : []) {
    if (entry instanceof Map) stages.set(pythonStr(name), lockedStageOf(entry));
  }
  return stages;
}

/** Undefined when a mapping is no valid entry of a stage (used for run-cache files). */
export function parseLockedStage(value: PyValue): LockedStage | undefined {
  return lockStage([], value).length === 0 && value instanceof Map ? lockedStageOf(value) : undefined;
}

function lockedStageOf(entry: PyMap): LockedStage {
  const cmd = entry.get('cmd');
  const params = new Map<string, PyMap>();
  const section = entry.get('params');
  for (const [file, values] of section instanceof Map ? section : []) {
    if (values instanceof Map) params.set(pythonStr(file), values);
  }
  return {
    cmd: Array.isArray(cmd) ? cmd.map(pythonStr) : typeof cmd === 'string' ? cmd : undefined,
    deps: entriesOf(entry.get('deps')),
    params,
    outs: entriesOf(entry.get('outs')),
  };
}

function entriesOf(section: PyValue | undefined): LockEntry[] {
  const items = Array.isArray(section) ? section : [];
  return items.flatMap((item): LockEntry[] => {
    if (!(item instanceof Map)) return [];
    const info = contentInfoOf(item) ?? { hashName: item.has('hash') ? 'md5' : 'md5-dos2unix' };
    return [{ path: pythonStr(item.get('path') ?? null), info }];
  });
}

/**
 * A stage as dvc.lock and the run-cache hold it: deps and outs sorted by path, `params.yaml` before other
 * files, top-level keys of params sorted, empty parts left out.
 */
export function lockedStageMap(stage: LockedStage): PyMap {
  const result: PyMap = new Map();
  const { cmd } = stage;
  if (cmd !== undefined) result.set('cmd', typeof cmd === 'string' ? cmd : [...cmd]);
  const sorted = (entries: readonly LockEntry[]): PyMap[] =>
    [...entries].sort((a, b) => compareCodePoints(a.path, b.path)).map(lockEntryMap);
  if (stage.deps.length > 0) result.set('deps', sorted(stage.deps));
  if (stage.params.size > 0) result.set('params', paramsMap(stage.params));
  if (stage.outs.length > 0) result.set('outs', sorted(stage.outs));
  return result;
}

function paramsMap(params: ReadonlyMap<string, PyMap>): PyMap {
  const files = [...params.keys()].sort(compareCodePoints);
  const first = files.filter((file) => file === defaultParamsFile);
  const rest = files.filter((file) => file !== defaultParamsFile);
  return new Map([...first, ...rest].map((file) => [file, sortedKeys(params.get(file) ?? new Map())]));
}

function sortedKeys(values: PyMap): PyMap {
  return new Map([...values].sort(([a], [b]) => compareCodePoints(pythonStr(a), pythonStr(b))));
}
