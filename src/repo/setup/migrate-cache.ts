import * as path from 'node:path';

import {
  commitOut,
  countLegacy,
  hashPath,
  migrateObjects,
  type Migration,
  type WorkOptions,
} from '../../data/index.ts';
import { lockFileOf, stageChecksum, type ContentInfo, type Stage } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { gitSide } from '../open/git-side.ts';
import { absolutePath, isUrl, shownPath } from '../open/pipeline-project.ts';
import { isCacheable, openRunCache } from '../stages/run-cache.ts';

export interface FilesMigration {
  /** Metafiles written anew, as the user sees them, in order. */
  readonly updated: readonly { readonly file: string; readonly kind: 'data' | 'lock' }[];
  /** What keeps its DVC 2 hash, because the workspace does not hold the content that was recorded. */
  readonly left: readonly string[];
  /** Files for the user to `git add`. */
  readonly files: readonly string[];
}

/** Objects of DVC 2 in the cache: how many `migrateCache` would look at. */
export function legacyObjects(repo: DataRepo): number {
  return countLegacy(repo.data);
}

/** `cache migrate`: DVC 2's objects get their DVC 3 names. */
export function migrateCache(repo: DataRepo, options: WorkOptions = {}): Promise<Migration> {
  return migrateObjects(repo.data, options);
}

/** The metafiles with entries of DVC 2, as DVC lists them. */
export function legacyFiles(repo: DataRepo): string[] {
  const shown = legacyStages(repo).map((stage) => {
    const file = repo.display(stage.file);
    return stage.kind === 'data' ? file : `${file} (${repo.display(lockFileOf(stage.file))})`;
  });
  return [...new Set(shown)].sort();
}

/**
 * `cache migrate --dvc-files`: entries of DVC 2 are written as DVC 3 writes them. Unlike DVC, which takes
 * whatever is in the workspace now, only content that is the recorded one is re-hashed.
 */
export async function migrateFiles(repo: DataRepo, options: WorkOptions = {}): Promise<FilesMigration> {
  const updated = new Map<string, 'data' | 'lock'>();
  const left: string[] = [];
  const side = gitSide(repo);
  for (const stage of legacyStages(repo)) {
    const fresh = await migrateStage(repo, stage, left, options);
    if (fresh === undefined) continue;
    repo.saveStage(fresh);
    if (fresh.kind === 'pipeline') saveRun(repo, fresh);
    const file = stage.kind === 'data' ? stage.file : lockFileOf(stage.file);
    updated.set(repo.display(file), stage.kind === 'data' ? 'data' : 'lock');
    side.changed(path.join(repo.root, file));
  }
  return { updated: [...updated].map(([file, kind]) => ({ file, kind })), left, files: side.finish() };
}

function legacyStages(repo: DataRepo): Stage[] {
  return repo
    .stages()
    .filter((stage) => stage.outs.some(isLegacy) || (stage.kind === 'pipeline' && stage.deps.some(isLegacy)));
}

function isLegacy(entry: { readonly defPath: string; readonly info?: ContentInfo | undefined }): boolean {
  return entry.info?.hashName === 'md5-dos2unix' && entry.info.md5 !== undefined && !isUrl(entry.defPath);
}

async function migrateStage(
  repo: DataRepo,
  stage: Stage,
  left: string[],
  options: WorkOptions,
): Promise<Stage | undefined> {
  let changed = false;
  const renew = async <Entry extends Stage['outs'][number] | Stage['deps'][number]>(
    entry: Entry,
    read: (file: string) => Promise<ContentInfo | undefined>,
  ): Promise<Entry> => {
    if (!isLegacy(entry)) return entry;
    const file = absolutePath(repo, stage, entry);
    const now = await hashPath(repo.data, file, { hashName: 'md5-dos2unix', signal: options.signal });
    const info = now?.md5 === entry.info?.md5 ? await read(file) : undefined;
    if (info === undefined) {
      left.push(shownPath(repo, stage, entry));
      return entry;
    }
    changed = true;
    return { ...entry, info };
  };
  const outs: Stage['outs'][number][] = [];
  for (const out of stage.outs)
    outs.push(await renew(out, (file) => commitOut(repo.data, file, { ...options, cache: out.cache })));
  const deps: Stage['deps'][number][] = [];
  const isImport = stage.kind === 'data';
  for (const dep of stage.deps)
    deps.push(isImport ? dep : await renew(dep, (file) => hashPath(repo.data, file, options)));
  if (!changed) return undefined;
  const fresh = { ...stage, outs, deps };
  return stage.md5 === undefined ? fresh : { ...fresh, md5: stageChecksum(fresh) };
}

function saveRun(repo: DataRepo, stage: Stage): void {
  const whole = [...stage.deps, ...stage.outs].every((entry) => entry.info?.hashName === 'md5');
  if (!whole || !isCacheable(stage) || stage.outs.some((out) => !out.cache)) return;
  openRunCache(path.join(repo.data.cacheDir, 'runs')).save({
    cmd: stage.cmd,
    deps: stage.deps.flatMap((dep) => (dep.info === undefined ? [] : [{ path: dep.defPath, info: dep.info }])),
    params: stage.locked?.params ?? new Map(),
    outs: stage.outs.flatMap((out) => (out.info === undefined ? [] : [{ path: out.defPath, info: out.info }])),
  });
}
