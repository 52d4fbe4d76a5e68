import * as path from 'node:path';

import { isMlopsError, MlopsError } from '../../base/index.ts';
import {
  moveObjects,
  objectKey,
  objectPath,
  remoteObjects,
  removeLocal,
  removeRemote,
  unusedLocal,
  unusedRemote,
  usedObjects,
  type Content,
  type HashName,
  type WorkOptions,
} from '../../data/index.ts';
import { gitText, listRefHashes, resolveRevision, revisionTree } from '../../git/index.ts';
import { findProjectRoot, type Stage } from '../../project/index.ts';
import { openStore } from '../../storage/index.ts';
import { contentOf } from '../open/content-of.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { openDataRepo } from '../open/open-data-repo.ts';
import { selectRevisions } from '../open/revisions.ts';
import { outsOf } from '../open/targets.ts';
import { requireRemote } from '../open/require-remote.ts';

export interface GcScope {
  readonly workspace?: boolean;
  readonly allBranches?: boolean;
  readonly allTags?: boolean;
  readonly allCommits?: boolean;
  readonly allExperiments?: boolean;
  /** Commits from this day on (ISO 8601). */
  readonly date?: string | undefined;
  readonly rev?: string | undefined;
  readonly num?: number | undefined;
}

export interface GcCommand extends GcScope, WorkOptions {
  readonly cloud?: boolean;
  readonly remote?: string | undefined;
  readonly notInRemote?: boolean;
  readonly dry?: boolean;
  /** Other projects that use the same cache. */
  readonly projects?: readonly string[];
  /** Revisions that cannot be read are passed over, with a warning: what only they use goes. */
  readonly skipFailed?: boolean;
  /** Also collect when a folder's manifest is nowhere. */
  readonly force?: boolean;
  readonly onWarning?: (message: string) => void;
}

/** What a collection found (and, unless dry, removed) in one place. */
export interface GcResult {
  readonly where: 'repo' | 'legacy' | 'remote';
  readonly removed: readonly string[];
}

/** @throws MlopsError `usage` when no scope says what to keep. */
export function checkScope(scope: GcCommand): void {
  const { workspace, allBranches, allTags, allCommits, allExperiments, date, rev, num } = scope;
  if (num !== undefined && rev === undefined && allBranches !== true) {
    throw new MlopsError('usage', '`--num` can only be used alongside `--rev`', { exit: 255 });
  }
  if (scope.cloud === true && scope.notInRemote === true) {
    throw new MlopsError('usage', '`--not-in-remote` and `--cloud` are mutually exclusive', { exit: 255 });
  }
  const some =
    [workspace, allBranches, allTags, allCommits, allExperiments].includes(true) ||
    date !== undefined ||
    rev !== undefined;
  if (some) return;
  throw new MlopsError(
    'usage',
    'Either of `-w|--workspace`, `-a|--all-branches`, `-T|--all-tags` `--all-experiments`, `--all-commits`, `--date` or `--rev` needs to be set.',
    { exit: 255, hint: 'mlops gc -w --dry shows what only the workspace does not use' },
  );
}

/**
 * Removes objects that nothing in the scope uses, manifests before files. The project, and every other one
 * that is named, stays locked until the end: nothing that one of them adds, pushes or checks out meanwhile
 * can need what is being removed.
 * @throws MlopsError `usage`, `lock_held` when another of the projects is at work.
 */
export async function gc(repo: DataRepo, command: GcCommand): Promise<GcResult[]> {
  checkScope(command);
  const others: DataRepo[] = [];
  try {
    for (const folder of new Set((command.projects ?? []).map((project) => path.resolve(repo.cwd, project)))) {
      if (findProjectRoot(folder) === repo.root) continue;
      others.push(await openDataRepo(folder, { signal: command.signal }));
    }
    return await collect(repo, others, command);
  } finally {
    for (const other of others) other.close();
  }
}

async function collect(repo: DataRepo, others: readonly DataRepo[], command: GcCommand): Promise<GcResult[]> {
  const contents: Content[] = [];
  for (const each of [repo, ...others]) contents.push(...(await contentsOf(each, command)));
  // Before anything is gone here: whether there is such a remote at all.
  if (command.cloud === true) requireRemote(repo, command.remote, 'config');
  const used = await usedWithFolders(repo, contents, command);
  const results: GcResult[] = [];
  const inRemote = command.notInRemote === true ? await presentInRemote(repo, command) : undefined;
  for (const [where, hashName] of [
    ['repo', 'md5'],
    ['legacy', 'md5-dos2unix'],
  ] as const) {
    const keep = used.get(hashName) ?? new Set();
    const kept = inRemote === undefined ? keep : new Set([...keep].filter((id) => !inRemote.get(hashName)?.has(id)));
    const unused = unusedLocal(repo.data, hashName, kept);
    if (command.dry !== true) removeLocal(repo.data, hashName, unused, command);
    results.push({ where, removed: unused.map((id) => objectPath(repo.data.cacheDir, id, hashName)) });
  }
  if (command.cloud === true) results.push(...(await collectRemote(repo, used, command)));
  return results;
}

/**
 * What the contents need. Without a folder's manifest nobody knows its files: it is fetched where a remote has
 * it, and otherwise only `force` lets its files go.
 */
async function usedWithFolders(
  repo: DataRepo,
  contents: readonly Content[],
  command: GcCommand,
): Promise<Map<HashName, Set<string>>> {
  const unreadable: Content[] = [];
  const used = usedObjects(repo.data, contents, (manifest) => unreadable.push(manifest));
  if (unreadable.length === 0) return used;
  await tryToFetch(repo, unreadable, command);
  let lost: Content | undefined;
  const again = usedObjects(repo.data, contents, (manifest) => (lost = manifest));
  if (lost === undefined) return again;
  const what = `the manifest '${lost.md5}' of a folder is neither in the cache nor on a remote: its files would be lost`;
  if (command.force !== true) throw new MlopsError('object_missing', what, { hint: 'take that with --force' });
  command.onWarning?.(what);
  return again;
}

