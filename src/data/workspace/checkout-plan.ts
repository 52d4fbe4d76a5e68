import * as fs from 'node:fs';
import * as path from 'node:path';

import { isDirectoryId, type Content, type TreeFile } from '../ids/content.ts';
import type { DataContext, WorkOptions } from '../context/context.ts';
import { missingObjects, fileContent } from './file.ts';
import { warmLanes } from '../jobs/lanes.ts';
import type { LinkType } from '../jobs/links.ts';
import { readManifest } from './manifest-file.ts';
import { hexAt } from '../ids/digest.ts';
import { cachePath, objectBehindLink, readTree, type WorkspaceTree } from './tree.ts';

export interface PlanOptions extends WorkOptions {
  /** Re-create links that are not of the configured type. */
  readonly relink?: boolean;
  /** Only this file or folder inside a directory output (relative path). */
  readonly only?: string | undefined;
}

/** What has to be done to give an output its recorded content. Nothing has been touched yet. */
export interface CheckoutPlan {
  readonly path: string;
  readonly content: Content;
  readonly kind: 'added' | 'modified' | 'deleted' | 'unchanged';
  /** Files by what happens to them, for summaries. */
  readonly counts: { readonly added: number; readonly modified: number; readonly deleted: number };
  /** Absolute paths to delete before anything is made; files that will be replaced are not among them. */
  readonly remove: readonly string[];
  /** Folders (absolute) that hold no file and are to go: a manifest knows none. */
  readonly emptyFolders?: readonly string[];
  /** Absolute path and digest of files to make. */
  readonly create: readonly { readonly file: string; readonly md5: string }[];
  /** The output is a directory that does not exist yet: made aside, then moved into place in one step. */
  readonly fresh: boolean;
  /** Set or clear nothing when undefined. True: the owner's x-bit is missing. */
  readonly makeExecutable: boolean;
  /** Files that would be lost: their content is in no cache. */
  readonly unsaved: readonly string[];
  /** Digests of objects that are needed and not in the cache. */
  readonly missing: readonly string[];
}

/** Compares the workspace with the recorded content of an output. */
export async function planCheckout(
  ctx: DataContext,
  target: string,
  content: Content,
  options: PlanOptions = {},
): Promise<CheckoutPlan> {
  ctx.places?.require(target);
  return isDirectoryId(content.md5)
    ? planDirectory(ctx, target, content, options)
    : planFile(ctx, target, content, options);
}

async function planFile(
  ctx: DataContext,
  target: string,
  content: Content,
  options: PlanOptions,
): Promise<CheckoutPlan> {
  const stat = fs.lstatSync(target, { throwIfNoEntry: false });
  const isDirectory =
    stat?.isDirectory() === true ||
    (stat !== undefined && fs.statSync(target, { throwIfNoEntry: false })?.isDirectory() === true);
  const base = {
    path: target,
    content,
    fresh: false,
    makeExecutable: false,
    remove: [],
    unsaved: [],
    missing: [],
    create: [],
  };
  if (isDirectory) return planFileOverDirectory(ctx, target, content, options);
  const current = stat === undefined ? undefined : await currentFile(ctx, target, content, options);
  const wantsExecutable = content.isexec === true;
  if (current?.md5 === content.md5) {
    const makeExecutable = wantsExecutable && current.isexec !== true;
    const relink = options.relink === true && !isLinkedRight(ctx, target, content.md5, content);
    const kind = makeExecutable ? 'modified' : 'unchanged';
    const counts = { added: 0, modified: makeExecutable ? 1 : 0, deleted: 0 };
    if (!relink) return { ...base, kind, counts, makeExecutable };
    return withMissing(ctx, {
      ...base,
      kind,
      counts,
      makeExecutable: wantsExecutable,
      create: [{ file: target, md5: content.md5 }],
    });
  }
  const unsaved = current !== undefined && !isSaved(ctx, current) ? [target] : [];
  return withMissing(ctx, {
    ...base,
    kind: stat === undefined ? 'added' : 'modified',
    counts: { added: stat === undefined ? 1 : 0, modified: stat === undefined ? 0 : 1, deleted: 0 },
    create: [{ file: target, md5: content.md5 }],
    makeExecutable: wantsExecutable,
    unsaved,
  });
}

