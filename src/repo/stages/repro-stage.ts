import * as fs from 'node:fs';

import { MlopsError, type PyMap } from '../../base/index.ts';
import { checkoutOut, commitOut, hashPath, objectExists, unprotect, type WorkOptions } from '../../data/index.ts';
import type { ContentInfo, LockedStage, LockEntry, Out, ParamsDep, Stage } from '../../project/index.ts';
import { checkRecordable, pythonStr } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { externalContent, refuseCachedOutside } from '../sources/external.ts';
import { absolutePath, isUrl, shownPath } from '../open/pipeline-project.ts';
import { isCacheable, type RunCache } from './run-cache.ts';
import { changedParams, commandChanged, outStatus, readParams } from './stage-changes.ts';
import { contentOf, digestOf } from '../open/content-of.ts';

/** Deps and params of a stage as they are now, in the form of dvc.lock. */
export interface Inputs {
  readonly deps: readonly LockEntry[];
  readonly params: ReadonlyMap<string, PyMap>;
}

/**
 * Reads what a stage is made from. Throws `missing_dependency` and `bad_params` in DVC's words, with what
 * to do about it.
 */
export async function readInputs(repo: DataRepo, stage: Stage, work: WorkOptions = {}): Promise<Inputs> {
  refuseCachedOutside(stage);
  const deps: LockEntry[] = [];
  for (const dep of stage.deps) {
    const content = isUrl(dep.defPath)
      ? await externalContent(repo, dep.defPath, work.signal)
      : await keptHash(repo, absolutePath(repo, stage, dep), dep.info, work);
    if (content === undefined) {
      throw new MlopsError('missing_dependency', `dependency '${shownPath(repo, stage, dep)}' does not exist`, {
        hint: `make it, fetch it (mlops pull), or take it out of the deps of ${stage.address}`,
      });
    }
    deps.push({ path: dep.defPath, info: content });
  }
  const params = new Map<string, PyMap>();
  for (const entry of stage.params) {
    const shown = repo.display(entry.path);
    if (!fs.existsSync(absolutePath(repo, stage, entry))) {
      throw new MlopsError('missing_dependency', `dependency '${shown}' does not exist`, {
        hint: `it holds the params of ${stage.address}`,
      });
    }
    const values = readParams(repo, entry);
    const missing = (entry.keys ?? []).filter((key) => !values.has(key));
    if (missing.length > 0) {
      throw new MlopsError('bad_params', `Parameters '${missing.join(', ')}' are missing from '${shown}'.`);
    }
    for (const [key, value] of values) checkRecordable(value, `${shown}:${pythonStr(key)}`);
    params.set(entry.defPath, values);
  }
  return { deps, params };
}

/** Legacy entries stay legacy as long as their content is the same, as in DVC. */
async function keptHash(
  repo: DataRepo,
  target: string,
  recorded: ContentInfo | undefined,
  options: WorkOptions,
): Promise<ContentInfo | undefined> {
  if (recorded?.hashName === 'md5-dos2unix' && recorded.md5 !== undefined) {
    const old = await hashPath(repo.data, target, { ...options, hashName: 'md5-dos2unix' });
    if (old?.md5 === recorded.md5) return recorded;
  }
  return hashPath(repo.data, target, options);
}

/** A lock entry with the given inputs and no outputs yet. */
export function lockedFrom(stage: Stage, inputs: Inputs, outs: readonly LockEntry[]): LockedStage {
  return { cmd: stage.cmd, deps: inputs.deps, params: inputs.params, outs };
}

/** The outputs of a stage by name alone, which is all that the run-cache asks. */
export function namedOuts(stage: Stage): LockEntry[] {
  return stage.outs.map((out) => ({ path: out.defPath, info: { hashName: 'md5' } }));
}

/** The stage as it is after a lock entry was written for it. */
export function withLock(stage: Stage, locked: LockedStage): Stage {
  const infos = (entries: LockedStage['deps']): Map<string, ContentInfo> =>
    new Map(entries.map((entry) => [entry.path, entry.info]));
  const deps = infos(locked.deps);
  const outs = infos(locked.outs);
  return {
    ...stage,
    deps: stage.deps.map((dep) => ({ ...dep, info: deps.get(dep.defPath) })),
    params: stage.params.map((params) => ({ ...params, recorded: locked.params.get(params.defPath) })),
    outs: stage.outs.map((out) => ({ ...out, info: outs.get(out.defPath) })),
    locked,
  };
}

/**
 * What a stage would make, if that is known: its own lock entry when command, deps and params are those it
 * ran with, else what the run-cache has. Undefined when it must run, or when the cache lacks an output.
 */
export function findMade(
  repo: DataRepo,
  stage: Stage,
  inputs: Inputs,
  runs: RunCache | undefined,
): LockedStage | undefined {
  const made = findRecorded(stage, inputs, runs);
  const contents = made?.outs.map((entry) => contentOf(entry.info)) ?? [];
  return contents.every((content) => content !== undefined && objectExists(repo.data, content)) ? made : undefined;
}

/** As `findMade`, whether the cache has the outputs or not. */
export function findRecorded(stage: Stage, inputs: Inputs, runs: RunCache | undefined): LockedStage | undefined {
  if (!isCacheable(stage)) return undefined;
  const wanted = lockedFrom(stage, inputs, namedOuts(stage));
  return sameAsLocked(stage, inputs) ? stage.locked : runs?.find(wanted);
}

