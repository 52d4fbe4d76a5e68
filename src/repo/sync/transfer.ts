import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, MlopsError, plural } from '../../base/index.ts';
import {
  type Content,
  fetchContents,
  pushContents,
  type MoveResult,
  type PartOfContent,
  type TransferOptions,
} from '../../data/index.ts';
import { flagOption, openStore, type BlobStore } from '../../storage/index.ts';
import type { Out, Stage } from '../../project/index.ts';
import { contentOf } from '../open/content-of.ts';
import { copyRuns } from './run-transfer.ts';
import type { DataRepo } from '../open/data-repo.ts';
import type { RemoteSection } from '../open/pipeline-project.ts';
import { fetchImports } from '../imports/fetch-imports.ts';
import { requireRemote } from '../open/require-remote.ts';
import { selectRevisions } from '../open/revisions.ts';
import {
  absoluteOut,
  outsOf,
  requireGlobs,
  selectStages,
  type SelectedOut,
  type SelectedStage,
  type TargetOptions,
} from '../open/targets.ts';

export interface TransferCommand extends TargetOptions, TransferOptions {
  readonly targets: readonly string[];
  /** Name of the remote; the default one otherwise. */
  readonly remote?: string | undefined;
  readonly allBranches?: boolean;
  readonly allTags?: boolean;
  readonly allCommits?: boolean;
  readonly glob?: boolean;
  readonly runCache?: boolean;
  readonly onWarning?: ((message: string) => void) | undefined;
  /** fetch only: a checkout of the same outs follows. */
  readonly toPlace?: boolean;
  /** fetch only: outs of this many bytes or more are passed over. */
  readonly maxSize?: number | undefined;
  /** fetch only: outs of these kinds. */
  readonly types?: readonly ('metrics' | 'plots')[];
}

export interface TransferReport {
  /** Objects that moved, run-cache entries included. */
  readonly count: number;
  /** Objects that are neither in the cache nor on the remote: nothing could be done about them. */
  readonly absent: readonly string[];
}

/**
 * Sends what the remote lacks. What is in neither place is no failure, as with DVC, but part of the report.
 * @throws MlopsError `no_remote`, `transfer_failed` (with the objects in `data.failures`) after everything else was sent.
 */
export async function push(repo: DataRepo, command: TransferCommand): Promise<TransferReport> {
  const runs = command.runCache === true && hasRemote(repo, command.remote) ? await moveRuns(repo, command, 'push') : 0;
  const report = await withRemotes(repo, command, 'push', async (store, contents) =>
    pushContents(repo.data, store, contents, command),
  );
  // DVC wants a default remote even when there is nothing to push, unless every output has one of its own.
  const pushed = selectedOuts(repo, command).filter(({ stage, out }) => out.cache && out.push && !isImport(stage));
  if (pushed.length === 0 || pushed.some(({ out }) => out.remote === undefined)) requireRemote(repo, command.remote);
  return { ...report, count: report.count + runs };
}

/** Brings what the cache lacks; without a remote only what was imported. Throws as `push`. */
export async function fetch(repo: DataRepo, command: TransferCommand): Promise<TransferReport> {
  if (command.runCache === true && hasRemote(repo, command.remote)) await fetchRunsIfKnown(repo, command);
  const imports = selectedOuts(repo, command).filter(
    ({ stage, out }) => isImport(stage) && isWanted(stage, out, command, 'fetch'),
  );
  const brought = await fetchImports(repo, imports, command);
  return withRemotes(
    repo,
    command,
    'fetch',
    async (store, contents, remote) =>
      fetchContents(repo.data, store, contents, { ...command, verify: flagOption(remote.options, 'verify') }),
    brought,
  );
}

/** A remote that is not known matters only where it should have contents. */
async function fetchRunsIfKnown(repo: DataRepo, command: TransferCommand): Promise<void> {
  try {
    await moveRuns(repo, command, 'fetch');
  } catch (error) {
    if (!isMlopsError(error, 'no_remote')) throw error;
  }
}

/** Copies the run-cache entries of the default remote that are not here. Throws as `fetch`. */
export async function fetchRuns(repo: DataRepo, signal: AbortSignal | undefined): Promise<void> {
  await moveRuns(repo, { targets: [], signal }, 'fetch');
}