/** A link that leads nowhere counts as nothing to lose. */
async function currentFile(
  ctx: DataContext,
  target: string,
  content: Content,
  options: WorkOptions,
): Promise<Content | undefined> {
  if (!fs.existsSync(target)) return undefined;
  return fileContent(ctx, target, { ...options, hashName: content.hashName });
}

async function planFileOverDirectory(
  ctx: DataContext,
  target: string,
  content: Content,
  options: PlanOptions,
): Promise<CheckoutPlan> {
  const tree = await readTree(ctx, target, { ...options, hashName: content.hashName, skipBroken: true });
  const files = tree.files();
  return withMissing(ctx, {
    path: target,
    content,
    kind: 'modified',
    counts: { added: 0, modified: 1, deleted: files.length },
    remove: [target],
    create: [{ file: target, md5: content.md5 }],
    fresh: false,
    makeExecutable: content.isexec === true,
    unsaved: unsavedOf(ctx, target, files, content),
    missing: [],
  });
}

async function planDirectory(
  ctx: DataContext,
  target: string,
  content: Content,
  options: PlanOptions,
): Promise<CheckoutPlan> {
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  const base = { path: target, content, makeExecutable: false };
  const tree =
    stat?.isDirectory() === true
      ? await readTree(ctx, target, { ...options, hashName: content.hashName, skipBroken: true })
      : undefined;
  if (tree?.md5 === content.md5 && options.relink !== true) {
    const emptyFolders = options.only === undefined ? foldersWithoutFiles(tree) : [];
    return {
      ...base,
      kind: emptyFolders.length > 0 ? 'modified' : 'unchanged',
      counts: { ...none, deleted: emptyFolders.length },
      remove: [],
      emptyFolders,
      create: [],
      fresh: false,
      unsaved: [],
      missing: [],
    };
  }
  const wanted = manifestIfThere(ctx, content);
  if (wanted === undefined) {
    return {
      ...base,
      kind: 'unchanged',
      counts: none,
      remove: [],
      create: [],
      fresh: false,
      unsaved: [],
      missing: [content.md5],
    };
  }
  if (tree === undefined) return planFresh(ctx, target, content, wanted, stat !== undefined, options);
  return planUpdate(ctx, target, content, tree, wanted, options);
}

const none = { added: 0, modified: 0, deleted: 0 };

function manifestIfThere(ctx: DataContext, content: Content): TreeFile[] | undefined {
  return ctx.hasObject(content.md5, content.hashName) ? readManifest(ctx, content) : undefined;
}

async function planFresh(
  ctx: DataContext,
  target: string,
  content: Content,
  wanted: readonly TreeFile[],
  isOccupied: boolean,
  options: PlanOptions,
): Promise<CheckoutPlan> {
  const create = wanted.filter(({ relpath }) => isWithin(relpath, options.only)).map((file) => place(target, file));
  const occupant = isOccupied ? await currentFile(ctx, target, content, options) : undefined;
  return withMissing(ctx, {
    path: target,
    content,
    kind: isOccupied ? 'modified' : 'added',
    counts: { ...none, added: create.length },
    remove: isOccupied ? [target] : [],
    create,
    fresh: true,
    makeExecutable: false,
    unsaved: occupant !== undefined && !isSaved(ctx, occupant) ? [target] : [],
    missing: [],
  });
}

function planUpdate(
  ctx: DataContext,
  target: string,
  content: Content,
  tree: WorkspaceTree,
  wanted: readonly TreeFile[],
  options: PlanOptions,
): CheckoutPlan {
  const old = new Map(tree.files().map(({ relpath, md5 }) => [relpath, md5]));
  const linked = options.relink === true ? linkedRight(ctx, tree, content) : undefined;
  const create: { file: string; md5: string }[] = [];
  const replaced: TreeFile[] = [];
  let added = 0;
  for (const file of wanted) {
    const before = old.get(file.relpath);
    old.delete(file.relpath);
    if (!isWithin(file.relpath, options.only)) continue;
    if (before === file.md5 && linked?.has(file.relpath) !== false) continue;
    create.push(place(target, file));
    if (before === undefined) added++;
    else if (before !== file.md5) replaced.push({ relpath: file.relpath, md5: before });
  }
  const extra = [...old]
    .filter(([relpath]) => isWithin(relpath, options.only))
    .map(([relpath, md5]) => ({ relpath, md5 }));
  // DVC counts folders that vanish among the deleted files.
  const emptyFolders = options.only === undefined ? foldersWithoutFiles(tree) : [];
  const gone = options.only === undefined ? vanishedFolders(extra, emptyFolders, target, wanted) : 0;
  const counts = { added, modified: replaced.length, deleted: extra.length + gone };
  const changed = added + replaced.length + extra.length + gone > 0;
  return withMissing(ctx, {
    path: target,
    content,
    kind: changed ? 'modified' : 'unchanged',
    counts,
    remove: extra.map(({ relpath }) => `${target}/${relpath}`),
    emptyFolders,
    create,
    fresh: false,
    makeExecutable: false,
    unsaved: unsavedOf(ctx, target, [...replaced, ...extra], content),
    missing: [],
  });
}

