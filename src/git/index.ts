/** The repository: trees to read a project from, revisions, ignore rules, hooks. */
export type { Tree, TreeEntry, TreePath } from './tree.ts';
