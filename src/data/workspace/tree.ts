import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { compareCodePoints, MlopsError } from '../../base/index.ts';
import type { Content, HashName, TreeFile } from '../ids/content.ts';
import type { DataContext } from '../context/context.ts';
import { findUnstored, hashPending, type DirectoryState, type ReadTreeOptions } from './hash-pending.ts';
import type { StorePlan } from '../jobs/job.ts';
import { idOfPath, objectPath } from '../ids/layout.ts';
import { manifestId } from '../ids/manifest.ts';
import { createLookup, type DirectoryRecord } from '../index/stat-index.ts';
import { bytesOf, factsPerFile, walk, type WalkedDirectory } from '../index/walk.ts';

/** A directory of the workspace with the digest of every file. */
export interface WorkspaceTree {
  readonly directories: readonly HashedDirectory[];
  readonly size: number;
  readonly nfiles: number;
  /** The id of its manifest; known without building it when nothing changed. */
  readonly md5: string;
  /** All files in the manifest's order, one by one: a list of a million takes a fifth of a GiB. */
  inOrder(): Iterable<TreeFile>;
  /** The same as a list. */
  files(): readonly TreeFile[];
}

export interface HashedDirectory extends WalkedDirectory {
  /** 16 bytes a file. */
  readonly digests: Buffer;
}

/** Hashes a directory of the workspace, reading only files whose facts changed since the index saw them. */
export async function readTree(ctx: DataContext, root: string, options: ReadTreeOptions = {}): Promise<WorkspaceTree> {
  const hashName = options.hashName ?? 'md5';
  const isNew = (directory: string): boolean => ctx.seed === undefined && !ctx.index.knows(directory, hashName);
  const walked = walk(root, ctx.ignored, options.signal, isNew, options.skipBroken);
  for (const { path: directory, names } of walked) {
    if (names.includes('.dvcignore')) throw ignoreFileInside(path.join(directory, '.dvcignore'));
  }
  const states = walked.map((directory) => joinIndex(ctx, directory, hashName));
  const isStored = options.store === undefined || isKnownToBeStored(ctx, root, states, hashName);
  if (!isStored) findUnstored(ctx, states, hashName);
  const wasStored = states.every(({ unknown, unstored }) => unknown.length + unstored.length === 0);
  await hashPending(ctx, states, hashName, options);
  let size = 0;
  let nfiles = 0;
  for (const state of states) {
    if (state.changed) state.version = remember(ctx, state, hashName);
    nfiles += state.walked.names.length;
    for (let i = 0; i < state.walked.names.length; i++) size += state.walked.facts[i * factsPerFile] ?? 0;
  }
  const tree = describeTree(ctx, root, hashName, states, { size, nfiles, signature: signatureOf(states) });
  if (!isStored && wasStored) ctx.complete.add(tree.md5, hashName);
  return tree;
}

/** Nothing changed since the cache was seen to hold all of it. */
function isKnownToBeStored(
  ctx: DataContext,
  root: string,
  states: readonly DirectoryState[],
  hashName: HashName,
): boolean {
  if (states.some(({ changed }) => changed)) return false;
  const known = ctx.index.tree(root, hashName);
  return known?.signature === signatureOf(states) && ctx.complete.has(known.md5, hashName);
}

function signatureOf(states: readonly DirectoryState[]): string {
  const signature = createHash('md5');
  for (const { walked, version } of states) signature.update(`${walked.relative}\0${version}\0`);
  return signature.digest('hex');
}

/** Takes over the digests of files whose size, mtime, ctime and inode are those of the index. */
function joinIndex(ctx: DataContext, walked: WalkedDirectory, hashName: HashName): DirectoryState {
  const record = ctx.index.directory(walked.path, hashName);
  if (record !== undefined && ctx.seed === undefined && isUnchanged(walked, record)) {
    const { digests, version } = record;
    return { walked, digests: Buffer.from(digests), unknown: [], unstored: [], version, changed: false };
  }
  const find = createLookup(record);
  const digests = Buffer.alloc(walked.names.length * 16);
  const unknown: number[] = [];
  for (let i = 0; i < walked.names.length; i++) {
    const at = find(walked.names[i] ?? '');
    if (record !== undefined && at >= 0 && factsEqual(walked.facts, i, record.facts, at)) {
      record.digests.copy(digests, i * 16, at * 16, at * 16 + 16);
    } else if (
      !digestFromLink(ctx, walked, i, hashName, digests) &&
      !digestFromSeed(ctx, walked, i, hashName, digests)
    ) {
      unknown.push(i);
    }
  }
  const changed =
    unknown.length > 0 || ctx.seed !== undefined || record === undefined || record.names.length !== walked.names.length;
  return { walked, digests, unknown, unstored: [], version: record?.version ?? 0, changed };
}

/** The same files with the same facts, told by two comparisons of whole columns. */
function isUnchanged(walked: WalkedDirectory, record: DirectoryRecord): boolean {
  const { names } = record;
  if (walked.names.length !== names.length || !walked.names.every((name, i) => name === names[i])) return false;
  return Buffer.compare(bytesOf(walked.facts), bytesOf(record.facts)) === 0;
}

function factsEqual(a: Float64Array, i: number, b: Float64Array, j: number): boolean {
  for (let k = 0; k < factsPerFile; k++) {
    if (a[i * factsPerFile + k] !== b[j * factsPerFile + k]) return false;
  }
  return true;
}

/** A symbolic link into the cache names its digest itself. */
function digestFromLink(
  ctx: DataContext,
  walked: WalkedDirectory,
  i: number,
  hashName: HashName,
  digests: Buffer,
): boolean {
  if (!walked.links.has(i)) return false;
  const id = objectBehindLink(ctx, `${walked.path}/${walked.names[i]}`);
  if (id === undefined || id.hashName !== hashName) return false;
  digests.write(id.md5, i * 16, 'hex');
  return true;
}