/** The stage ran last with just these inputs. */
function sameAsLocked(stage: Stage, inputs: Inputs): boolean {
  if (stage.locked === undefined || commandChanged(stage)) return false;
  if (stage.outs.some((out) => out.info?.md5 === undefined)) return false;
  const now = new Map(inputs.deps.map(({ path, info }) => [path, digestOf(info)]));
  const sameDeps = stage.deps.every((dep) => {
    const recorded = digestOf(dep.info);
    return dep.repo !== undefined || (recorded !== undefined && recorded === now.get(dep.defPath));
  });
  return sameDeps && stage.params.every((params) => sameParams(params, inputs.params.get(params.defPath)));
}

function sameParams(params: ParamsDep, actual: PyMap | undefined): boolean {
  return params.recorded !== undefined && actual !== undefined && changedParams(params, actual).length === 0;
}

/** Gives all outputs the content that the stage made before. */
export async function restoreOuts(
  repo: DataRepo,
  stage: Stage,
  made: LockedStage,
  signal?: AbortSignal,
): Promise<void> {
  const byPath = new Map(made.outs.map((entry) => [entry.path, contentOf(entry.info)]));
  for (const out of stage.outs) {
    const content = byPath.get(out.defPath);
    if (content === undefined) continue;
    const target = absolutePath(repo, stage, out);
    await checkoutOut(repo.data, target, content, { force: true, signal });
    if (!out.cache) unprotect(repo.data, target, { signal });
  }
}

export interface CommitOptions extends WorkOptions {
  readonly noCommit: boolean;
  readonly runs: RunCache | undefined;
  readonly onWarning: (message: string) => void;
}

/**
 * Hashes what a stage made, puts it into the cache, and gives the entry for dvc.lock. Throws
 * `missing_output` when an output is not there.
 */
export async function commitStage(repo: DataRepo, stage: Stage, options: CommitOptions): Promise<LockedStage> {
  const { noCommit, signal, onProgress } = options;
  const inputs = await readInputs(repo, stage, { signal, onProgress });
  const saveRun =
    !noCommit &&
    options.runs !== undefined &&
    isCacheable(stage) &&
    stage.outs.every((out) => out.cache || out.metric || out.plot !== undefined);
  const outs: LockEntry[] = [];
  for (const out of stage.outs) {
    const content = await commitOne(repo, stage, out, {
      store: !noCommit && (out.cache || saveRun),
      signal,
      onProgress,
    });
    warnEmpty(repo, stage, out, content, options.onWarning);
    outs.push({ path: out.defPath, info: content });
  }
  const locked = lockedFrom(stage, inputs, outs);
  if (saveRun) options.runs?.save(locked);
  return locked;
}

async function commitOne(
  repo: DataRepo,
  stage: Stage,
  out: Out,
  options: WorkOptions & { readonly store: boolean },
): Promise<ContentInfo> {
  if (isUrl(out.defPath)) {
    const content = await externalContent(repo, out.defPath, options.signal);
    if (content === undefined) throw missingOutput(repo, stage, out);
    return content;
  }
  const target = absolutePath(repo, stage, out);
  if (!fs.existsSync(target)) throw missingOutput(repo, stage, out);
  if (out.metric) refuseBinary(target);
  if (out.info?.hashName === 'md5-dos2unix' && (await outStatus(repo, stage, out, options.signal)) === undefined) {
    return out.info;
  }
  const { store, signal, onProgress } = options;
  return commitOut(repo.data, target, { cache: store, relink: out.cache, signal, onProgress });
}

function missingOutput(repo: DataRepo, stage: Stage, out: Out): MlopsError {
  return new MlopsError('missing_output', `output '${shownPath(repo, stage, out)}' does not exist`, {
    hint: `the command of ${stage.address} ended without making it; check its path (relative to ${stage.wdir === '' ? 'the project' : stage.wdir}) or take it out of the outputs`,
  });
}

function refuseBinary(target: string): void {
  if (!fs.statSync(target).isFile()) return;
  const fd = fs.openSync(target, 'r');
  try {
    const head = Buffer.alloc(512);
    const length = fs.readSync(fd, head, 0, head.length, 0);
    if (!head.subarray(0, length).includes(0)) return;
  } finally {
    fs.closeSync(fd);
  }
  throw new MlopsError('stage_failed', `binary file '${target}' cannot be used as metrics.`);
}

function warnEmpty(
  repo: DataRepo,
  stage: Stage,
  out: Out,
  content: ContentInfo,
  onWarning: (message: string) => void,
): void {
  const empty = content.nfiles === undefined ? content.size === 0 : content.nfiles === 0;
  if (empty) onWarning(`'${shownPath(repo, stage, out)}' is empty.`);
}

/** Outputs of a stage that are kept while it runs, made writable; the others are returned. */
export function prepareOuts(repo: DataRepo, stage: Stage): string[] {
  const removable: string[] = [];
  for (const out of stage.outs) {
    if (isUrl(out.defPath)) continue;
    const target = absolutePath(repo, stage, out);
    if (!out.persist) removable.push(target);
    else if (fs.existsSync(target)) unprotect(repo.data, target);
  }
  return removable;
}
