import { MlopsError, privateFolderName } from '../base/index.ts';
import { resolveRevision } from './repository.ts';
import { runGit, splitNul } from './run.ts';
import { staticIndex, type Leaf } from './static-tree.ts';
import type { Tree, TreePath } from './tree.ts';

interface BlobLeaf extends Leaf {
  readonly blob: string;
}

export interface RevisionTree extends Tree {
  readonly kind: 'revision';
  /** Full hash of the commit. */
  readonly commit: string;
}

/**
 * The files of a Git revision below a directory of the work tree (the whole repository when that is its
 * top). One call lists all; contents come in batches by `prefetch`, or one by one.
 *
 * @throws MlopsError `unknown_revision`, `not_a_git_repo`, `git_failed`, `bad_git_tree`.
 */
export function revisionTree(root: string, revision: string): RevisionTree {
  const commit = resolveRevision(root, revision);
  const leaves = listLeaves(root, commit);
  const contents = new Map<string, Uint8Array>();
  const load = (blobs: readonly string[]): void => {
    const missing = [...new Set(blobs)].filter((blob) => !contents.has(blob));
    for (const [blob, content] of readBlobs(root, missing)) contents.set(blob, content);
  };
  const contentOf = (leaf: BlobLeaf): Uint8Array => {
    load([leaf.blob]);
    return contents.get(leaf.blob) ?? new Uint8Array();
  };
  const index = staticIndex(leaves, (_, leaf) => Buffer.from(contentOf(leaf)).toString('utf8'));
  const fileAt = (name: TreePath): BlobLeaf | undefined => {
    const leaf = index.resolve(name)?.leaf;
    return leaf?.kind === 'file' ? leaf : undefined;
  };
  return {
    kind: 'revision',
    label: revision,
    root: undefined,
    commit,
    list: index.list,
    entry: index.entry,
    read(name) {
      const leaf = fileAt(name);
      return leaf === undefined ? undefined : contentOf(leaf);
    },
    prefetch(paths) {
      load(paths.flatMap((name) => fileAt(name)?.blob ?? []));
    },
  };
}

/**
 * `git ls-tree` run in a subdirectory lists that subdirectory only, with paths relative to it.
 * @throws MlopsError `bad_git_tree` for entries that `git fsck` reports: whoever made the tree wants to lead us astray.
 */
function listLeaves(root: string, commit: string): Map<TreePath, BlobLeaf> {
  const leaves = new Map<TreePath, BlobLeaf>();
  const folders = new Set<TreePath>();
  for (const line of splitNul(runGit(root, ['ls-tree', '-r', '-t', '-z', commit]).stdout)) {
    const tab = line.indexOf('\t');
    const [mode = '', type = '', blob = ''] = line.slice(0, tab).split(' ');
    const name = line.slice(tab + 1);
    // The subdirectory itself, and the folders above it.
    if (type === 'tree' && /^(?:\.\.\/)*(?:\.\/)?$/.test(name)) continue;
    const wrong = entryFault(name, folders, leaves);
    if (wrong !== undefined) throw badTree(commit, name, wrong);
    if (type === 'tree') folders.add(name);
    else leaves.set(name, { kind: kindOf(mode, type), executable: mode === '100755', blob });
  }
  return leaves;
}

function entryFault(
  name: TreePath,
  folders: ReadonlySet<TreePath>,
  leaves: ReadonlyMap<TreePath, BlobLeaf>,
): string | undefined {
  const fault = gitPathFault(name);
  if (fault !== undefined) return fault;
  // Trees come before what is in them: without its folder, an entry has the slash in its own name.
  const slash = name.lastIndexOf('/');
  if (slash > 0 && !folders.has(name.slice(0, slash))) return 'has a slash in its name';
  // Names that are no UTF-8 look alike here.
  const isTwice = (leaves.has(name) || folders.has(name)) && !name.includes('\ufffd');
  return isTwice ? 'is there twice' : undefined;
}

/** What `git fsck` reports of the names in a path; a backslash is a part of a name unless it hides one of these. */
function gitPathFault(name: TreePath): string | undefined {
  for (const part of name.split(/[/\\]/)) {
    if (part === '') return 'has an empty name';
    if (part === '.' || part === '..') return `is named '${part}'`;
    if (privateFolderName(part) === '.git') return "means '.git'";
  }
  return undefined;
}

function badTree(commit: string, name: string, why: string): MlopsError {
  return new MlopsError('bad_git_tree', `the Git tree of ${commit.slice(0, 7)} has an entry that ${why}: '${name}'`, {
    hint: 'no Git of its own makes such a tree: do not use this repository (`git fsck` in a clone says the same)',
    data: { path: name },
  });
}

function kindOf(mode: string, type: string): Leaf['kind'] {
  if (mode === '120000') return 'link';
  // A submodule is a directory whose files belong to another repository.
  return type === 'commit' ? 'dir' : 'file';
}

function readBlobs(root: string, blobs: readonly string[]): Map<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>();
  if (blobs.length === 0) return contents;
  const output = runGit(root, ['cat-file', '--batch'], { input: `${blobs.join('\n')}\n` }).stdout;
  let position = 0;
  for (const blob of blobs) {
    const lineEnd = output.indexOf(0x0a, position);
    const header = output.toString('utf8', position, lineEnd);
    const size = Number(header.split(' ')[2]);
    if (!Number.isInteger(size)) {
      throw new MlopsError('git_failed', `git has no object ${blob}: ${header}`, {
        hint: 'the clone may be partial or damaged: try `git fsck` and `git fetch`',
      });
    }
    contents.set(blob, output.subarray(lineEnd + 1, lineEnd + 1 + size));
    position = lineEnd + 1 + size + 1;
  }
  return contents;
}