/** In a project that only DVC has worked in, its state or a hard link into the cache names the digest. */
function digestFromSeed(
  ctx: DataContext,
  walked: WalkedDirectory,
  i: number,
  hashName: HashName,
  digests: Buffer,
): boolean {
  const linked = walked.facts[i * factsPerFile + 2] === 0;
  const md5 = ctx.seed?.(`${walked.path}/${walked.names[i]}`, hashName, linked);
  if (md5 === undefined) return false;
  digests.write(md5, i * 16, 'hex');
  return true;
}

/** The object that a symbolic link in the workspace points to, if it points into the cache. */
export function objectBehindLink(ctx: DataContext, file: string): { md5: string; hashName: HashName } | undefined {
  const target = path.resolve(path.dirname(file), fs.readlinkSync(file));
  return idOfPath(ctx.cacheDir, target) ?? idOfPath(realCacheDir(ctx), target);
}

function realCacheDir(ctx: DataContext): string {
  try {
    return fs.realpathSync(ctx.cacheDir);
  } catch {
    return ctx.cacheDir;
  }
}

function remember(ctx: DataContext, state: DirectoryState, hashName: HashName): number {
  const { names, facts, path: directory } = state.walked;
  return ctx.index.putDirectory(directory, hashName, { names, facts, digests: state.digests });
}

function describeTree(
  ctx: DataContext,
  root: string,
  hashName: HashName,
  states: readonly DirectoryState[],
  totals: { size: number; nfiles: number; signature: string },
): WorkspaceTree {
  const directories = states.map(({ walked, digests }) => ({ ...walked, digests }));
  let files: readonly TreeFile[] | undefined;
  const inOrder = (): Iterable<TreeFile> => filesInOrder(directories);
  const known = ctx.index.tree(root, hashName);
  let md5 = known?.signature === totals.signature ? known.md5 : undefined;
  if (md5 === undefined) {
    md5 = manifestId(inOrder());
    ctx.index.putTree(root, hashName, { ...totals, md5 });
  }
  return {
    directories,
    size: totals.size,
    nfiles: totals.nfiles,
    md5,
    inOrder,
    files: () => (files ??= [...inOrder()]),
  };
}

/**
 * The files of a tree in the order of their paths by code point: in each directory its files and, as if their names ended
 * in a slash, its folders.
 */
function* filesInOrder(directories: readonly HashedDirectory[]): Iterable<TreeFile> {
  const byPath = new Map<string, HashedDirectory>();
  const folders = new Map<string, string[]>();
  for (const directory of directories) {
    const { relative } = directory;
    byPath.set(relative, directory);
    if (relative === '') continue;
    const parent = relative.slice(0, Math.max(0, relative.lastIndexOf('/')));
    const siblings = folders.get(parent) ?? [];
    folders.set(parent, siblings);
    siblings.push(`${relative.slice(parent === '' ? 0 : parent.length + 1)}/`);
  }
  yield* filesBelow('', byPath, folders);
}

function* filesBelow(
  relative: string,
  byPath: ReadonlyMap<string, HashedDirectory>,
  folders: ReadonlyMap<string, readonly string[]>,
): Iterable<TreeFile> {
  const { names = [], digests = Buffer.alloc(0) } = byPath.get(relative) ?? {};
  const prefix = relative === '' ? '' : `${relative}/`;
  const hex = digests.toString('hex');
  const pending = (folders.get(relative) ?? []).toSorted(compareCodePoints);
  let next = 0;
  for (const i of orderOf(names)) {
    const name = names[i] ?? '';
    for (; next < pending.length && compareCodePoints(pending[next] ?? '', name) < 0; next++) {
      yield* filesBelow(prefix + (pending[next] ?? '').slice(0, -1), byPath, folders);
    }
    yield { relpath: prefix + name, md5: hex.slice(i * 32, i * 32 + 32) };
  }
  for (const folder of pending.slice(next)) yield* filesBelow(prefix + folder.slice(0, -1), byPath, folders);
}

/** Positions of names by code point. A walk gives them in the order of UTF-16, which is the same for nearly all. */
function orderOf(names: readonly string[]): Iterable<number> {
  if (!names.some((name, i) => i > 0 && compareCodePoints(names[i - 1] ?? '', name) > 0)) return names.keys();
  return [...names.keys()].sort((a, b) => compareCodePoints(names[a] ?? '', names[b] ?? ''));
}

/** The digest as `Content`. */
export function contentOfTree(tree: WorkspaceTree, hashName: HashName): Content {
  return { md5: tree.md5, hashName, size: tree.size, nfiles: tree.nfiles };
}

export function storePlan(ctx: DataContext): StorePlan {
  // As DVC: a hard link is taken into the cache only where it is the first wish, not the way out.
  const first = ctx.linkTypes[0] ?? 'reflink';
  const wanted = first === 'hardlink' || first === 'reflink' ? first : 'copy';
  const how = wanted === 'copy' || ctx.linkType() === wanted ? wanted : 'copy';
  return { cacheDir: ctx.cacheDir, how, mode: ctx.objectMode };
}

/** Where an object of the cache lies. */
export function cachePath(ctx: DataContext, content: { md5: string; hashName: HashName }): string {
  return objectPath(ctx.cacheDir, content.md5, content.hashName);
}

function ignoreFileInside(file: string): MlopsError {
  return new MlopsError('bad_path', `.dvcignore file should not be in collected dir path: '${file}'`, {
    exit: 255,
    hint: 'move its patterns to the .dvcignore of the project',
  });
}
