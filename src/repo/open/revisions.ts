import { groupBy, MlopsError } from '../../base/index.ts';
import {
  findGitRoot,
  gitState,
  listBranches,
  listCommits,
  listRefHashes,
  listTags,
  resolveRevision,
  revisionTree,
  tryResolveRevision,
  worktreeTree,
  type Tree,
} from '../../git/index.ts';

/** One state of the project that a listing shows: the work tree or a commit, under the names it was asked by. */
export interface Revision {
  /** As DVC shows it: `workspace`, or the names joined by commas; '' when only the work tree was asked for. */
  readonly label: string;
  readonly names: readonly string[];
  /** Undefined for the work tree. */
  readonly commit: string | undefined;
  /** The project's files; read from Git when first asked for. */
  readonly tree: () => Tree;
}

export interface RevisionChoice {
  readonly revisions?: readonly string[];
  readonly allBranches?: boolean;
  readonly allTags?: boolean;
  readonly allCommits?: boolean;
}

/**
 * The states that `-a`, `-T`, `-A` and named revisions select: the work tree first, then each commit once,
 * in the order asked for. Without any choice only the work tree, under the name ''.
 *
 * @param root absolute path of the project; Git's own root may be above it.
 * @throws MlopsError `unknown_revision`; `not_a_git_repo` when commits are asked for without Git.
 */
export function selectRevisions(root: string, choice: RevisionChoice = {}): Revision[] {
  const { revisions = [], allBranches = false, allTags = false, allCommits = false } = choice;
  const workspace = (label: string): Revision => ({
    label,
    names: [label],
    commit: undefined,
    tree: () => worktreeTree(root),
  });
  if (revisions.length === 0 && !allBranches && !allTags && !allCommits) return [workspace('')];
  const named = revisions.filter((name) => name !== 'workspace');
  requireGit(root);
  const names = [...named];
  if (allCommits) names.push(...listCommits(root));
  else {
    if (allBranches) names.push(...listBranches(root));
    if (allTags) names.push(...listTags(root));
  }
  const groups = groupBy(new Set(names), (name) => resolveProjectRevision(root, name));
  return [workspace('workspace'), ...[...groups].map(([commit, group]) => commitOf(root, commit, group))];
}

/** The state a single name stands for: `workspace`, or anything Git can resolve. */
export function selectRevision(root: string, name: string): Revision {
  if (name === 'workspace') return { label: name, names: [name], commit: undefined, tree: () => worktreeTree(root) };
  return commitOf(root, resolveProjectRevision(root, name), [name]);
}

/** Throws `not_a_git_repo` where a project has no revisions to show. */
export function requireGit(root: string): void {
  if (findGitRoot(root) !== undefined) return;
  throw new MlopsError('not_a_git_repo', 'Only supported for Git repositories.', {
    hint: 'run `git init` and commit; without Git only the workspace can be shown',
  });
}

/** The branch that is checked out; undefined when HEAD is detached or there is no Git. */
export function activeBranch(root: string): string | undefined {
  return findGitRoot(root) === undefined ? undefined : gitState(root).branch;
}

/** A commit hash for a revision as users write it, experiments by their name included. */
export function resolveProjectRevision(root: string, name: string): string {
  const direct = tryResolveRevision(root, name);
  if (direct !== undefined) return direct;
  return experimentCommit(root, name) ?? resolveRevision(root, name);
}

function experimentCommit(root: string, name: string): string | undefined {
  if (!/^[\w.-]+$/.test(name) || /^(HEAD|ORIG_HEAD)$/.test(name)) return undefined;
  const commits = [...listRefHashes(root, 'refs/exps/')]
    .filter(([ref]) => /^refs\/exps\/[0-9a-f]{2}\/[0-9a-f]{38}\/./.test(ref) && ref.endsWith(`/${name}`))
    .map(([, hash]) => hash);
  if (new Set(commits).size > 1) {
    throw new MlopsError('unknown_revision', `ambiguous Git revision '${name}'`, {
      hint: 'several experiments have this name: give the commit hash instead (see `mlops exp list -A`)',
    });
  }
  return commits[0];
}

function commitOf(root: string, commit: string, names: readonly string[]): Revision {
  let tree: Tree | undefined;
  return { label: names.join(','), names, commit, tree: () => (tree ??= revisionTree(root, commit)) };
}
