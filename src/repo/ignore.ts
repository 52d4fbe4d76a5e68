import type { Tree, TreePath } from '../git/index.ts';
import { IgnoreRules } from '../project/index.ts';

/** Tells whether `.dvcignore` or DVC's defaults leave a path of a tree out. */
export function openIgnore(tree: Tree): (file: TreePath, isDirectory: boolean) => boolean {
  const rules = new IgnoreRules(tree);
  return (file, isDirectory) => rules.ignored(file, isDirectory);
}
