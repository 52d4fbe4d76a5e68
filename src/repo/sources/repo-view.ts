import * as fs from 'node:fs';
import * as path from 'node:path';

import { isDirectoryId, type Content, type TreeFile } from '../../data/index.ts';
import type { Tree, TreePath } from '../../git/index.ts';
import type { Stage } from '../../project/index.ts';
import { contentOf } from '../open/content-of.ts';
import { isStageFile } from '../open/collect.ts';

/** A file or folder of a repository, whether Git has it or a DVC output. */
export interface ViewEntry {
  readonly name: string;
  readonly path: TreePath;
  readonly kind: 'file' | 'dir';
  readonly executable: boolean;
  /** It can be read from the tree; otherwise only its content's address is known. */
  readonly inTree: boolean;
  /** It is an output, or lies inside one. */
  readonly isOut: boolean;
  /** The address of its content: outputs, and files inside of them. */
  readonly content: Content | undefined;
  /** Bytes as DVC tells them: of files, of whole outputs, and what a folder itself takes. Undefined when unknown. */
  readonly size: number | undefined;
}

/** The files of a repository at one state, Git's and DVC's together. */
export interface RepoView {
  /** @returns undefined when there is nothing. */
  entry(path: TreePath): Promise<ViewEntry | undefined>;
  /** What is in a folder, in code point order. @throws MlopsError where a manifest cannot be had. */
  list(path: TreePath, options?: { readonly dvcOnly?: boolean }): Promise<readonly ViewEntry[]>;
}

export interface ViewSource {
  readonly tree: Tree;
  readonly stages: readonly Stage[];
  ignored(path: TreePath, isDirectory: boolean): boolean;
  /** The files of a folder output, fetched where it is not at hand. */
  manifest(content: Content): Promise<readonly TreeFile[]>;
}

/** A node of what DVC knows: folders above outputs, outputs, and what is inside of them. */
interface Node {
  readonly children: Map<string, Node>;
  /** The output is this node or above it. */
  isOut: boolean;
  content: Content | undefined;
  /** A folder output whose files were put below this node. */
  expanded: boolean;
}

/** Joins a tree with the outputs that its stages record. */
export function repoView(source: ViewSource): RepoView {
  const root = plant(source.stages);
  const find = async (parts: readonly string[]): Promise<Node | undefined> => {
    let node: Node | undefined = root;
    for (const part of parts) {
      await expand(node, source);
      node = node.children.get(part);
      if (node === undefined) return undefined;
    }
    return node;
  };
  const treeEntry = (file: TreePath): TreeFacts | undefined => {
    // Our own folder is nobody's content: a listing is the same before and after the first command of ours.
    if (file === '.mlops' || file.startsWith('.mlops/') || file.includes('/.mlops')) return undefined;
    const facts = factsIn(source.tree, file);
    return facts === undefined || (file !== '' && source.ignored(file, facts.kind === 'dir')) ? undefined : facts;
  };
  return {
    async entry(file) {
      const facts = treeEntry(file);
      const node = await find(partsOf(file));
      return merge(file, facts, node === root && source.stages.length === 0 ? undefined : node);
    },
    async list(dir, options = {}) {
      const own = await find(partsOf(dir));
      const here = treeEntry(dir);
      const node = own !== undefined && here !== undefined && kindOf(own) !== here.kind ? undefined : own;
      if (node !== undefined) await expand(node, source);
      const names = new Set(node?.children.keys());
      if (options.dvcOnly !== true && here !== undefined) {
        for (const { name } of source.tree.list(dir)) names.add(name);
      }
      return [...names].sort(byCodePoint).flatMap((name) => {
        const file = dir === '' ? name : `${dir}/${name}`;
        const facts = options.dvcOnly === true ? undefined : treeEntry(file);
        return merge(file, facts, node?.children.get(name)) ?? [];
      });
    },
  };
}

/** Files that only describe data: copies of a folder leave them out, as DVC does. */
export function isDvcFile(name: string): boolean {
  return (isStageFile(name) && name !== 'dvc.lock') || name === '.dvcignore';
}

