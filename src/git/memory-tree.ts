import { staticIndex, type Leaf } from './static-tree.ts';
import type { Tree, TreePath } from './tree.ts';

/** A file of a memory tree: its content, or a link to another path of the tree. */
export type MemoryFile =
  | string
  | Uint8Array
  | { readonly content: string | Uint8Array; readonly executable?: boolean }
  | { readonly link: string };

interface MemoryLeaf extends Leaf {
  readonly content: Uint8Array;
}

/** A tree that was never on disk, for parsing without files. */
export function memoryTree(files: Readonly<Record<TreePath, MemoryFile>>, label = 'memory'): Tree {
  const leaves = new Map(Object.entries(files).map(([name, file]) => [name, leafOf(file)]));
  const index = staticIndex(leaves, (_, leaf) => Buffer.from(leaf.content).toString('utf8'));
  return {
    kind: 'memory',
    label,
    root: undefined,
    list: index.list,
    entry: index.entry,
    read(name) {
      const found = index.resolve(name);
      return found?.leaf.kind === 'file' ? found.leaf.content : undefined;
    },
    prefetch: () => undefined,
  };
}

function leafOf(file: MemoryFile): MemoryLeaf {
  if (typeof file === 'string' || file instanceof Uint8Array) return leafOf({ content: file });
  if ('link' in file) return { kind: 'link', executable: false, content: bytes(file.link) };
  return { kind: 'file', executable: file.executable === true, content: bytes(file.content) };
}

function bytes(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
}
