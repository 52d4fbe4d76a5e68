/**
 * The Git side of a project: trees to read from, revisions, ignore rules, hooks.
 *
 * Words: a *tree* is a state of files (work tree, revision, memory) behind one synchronous port; a *tree path* is
 * relative to its root with forward slashes; a *revision* is what Git resolves to a commit.
 * Never: reads DVC's files, or changes history that it did not make.
 */
export type { Tree, TreeEntry, TreePath } from './tree.ts';
export { worktreeTree } from './worktree-tree.ts';
export { memoryTree, type MemoryFile } from './memory-tree.ts';
export { subTree } from './sub-tree.ts';
export { revisionTree, type RevisionTree } from './revision-tree.ts';
export {
  findGitRoot,
  gitIdentity,
  gitState,
  headCommit,
  listBranches,
  listCommits,
  listRefHashes,
  listTags,
  recentCommits,
  requireGitRoot,
  resolveRevision,
  stageFiles,
  startGitState,
  trackedByGit,
  trackedLinks,
  tryResolveRevision,
  type GitState,
} from './repository.ts';
export {
  addToGitignore,
  appendToGitignore,
  ignoredByGit,
  removeFromGitignore,
  startIgnoredByGit,
} from './gitignore.ts';
export { installHooks, installMergeDriver } from './hooks.ts';
export { cloneRepository, fetchRepository, initRepository, type CloneOptions, type InitResult } from './clone.ts';
export { indexEntries, type IndexEntry } from './index-file.ts';
export { startWorkPatch, type WorkPatch } from './patch.ts';
export { gitText, onlyOwnRepositories, runGit } from './run.ts';
export { restoreFiles, snapshotCommit, updateRef, type SnapshotOptions } from './snapshot.ts';
