import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, pythonJson, writeFileAtomic, type PyMap, type PyValue } from '../../base/index.ts';
import {
  dumpYaml,
  lockedStageMap,
  parseLockedStage,
  parseYaml,
  type LockedStage,
  type Stage,
} from '../../project/index.ts';
import { namesIn } from '../guard/note-file.ts';
import { isUrl } from '../open/pipeline-project.ts';
import { isCallback } from './stage-changes.ts';

/**
 * The run-cache: what stages made before, by what they were made from. Files are shared with DVC, also
 * through remotes: `<cache>/runs/<2 hex>/<key>/<value>` holds the stage as in dvc.lock; both names are
 * SHA-256 of Python's JSON of it.
 */
export interface RunCache {
  /** What a stage with this command, deps and params made last; undefined when it never ran. */
  find(wanted: LockedStage): LockedStage | undefined;
  save(made: LockedStage): void;
}

/** @param directory `runs` in the cache folder. `onWarning` is told about entries that are broken, and removed. */
export function openRunCache(directory: string, onWarning: (message: string) => void = () => undefined): RunCache {
  return {
    find(wanted) {
      const folder = folderOf(directory, wanted);
      const newest = newestEntry(folder);
      return newest === undefined ? undefined : load(path.join(folder, newest), onWarning);
    },
    save(made) {
      const file = path.join(folderOf(directory, made), runValue(made));
      if (fs.existsSync(file) && load(file, onWarning) !== undefined) return;
      fs.mkdirSync(path.dirname(file), { recursive: true });
      writeFileAtomic(file, dumpYaml(lockedStageMap(made)));
    },
  };
}

/** True when what a stage makes is determined by what it reads, as far as DVC can know. */
export function isCacheable(stage: Stage): boolean {
  if (isCallback(stage) || stage.alwaysChanged || stage.cmd === undefined) return false;
  if (stage.deps.length + stage.params.length === 0 || stage.outs.length === 0) return false;
  if (stage.deps.some((dep) => isUrl(dep.defPath) || dep.repo !== undefined)) return false;
  return stage.outs.every((out) => out.path !== undefined && !out.persist);
}

/** The name of the folder for everything made from the same command, deps and params. */
export function runKey(stage: LockedStage): string {
  const map = withoutSizes(lockedStageMap(stage)) as PyMap;
  const outs = lockedStageMap(stage).get('outs');
  map.set('outs', Array.isArray(outs) ? outs.map((out) => (out instanceof Map ? (out.get('path') ?? null) : out)) : []);
  return sha256(map);
}

/** The name of the file: as the key, with the digests of the outputs. */
export function runValue(stage: LockedStage): string {
  return sha256(withoutSizes(lockedStageMap(stage)));
}

function sha256(value: PyValue): string {
  return createHash('sha256').update(pythonJson(value)).digest('hex');
}

function withoutSizes(value: PyValue): PyValue {
  if (Array.isArray(value)) return value.map(withoutSizes);
  if (!(value instanceof Map)) return value;
  const kept = [...value].filter(([key]) => key !== 'size' && key !== 'nfiles');
  return new Map(kept.map(([key, item]) => [key, withoutSizes(item)]));
}

function folderOf(directory: string, stage: LockedStage): string {
  const key = runKey(stage);
  return path.join(directory, key.slice(0, 2), key);
}

function newestEntry(folder: string): string | undefined {
  let newest: string | undefined;
  let time = Number.NEGATIVE_INFINITY;
  for (const name of namesIn(folder).filter((name) => /^[\da-f]{64}$/.test(name))) {
    const stat = fs.statSync(path.join(folder, name), { throwIfNoEntry: false });
    if (stat === undefined || stat.mtimeMs <= time) continue;
    newest = name;
    time = stat.mtimeMs;
  }
  return newest;
}

function load(file: string, onWarning: (message: string) => void): LockedStage | undefined {
  const text = fs.readFileSync(file, 'utf8');
  try {
    const stage = parseLockedStage(parseYaml(text, file));
    if (stage !== undefined) return stage;
  } catch (error) {
    if (!isMlopsError(error)) throw error;
  }
  onWarning(`corrupted cache file '${file}'.`);
  fs.rmSync(file, { force: true });
  return undefined;
}