/** Brings contents from the default remote into the cache, as far as it has them. Throws `no_remote`. */
export async function fetchWhatIsThere(
  repo: DataRepo,
  contents: readonly Content[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const remote = requireRemote(repo, undefined);
  const store = await openStore(remote.url, remote.options);
  try {
    await fetchContents(repo.data, store, contents, { signal, verify: flagOption(remote.options, 'verify') });
  } finally {
    await store.close();
  }
}

async function moveRuns(repo: DataRepo, command: TransferCommand, verb: 'push' | 'fetch'): Promise<number> {
  const remote = requireRemote(repo, command.remote);
  const store = await openStore(remote.url, remote.options);
  try {
    return await copyRuns(path.join(repo.data.cacheDir, 'runs'), store, verb, command);
  } finally {
    await store.close();
  }
}

async function withRemotes(
  repo: DataRepo,
  command: TransferCommand,
  verb: 'push' | 'fetch',
  move: (store: BlobStore, contents: readonly PartOfContent[], remote: RemoteSection) => Promise<MoveResult>,
  before: MoveResult = { moved: [], failures: [] },
): Promise<TransferReport> {
  const groups = byRemote(repo, command, verb);
  const moved = [...before.moved];
  const failures = [...before.failures];
  for (const { remote, contents } of groups) {
    const store = await openStore(remote.url, remote.options);
    try {
      const result = await move(store, contents, remote);
      moved.push(...result.moved);
      failures.push(...result.failures);
    } finally {
      await store.close();
    }
  }
  const absent = failures.flatMap(({ reason, md5 }) => (reason === 'missing' ? [md5] : []));
  const real = failures.filter(({ reason }) => reason !== 'missing');
  if (real.length > 0) throw transferFailed(verb, real);
  return { count: moved.length, absent: [...new Set(absent)] };
}

function transferFailed(verb: 'push' | 'fetch', failures: MoveResult['failures']): MlopsError {
  const corrupt = failures.some(({ reason }) => reason === 'corrupt');
  const shown = failures
    .slice(0, 10)
    .map(({ md5, reason, message }) => `  ${md5}: ${reason === 'failed' ? message : reason}`);
  const more = failures.length > 10 ? [`  and ${failures.length - 10} more`] : [];
  const did = verb === 'push' ? 'upload' : 'download';
  return new MlopsError(
    'transfer_failed',
    [`${plural(failures.length, 'file')} failed to ${did}`, ...shown, ...more].join('\n'),
    {
      hint: corrupt
        ? 'mlops fsck --remote --repair heals what is corrupt from the other side'
        : verb === 'fetch'
          ? 'push from where the data is: mlops push'
          : 'mlops fetch brings what only the remote has',
      data: { failures },
    },
  );
}

/** The contents of the selected outs by the remote that each belongs to. */
function byRemote(
  repo: DataRepo,
  command: TransferCommand,
  verb: 'push' | 'fetch',
): { remote: RemoteSection; contents: PartOfContent[] }[] {
  const groups = new Map<string, { remote: RemoteSection; contents: PartOfContent[] }>();
  for (const { stage, out, within } of selectedOuts(repo, command)) {
    if (isImport(stage) || !isWanted(stage, out, command, verb)) continue;
    const content = contentOf(out.info);
    if (content === undefined) continue;
    const name = command.remote ?? out.remote;
    // Without any remote nothing can be fetched, which is no failure for DVC: checkout tells what is missing.
    if (!hasRemote(repo, name)) continue;
    const remote = requireRemote(repo, name);
    const group = groups.get(remote.name) ?? { remote, contents: [] };
    // Of a folder, no part is sent alone: its manifest would promise files that are not there.
    const target = command.toPlace === true && out.path !== undefined ? absoluteOut(repo, out) : undefined;
    const placedAt = target === undefined || fs.existsSync(target) ? undefined : target;
    group.contents.push(verb === 'push' ? content : { ...content, within, placedAt });
    groups.set(remote.name, group);
  }
  return [...groups.values()];
}

function hasRemote(repo: DataRepo, name: string | undefined): boolean {
  return name !== undefined || repo.defaultRemote !== undefined;
}

function isWanted(stage: Stage, out: Out, command: TransferCommand, verb: 'push' | 'fetch'): boolean {
  if (!out.cache) return false;
  if (verb === 'push' && (!out.push || isImport(stage))) return false;
  if (command.remote !== undefined && out.remote !== undefined && out.remote !== command.remote) return false;
  const { maxSize = 0 } = command;
  if (maxSize > 0 && (out.info?.size ?? 0) >= maxSize) return false;
  if (command.types === undefined || command.types.length === 0) return true;
  return (
    (command.types.includes('metrics') && out.metric) || (command.types.includes('plots') && out.plot !== undefined)
  );
}

/** What was imported from another repository is kept there: it is not pushed, and fetched from its source. */
export function isImport(stage: Stage): boolean {
  return stage.deps.some((dep) => dep.repo !== undefined);
}

/** Outs of the work tree, and of other revisions when asked for. */
export function selectedOuts(
  repo: DataRepo,
  command: Pick<
    TransferCommand,
    'targets' | 'glob' | 'recursive' | 'withDeps' | 'allBranches' | 'allTags' | 'allCommits'
  >,
): SelectedOut[] {
  const targets = command.glob === true ? requireGlobs(repo.cwd, command.targets) : command.targets;
  const found: SelectedStage[] = [];
  const several = command.allBranches === true || command.allTags === true || command.allCommits === true;
  for (const revision of several ? selectRevisions(repo.root, command) : [undefined]) {
    const at = revision?.commit === undefined ? repo : atRevision(repo, repo.stagesOf(revision.tree()));
    try {
      found.push(...selectStages(at, targets, command));
    } catch (error) {
      // A target need not exist in every revision.
      if (revision?.commit === undefined || !isMlopsError(error, 'unknown_stage')) throw error;
    }
  }
  return found.flatMap(({ stage, only }) => outsOf(stage, only));
}

function atRevision(repo: DataRepo, stages: readonly Stage[]): DataRepo {
  return { ...repo, stages: () => stages, stagesIn: (file) => stages.filter((stage) => stage.file === file) };
}