function plant(stages: readonly Stage[]): Node {
  const root = newNode(false);
  for (const stage of stages) {
    for (const out of stage.outs) {
      const content = contentOf(out.info);
      if (!out.cache || out.path === undefined) continue;
      let node = root;
      for (const part of partsOf(out.path)) node = childOf(node, part, false);
      node.isOut = true;
      node.content = content;
    }
  }
  return root;
}

function newNode(isOut: boolean): Node {
  return { children: new Map(), isOut, content: undefined, expanded: false };
}

function childOf(node: Node, name: string, isOut: boolean): Node {
  let child = node.children.get(name);
  if (child === undefined) node.children.set(name, (child = newNode(isOut)));
  return child;
}

async function expand(node: Node, source: ViewSource): Promise<void> {
  const { content } = node;
  if (node.expanded || content === undefined || !isDirectoryId(content.md5)) return;
  node.expanded = true;
  for (const { relpath, md5 } of await source.manifest(content)) {
    let child = node;
    for (const part of relpath.split('/')) child = childOf(child, part, true);
    child.content = { md5, hashName: content.hashName };
  }
}

function kindOf(node: Node): 'file' | 'dir' {
  // Of an output whose hash is not recorded yet nobody knows what it is; DVC takes it for a file.
  if (node.content === undefined) return node.isOut && node.children.size === 0 ? 'file' : 'dir';
  return isDirectoryId(node.content.md5) ? 'dir' : 'file';
}

function merge(file: TreePath, facts: TreeFacts | undefined, node: Node | undefined): ViewEntry | undefined {
  if (facts === undefined && node === undefined) return undefined;
  const inTree = facts !== undefined;
  return {
    name: path.posix.basename(file),
    path: file,
    kind: facts?.kind ?? (node === undefined ? 'dir' : kindOf(node)),
    executable: facts === undefined ? false : facts.executable,
    inTree,
    isOut: node?.isOut ?? false,
    content: node?.content,
    size: facts === undefined ? recordedSize(node) : facts.size(),
  };
}

function recordedSize(node: Node | undefined): number | undefined {
  if (node === undefined) return undefined;
  return node.content === undefined && kindOf(node) === 'file' ? 0 : node.content?.size;
}

interface TreeFacts {
  readonly kind: 'file' | 'dir';
  readonly executable: boolean;
  size(): number;
}

function factsIn(tree: Tree, file: TreePath): TreeFacts | undefined {
  if (tree.root !== undefined) {
    const stat = fs.statSync(path.join(tree.root, file), { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const kind = stat.isDirectory() ? 'dir' : 'file';
    return { kind, executable: kind === 'file' && (stat.mode & 0o100) !== 0, size: () => stat.size };
  }
  const entry = tree.entry(file);
  if (entry === undefined) return undefined;
  if (entry.kind === 'dir' || (entry.kind === 'link' && tree.list(file).length > 0)) {
    return { kind: 'dir', executable: false, size: () => gitTreeSize(tree, file) };
  }
  return { kind: 'file', executable: entry.executable, size: () => tree.read(file)?.length ?? 0 };
}

/** Bytes of a folder's object in Git: for each entry its mode, name, two separators and a hash. */
function gitTreeSize(tree: Tree, dir: TreePath): number {
  return tree
    .list(dir)
    .reduce((sum, { name, kind }) => sum + Buffer.byteLength(name) + (kind === 'dir' ? 5 : 6) + 2 + 20, 0);
}

function partsOf(file: TreePath): string[] {
  return file === '' ? [] : file.split('/');
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * The path that a user gave inside a repository, from the folder in it where they stand; above its top there is
 * nothing, as for DVC. Nothing given is the top.
 */
export function pathInside(given: string | undefined, standpoint: TreePath = ''): TreePath {
  const start = given === undefined || given === '' ? '' : standpoint;
  return path.posix.resolve(`/${start}`, given ?? '').replace(/^\//, '');
}
