import * as path from 'node:path';

import { compareCodePoints } from '../base/index.ts';
import type { TreeEntry, TreePath } from './tree.ts';

/** A file, link or foreign thing of a tree that does not change, by its path. */
export interface Leaf {
  readonly kind: TreeEntry['kind'];
  readonly executable: boolean;
}

/** Directory structure of a fixed set of leaves: what memory and revision trees have in common. */
export interface StaticIndex<L extends Leaf> {
  readonly list: (dir: TreePath) => readonly TreeEntry[];
  readonly entry: (name: TreePath) => TreeEntry | undefined;
  /** The leaf behind a path after following links, with its own path. */
  readonly resolve: (name: TreePath) => { readonly path: TreePath; readonly leaf: L } | undefined;
}

/** Builds the index; `readLink` gives the target text of a leaf of kind `link`. */
export function staticIndex<L extends Leaf>(
  leaves: ReadonlyMap<TreePath, L>,
  readLink: (name: TreePath, leaf: L) => string,
): StaticIndex<L> {
  const dirs = directories(leaves);
  const sorted = new Map<TreePath, readonly TreeEntry[]>();
  const hasLinks = [...leaves.values()].some(({ kind }) => kind === 'link');
  const follow = (name: TreePath): TreePath | undefined => (hasLinks ? followLinks(name, leaves, readLink) : name);

  function list(dir: TreePath): readonly TreeEntry[] {
    const real = dir === '' ? '' : follow(dir);
    if (real === undefined) return [];
    const known = sorted.get(real);
    if (known !== undefined) return known;
    const entries = [...(dirs.get(real)?.values() ?? [])].sort((a, b) => compareCodePoints(a.name, b.name));
    sorted.set(real, entries);
    return entries;
  }

  function entry(name: TreePath): TreeEntry | undefined {
    if (name === '') return { name: '', kind: 'dir', executable: false };
    const parent = path.posix.dirname(name);
    const real = parent === '.' ? '' : follow(parent);
    return real === undefined ? undefined : dirs.get(real)?.get(path.posix.basename(name));
  }

  function resolve(name: TreePath): { readonly path: TreePath; readonly leaf: L } | undefined {
    const real = follow(name);
    const leaf = real === undefined ? undefined : leaves.get(real);
    return real === undefined || leaf === undefined ? undefined : { path: real, leaf };
  }

  return { list, entry, resolve };
}

function directories<L extends Leaf>(leaves: ReadonlyMap<TreePath, L>): Map<TreePath, Map<string, TreeEntry>> {
  const dirs = new Map<TreePath, Map<string, TreeEntry>>([['', new Map()]]);
  const childrenOf = (dir: TreePath): Map<string, TreeEntry> => {
    const known = dirs.get(dir);
    if (known !== undefined) return known;
    const children = new Map<string, TreeEntry>();
    dirs.set(dir, children);
    const [parent, name] = splitPath(dir);
    childrenOf(parent).set(name, { name, kind: 'dir', executable: false });
    return children;
  };
  for (const [file, { kind, executable }] of leaves) {
    const [parent, name] = splitPath(file);
    childrenOf(parent).set(name, { name, kind, executable });
  }
  return dirs;
}

function splitPath(name: TreePath): [parent: TreePath, name: string] {
  const slash = name.lastIndexOf('/');
  return slash < 0 ? ['', name] : [name.slice(0, slash), name.slice(slash + 1)];
}

/** The path without links, or undefined for a loop, and for a link out of the tree. */
function followLinks<L extends Leaf>(
  name: TreePath,
  leaves: ReadonlyMap<TreePath, L>,
  readLink: (name: TreePath, leaf: L) => string,
): TreePath | undefined {
  // Steps still to go, the next one last.
  const rest = name.split('/').reverse();
  let done = '';
  for (let hops = 0; rest.length > 0;) {
    const part = rest.pop() ?? '';
    const here = done === '' ? part : `${done}/${part}`;
    const leaf = leaves.get(here);
    if (leaf?.kind !== 'link') {
      done = here;
      continue;
    }
    if (++hops > 40) return undefined;
    const target = readLink(here, leaf);
    const joined = path.posix.normalize(path.posix.join(done === '' ? '.' : done, target));
    if (target.startsWith('/') || joined === '..' || joined.startsWith('../')) return undefined;
    if (joined !== '.') rest.push(...joined.replace(/\/$/, '').split('/').reverse());
    done = '';
  }
  return done;
}
