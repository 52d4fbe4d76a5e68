import { MlopsError } from '../../base/index.ts';
import type { WorkOptions } from '../../data/index.ts';
import { resolveRevision, revisionTree, tryResolveRevision } from '../../git/index.ts';
import type { Stage } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { byName, diffEntries, notInCache, recordedEntries, workspaceEntries } from './entry-diff.ts';
import { outsOf, selectFrom, type SelectedOut } from '../open/targets.ts';

export interface DiffCommand extends WorkOptions {
  readonly from: string;
  /** The workspace when undefined. */
  readonly to: string | undefined;
  readonly targets: readonly string[];
}

type Path = string | { readonly old: string; readonly new: string };

export interface DiffEntry {
  readonly path: Path;
  readonly hash: string | { readonly old: string; readonly new: string } | undefined;
}

/** By kind, each in path order. */
export interface DiffReport {
  readonly added: readonly DiffEntry[];
  readonly deleted: readonly DiffEntry[];
  readonly modified: readonly DiffEntry[];
  readonly renamed: readonly DiffEntry[];
  readonly 'not in cache': readonly DiffEntry[];
}

/**
 * What changed in tracked data between two commits, or between a commit and the workspace. Undefined when
 * nothing did, or when there is no commit yet.
 * @throws MlopsError `unknown_revision`, `not_a_git_repo`, `unknown_stage` for targets in neither.
 */
export async function diff(repo: DataRepo, command: DiffCommand): Promise<DiffReport | undefined> {
  if (repo.gitRoot === undefined) throw new MlopsError('not_a_git_repo', 'only supported for Git repositories');
  if (tryResolveRevision(repo.root, 'HEAD') === undefined) return undefined;
  const from = resolveRevision(repo.root, command.from);
  const to = command.to === undefined ? undefined : resolveRevision(repo.root, command.to);
  // DVC looks at targets only when the two have different names.
  if (from === to && command.from !== command.to) return undefined;
  const old = select(repo, stagesAt(repo, from), command.targets);
  const now = select(repo, to === undefined ? repo.stages() : stagesAt(repo, to), command.targets);
  refuseUnknown(old.unknown, now.unknown);
  const before = recordedEntries(repo, old.outs, true);
  const after =
    to === undefined ? await workspaceEntries(repo, now.outs, true, command) : recordedEntries(repo, now.outs, true);
  const report = {
    added: [] as DiffEntry[],
    deleted: [] as DiffEntry[],
    modified: [] as DiffEntry[],
    renamed: [] as DiffEntry[],
    'not in cache': [] as DiffEntry[],
  };
  for (const { kind, old, new: now } of diffEntries(byName(before), byName(after))) {
    if (kind === 'added') report.added.push({ path: now?.path ?? '', hash: now?.md5 });
    else if (kind === 'deleted') report.deleted.push({ path: old?.path ?? '', hash: old?.md5 });
    else if (kind === 'modified') {
      report.modified.push({ path: old?.path ?? '', hash: { old: old?.md5 ?? '', new: now?.md5 ?? '' } });
    } else if (kind === 'renamed') {
      report.renamed.push({ path: { old: old?.path ?? '', new: now?.path ?? '' }, hash: old?.md5 });
    }
  }
  if (command.to === undefined) {
    report['not in cache'].push(...notInCache(repo, before.values()).map(({ path, md5 }) => ({ path, hash: md5 })));
  }
  const sorted = Object.fromEntries(Object.entries(report).map(([kind, list]) => [kind, inPathOrder(list)]));
  return Object.values(report).every((list) => list.length === 0) ? undefined : (sorted as unknown as DiffReport);
}

function stagesAt(repo: DataRepo, commit: string): readonly Stage[] {
  return repo.stagesOf(revisionTree(repo.root, commit));
}

interface Selection {
  readonly outs: readonly SelectedOut[];
  /** Targets that this side does not know. */
  readonly unknown: ReadonlySet<string>;
}

function select(repo: DataRepo, stages: readonly Stage[], targets: readonly string[]): Selection {
  if (targets.length === 0) return { outs: stages.flatMap((stage) => outsOf(stage, undefined)), unknown: new Set() };
  const found = targets.map((target) => selectFrom(repo, stages, target));
  return {
    outs: found.flatMap((selected) => selected.flatMap(({ stage, only }) => outsOf(stage, only))),
    unknown: new Set(targets.filter((_, i) => found[i]?.length === 0)),
  };
}

/** A target may be in one of the two only. */
function refuseUnknown(before: ReadonlySet<string>, after: ReadonlySet<string>): void {
  const [nowhere] = [...before].filter((target) => after.has(target));
  if (nowhere === undefined) return;
  throw new MlopsError('unknown_stage', `[Errno 2] No such file or directory: '${nowhere}'`, { exit: 255 });
}

function inPathOrder(list: readonly DiffEntry[]): DiffEntry[] {
  const key = ({ path }: DiffEntry): string => (typeof path === 'string' ? path : path.old);
  return [...list].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}