function vanishedFolders(
  extra: readonly TreeFile[],
  empty: readonly string[],
  target: string,
  wanted: readonly TreeFile[],
): number {
  if (extra.length + empty.length === 0) return 0;
  const folders = foldersOf(extra);
  for (const folder of empty) folders.add(folder.slice(target.length + 1));
  for (const folder of foldersOf(wanted)) folders.delete(folder);
  return folders.size;
}

/** Absolute paths of the folders in a tree that hold no file at any depth. */
function foldersWithoutFiles(tree: WorkspaceTree): string[] {
  const full = new Set<string>(['']);
  for (const { relative, names } of tree.directories) {
    if (names.length === 0) continue;
    for (let at = relative; !full.has(at); at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) full.add(at);
  }
  return tree.directories.flatMap((directory) => (full.has(directory.relative) ? [] : [directory.path]));
}

function foldersOf(files: readonly TreeFile[]): Set<string> {
  const folders = new Set<string>();
  for (const { relpath } of files) {
    for (let at = relpath.lastIndexOf('/'); at > 0; at = relpath.lastIndexOf('/', at - 1)) {
      const folder = relpath.slice(0, at);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  return folders;
}

function place(target: string, file: TreeFile): { file: string; md5: string } {
  return { file: `${target}/${file.relpath}`, md5: file.md5 };
}

function isWithin(relpath: string, only: string | undefined): boolean {
  return only === undefined || relpath === only || relpath.startsWith(`${only}/`);
}

function withMissing(ctx: DataContext, plan: CheckoutPlan): CheckoutPlan {
  if (ctx.linkType() === 'copy') warmLanes(plan.create.length);
  const missing = missingObjects(
    ctx,
    plan.content.hashName,
    plan.create.map(({ md5 }) => md5),
  );
  return missing.size === 0 ? plan : { ...plan, missing: [...missing] };
}

function isSaved(ctx: DataContext, content: { md5: string; hashName: Content['hashName'] }): boolean {
  return ctx.hasObject(content.md5, content.hashName);
}

function unsavedOf(ctx: DataContext, target: string, files: readonly TreeFile[], content: Content): string[] {
  const lost = missingObjects(
    ctx,
    content.hashName,
    files.map(({ md5 }) => md5),
  );
  return files.filter(({ md5 }) => lost.has(md5)).map(({ relpath }) => `${target}/${relpath}`);
}

/** The files of a tree that are already linked to their object as `cache.type` wants. */
function linkedRight(ctx: DataContext, tree: WorkspaceTree, content: Content): Set<string> {
  const right = new Set<string>();
  for (const { path: directory, relative, names, digests } of tree.directories) {
    names.forEach((name, i) => {
      const relpath = relative === '' ? name : `${relative}/${name}`;
      if (isLinkedRight(ctx, `${directory}/${name}`, hexAt(digests, i), content)) right.add(relpath);
    });
  }
  return right;
}

function isLinkedRight(ctx: DataContext, file: string, md5: string, content: Content): boolean {
  const type: LinkType = ctx.linkType();
  const stat = fs.lstatSync(file);
  if (type === 'symlink') return stat.isSymbolicLink() && objectBehindLink(ctx, file)?.md5 === md5;
  if (stat.isSymbolicLink()) return false;
  if (type !== 'hardlink') return stat.nlink === 1;
  if (stat.size === 0) return stat.nlink === 1;
  return stat.ino === fs.statSync(cachePath(ctx, { ...content, md5 }), { throwIfNoEntry: false })?.ino;
}

/** Paths of directories that lie between a file and the output's root, deepest first. */
export function parentsBelow(root: string, file: string): string[] {
  const parents: string[] = [];
  for (let dir = path.dirname(file); dir.length > root.length; dir = path.dirname(dir)) parents.push(dir);
  return parents;
}
