import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError } from '../../base/index.ts';
import { remoteObjects, type HashName, type WorkOptions } from '../../data/index.ts';
import { gitState, gitText, revisionTree, tryResolveRevision, type TreePath } from '../../git/index.ts';
import { openStore } from '../../storage/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import {
  byName,
  diffEntries,
  notInCache,
  recordedEntries,
  workspaceEntries,
  type Entries,
  type Entry,
  type EntryChange,
} from './entry-diff.ts';
import { outAround, outsOf, showPath, type SelectedOut } from '../open/targets.ts';
import { requireRemote } from '../open/require-remote.ts';
import type { Stage } from '../../project/index.ts';

export interface DataStatusCommand extends WorkOptions {
  readonly targets: readonly string[];
  readonly granular?: boolean;
  readonly untracked?: boolean;
  readonly notInRemote?: boolean;
  readonly remote?: string | undefined;
}

export type Rename = { readonly old: string; readonly new: string };

/** Paths by what happened to them, in DVC's order of keys: as they came up. */
export type Changes = Readonly<Record<string, readonly (string | Rename)[]>>;

export interface DataStatus {
  readonly notInCache: readonly string[];
  readonly notInRemote: readonly string[];
  readonly committed: Changes;
  readonly uncommitted: Changes;
  readonly untracked: readonly string[];
  readonly unchanged: readonly string[];
  readonly git: { readonly isEmpty: boolean; readonly isDirty: boolean };
}

/** `data status`: the last commit against the project's files, and those against the workspace. */
export async function dataStatus(repo: DataRepo, command: DataStatusCommand): Promise<DataStatus> {
  const granular = command.granular === true;
  const targets = keysOf(repo, command.targets);
  const selected = selectPaths(repo.stages(), targets);
  const recorded = recordedEntries(repo, selected, granular);
  const workspace = await workspaceEntries(repo, selected, granular, command);
  // Without Git there is no commit to differ from.
  const head = repo.gitRoot === undefined ? recorded : headEntries(repo, targets, granular);
  const toWorkspace = diffEntries(byName(recorded), byName(workspace));
  const fromHead = diffEntries(byName(head), byName(recorded));
  const same = new Set(fromHead.filter(({ kind }) => kind === 'unchanged').map(({ new: entry }) => entry?.path));
  const unchanged = toWorkspace.filter(({ kind, new: entry }) => kind === 'unchanged' && same.has(entry?.path));
  return {
    notInCache: notInCache(repo, recorded.values()).map((entry) => entry.path),
    notInRemote: command.notInRemote === true ? await notInRemote(repo, recorded, selected, command) : [],
    committed: group(fromHead),
    uncommitted: group(toWorkspace),
    untracked: command.untracked === true ? untrackedFiles(repo, command.targets) : [],
    unchanged: unchanged.flatMap(({ new: entry }) => entry?.path ?? []),
    git: gitFacts(repo, command.untracked === true),
  };
}

/** DVC takes targets from where the user stands for paths from the top. */
function keysOf(repo: DataRepo, targets: readonly string[]): TreePath[] {
  return targets.map((target) => path.relative(repo.cwd, path.resolve(repo.cwd, target)) || '.');
}

/** Outs at, around or below the targets (paths from the top); what is not tracked selects nothing, as in DVC. */
function selectPaths(stages: readonly Stage[], targets: readonly TreePath[]): SelectedOut[] {
  if (targets.length === 0) return stages.flatMap((stage) => outsOf(stage, undefined));
  return targets.flatMap((inside) => {
    const owner = outAround(stages, inside);
    if (owner !== undefined) return outsOf(owner.stage, inside);
    return stages.flatMap((stage) =>
      outsOf(stage, undefined).filter(({ out }) => out.path?.startsWith(`${inside}/`) === true),
    );
  });
}

/** What the last commit records; nothing without Git or before the first commit. */
export function headEntries(
  repo: DataRepo,
  targets: readonly TreePath[],
  granular: boolean,
  revision = 'HEAD',
): Entries {
  const commit = repo.gitRoot === undefined ? undefined : tryResolveRevision(repo.root, revision);
  if (commit === undefined) return new Map();
  const stages = repo.stagesOf(revisionTree(repo.root, commit));
  return recordedEntries(repo, selectPaths(stages, targets), granular);
}

function group(changes: readonly EntryChange[]): Record<string, (string | Rename)[]> {
  const groups: Record<string, (string | Rename)[]> = {};
  for (const { kind, old, new: now } of changes) {
    if (kind === 'unchanged') continue;
    const shown = kind === 'renamed' ? { old: old?.path ?? '', new: now?.path ?? '' } : ((now ?? old)?.path ?? '');
    (groups[kind] ??= []).push(shown);
  }
  return groups;
}

async function notInRemote(
  repo: DataRepo,
  recorded: Entries,
  selected: readonly SelectedOut[],
  command: DataStatusCommand,
): Promise<string[]> {
  const unpushed = selected.flatMap(({ out }) => (out.push || out.path === undefined ? [] : [`${out.path}/`]));
  const entries = [...recorded.values()].filter(
    (entry) => !unpushed.some((folder) => `${entry.path.replace(/\/$/, '')}/`.startsWith(folder)),
  );
  if (command.remote === undefined && repo.defaultRemote === undefined) return entries.map((entry) => entry.path);
  const remote = requireRemote(repo, command.remote, 'config');
  const store = await openStore(remote.url, remote.options);
  try {
    const lacking = new Set<Entry>();
    for (const hashName of ['md5', 'md5-dos2unix'] as const satisfies HashName[]) {
      const own = entries.filter((entry) => entry.hashName === hashName && entry.md5 !== undefined);
      if (own.length === 0) continue;
      const ids = own.flatMap((entry) => entry.md5 ?? []);
      const present = await remoteObjects(store, hashName, ids, { jobs: 16, signal: command.signal });
      for (const entry of own) if (!present.has(entry.md5 ?? '')) lacking.add(entry);
    }
    return entries.filter((entry) => lacking.has(entry)).map((entry) => entry.path);
  } finally {
    await store.close();
  }
}

function untrackedFiles(repo: DataRepo, targets: readonly string[]): string[] {
  if (repo.gitRoot === undefined) return [];
  // The top of the repository is none of the paths that DVC compares with.
  const named = targets.map((target) => path.resolve(repo.cwd, target)).filter((target) => target !== repo.gitRoot);
  if (named.length === 0 && targets.length > 0) return [];
  const below = named.map((target) => path.relative(repo.root, target) || '.');
  const text = gitText(repo.root, [
    '--literal-pathspecs',
    'ls-files',
    '--others',
    '--exclude-standard',
    '-z',
    '--',
    ...below,
  ]);
  // DVC shows these, unlike what it tracks itself, from where the user stands.
  const files = text.split('\0').filter((file) => file !== '' && !isFolderLink(path.join(repo.root, file)));
  return files.map((file) => showPath(repo, file));
}

/** DVC walks the work tree itself, where a link to a folder is neither a file nor gone into. */
function isFolderLink(file: string): boolean {
  if (fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return false;
  return fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}

function gitFacts(repo: DataRepo, untracked: boolean): DataStatus['git'] {
  if (repo.gitRoot === undefined) return { isEmpty: false, isDirty: false };
  try {
    const state = gitState(repo.root);
    const isEmpty = state.commit === undefined;
    return { isEmpty, isDirty: state.dirty || (untracked && untrackedFiles(repo, []).length > 0) };
  } catch (error) {
    if (isMlopsError(error, 'git_failed')) return { isEmpty: false, isDirty: false };
    throw error;
  }
}