async function tryToFetch(repo: DataRepo, manifests: readonly Content[], command: GcCommand): Promise<void> {
  try {
    const remote = repo.remote(command.remote);
    if (remote === undefined) return;
    const store = await openStore(remote.url, remote.options);
    try {
      for (const hashName of ['md5', 'md5-dos2unix'] as const) {
        const ids = manifests.filter((content) => content.hashName === hashName).map(({ md5 }) => md5);
        await moveObjects(repo.data, store, 'down', hashName, ids, { ...command, name: 'fetching folders' });
      }
    } finally {
      await store.close();
    }
  } catch (error) {
    // A remote that cannot be asked is as good as none; who needs it hears so in other words.
    if (!isMlopsError(error)) throw error;
  }
}

async function collectRemote(
  repo: DataRepo,
  used: ReadonlyMap<HashName, ReadonlySet<string>>,
  command: GcCommand,
): Promise<GcResult[]> {
  const remote = requireRemote(repo, command.remote, 'config');
  const store = await openStore(remote.url, remote.options);
  try {
    const results: GcResult[] = [];
    for (const [hashName, keep] of used) {
      const unused = await unusedRemote(store, hashName, keep, command);
      if (command.dry !== true) await removeRemote(store, hashName, unused, command);
      results.push({ where: 'remote', removed: unused.map((id) => `${store.url}/${objectKey(id, hashName)}`) });
    }
    return results;
  } finally {
    await store.close();
  }
}

async function presentInRemote(repo: DataRepo, command: GcCommand): Promise<Map<HashName, Set<string>>> {
  const remote = requireRemote(repo, command.remote, 'config');
  const store = await openStore(remote.url, remote.options);
  try {
    const present = new Map<HashName, Set<string>>();
    for (const hashName of ['md5', 'md5-dos2unix'] as const) {
      present.set(hashName, await remoteObjects(store, hashName, undefined, { jobs: 16, signal: command.signal }));
    }
    return present;
  } finally {
    await store.close();
  }
}

/** The workspace always counts; other states as the scope says. */
async function contentsOf(repo: DataRepo, command: GcCommand): Promise<Content[]> {
  const contents = stagesIfReadable('workspace', () => repo.stages(), command);
  for (const commit of commitsOf(repo, command)) {
    contents.push(...stagesIfReadable(commit, () => repo.stagesOf(revisionTree(repo.root, commit)), command));
  }
  return contents;
}

function stagesIfReadable(rev: string, read: () => readonly Stage[], command: GcCommand): Content[] {
  try {
    return contentsOfStages(read());
  } catch (error) {
    if (!isMlopsError(error)) throw error;
    if (command.skipFailed !== true) {
      throw new MlopsError(error.code, `Failed to collect '${rev}': ${error.message}`, {
        hint: 'mend it, or pass over it with --skip-failed: what only it uses is removed then',
        cause: error,
        exit: 255,
      });
    }
    command.onWarning?.(`Failed to collect '${rev}', skipping`);
    return [];
  }
}

function contentsOfStages(stages: readonly Stage[]): Content[] {
  const outs = stages.flatMap((stage) => outsOf(stage, undefined)).filter(({ out }) => out.cache);
  return outs.flatMap((item) => contentOf(item.out.info) ?? []);
}

function commitsOf(repo: DataRepo, scope: GcScope): Set<string> {
  const commits = new Set<string>();
  const { allBranches, allTags, allCommits } = scope;
  if (allBranches === true || allTags === true || allCommits === true) {
    for (const { commit } of selectRevisions(repo.root, scope)) {
      if (commit === undefined) continue;
      const count = allBranches === true && scope.num !== undefined ? scope.num : 1;
      for (const own of count > 1 ? ancestors(repo, commit, count) : [commit]) commits.add(own);
    }
  }
  if (scope.allExperiments === true) {
    for (const [ref, commit] of listRefHashes(repo.root, 'refs/exps/')) {
      if (/^refs\/exps\/[0-9a-f]{2}\//.test(ref)) commits.add(commit);
    }
  }
  if (scope.rev !== undefined) {
    for (const commit of ancestors(repo, resolveRevision(repo.root, scope.rev), scope.num ?? 1)) commits.add(commit);
  }
  if (scope.date !== undefined) {
    const text = gitText(repo.root, ['log', '--all', '--format=%H', `--since=${startOf(scope.date)}`]);
    for (const commit of text.split('\n')) if (commit !== '') commits.add(commit);
  }
  return commits;
}

/**
 * The first second of a day; Git would take the time of now on that day, and any other word for today.
 * @throws MlopsError `usage`.
 */
function startOf(date: string): string {
  const [, year = '', month = '', day = ''] = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(date) ?? [];
  const iso = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const at = new Date(`${iso}T00:00:00Z`);
  if (!Number.isNaN(at.getTime()) && at.toISOString().startsWith(iso)) return `${iso}T00:00:00`;
  throw new MlopsError('usage', `'${date}' is no date like 2024-01-31`, { exit: 255 });
}

function ancestors(repo: DataRepo, commit: string, count: number): string[] {
  const limit = count < 0 ? [] : [`--max-count=${count}`];
  return gitText(repo.root, ['rev-list', '--first-parent', ...limit, commit])
    .split('\n')
    .filter((line) => line !== '');
}
