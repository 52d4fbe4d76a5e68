import type { Tree, TreePath } from './tree.ts';

/** A folder of a tree as a tree of its own. */
export function subTree(tree: Tree, folder: TreePath): Tree {
  const at = (name: TreePath): TreePath => (name === '' ? folder : `${folder}/${name}`);
  return {
    kind: tree.kind,
    label: tree.label,
    root: tree.root === undefined ? undefined : `${tree.root}/${folder}`,
    list: (dir) => tree.list(at(dir)),
    ...(tree.folders === undefined ? {} : { folders: (dir) => tree.folders?.(at(dir)) ?? [] }),
    entry: (name) => tree.entry(at(name)),
    read: (name) => tree.read(at(name)),
    prefetch: (paths) => tree.prefetch(paths.map(at)),
  };
}
