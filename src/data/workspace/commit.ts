import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import type { Content, HashName } from '../ids/content.ts';
import type { DataContext, WorkOptions } from '../context/context.ts';
import { hexAt } from '../ids/digest.ts';
import { fileContent } from './file.ts';
import { rememberFiles, type IndexedFile } from '../index/remember-files.ts';
import { replaceByLink, workspaceMode, type LinkType } from '../jobs/links.ts';
import { writeManifest } from './manifest-file.ts';
import { cachePath, contentOfTree, readTree, storePlan, type WorkspaceTree } from './tree.ts';
import { factsOf, factsPerFile } from '../index/walk.ts';

export interface CommitOptions extends WorkOptions {
  /** False: hash only, as for `cache: false` outs and `--no-commit`. Default true. */
  readonly cache?: boolean;
  /** False leaves the workspace files as they are (`--no-relink`). Default true. */
  readonly relink?: boolean;
  readonly hashName?: HashName;
}

/**
 * The content of a file or directory of the workspace, from the index where nothing changed; undefined
 * when there is nothing at the path.
 * @throws MlopsError `special_file`, `file_changed`, `bad_path`.
 */
export async function hashPath(
  ctx: DataContext,
  target: string,
  options: WorkOptions & { readonly hashName?: HashName } = {},
): Promise<Content | undefined> {
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return fileContent(ctx, target, options);
  return contentOfTree(await readTree(ctx, target, options), options.hashName ?? 'md5');
}

/**
 * Makes what is in the workspace the content of an output: hashes it, puts it into the cache, and turns
 * workspace files into links where `cache.type` says so.
 * @throws MlopsError `object_missing` when nothing is there, and those of `hashPath`.
 */
export async function commitOut(ctx: DataContext, target: string, options: CommitOptions = {}): Promise<Content> {
  const hashName = options.hashName ?? 'md5';
  const cached = options.cache !== false;
  const read = { ...options, hashName, store: cached ? storePlan(ctx) : undefined };
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) {
    const tree = await readTree(ctx, target, read);
    if (cached) storeManifest(ctx, tree, hashName);
    if (cached && options.relink !== false) ctx.places?.require(target);
    if (cached && options.relink !== false) relinkTree(ctx, tree, hashName);
    ctx.forgetObjects();
    return contentOfTree(tree, hashName);
  }
  const content = await fileContent(ctx, target, read);
  if (content === undefined) {
    throw new MlopsError('object_missing', `'${target}' does not exist`, { where: target });
  }
  if (cached && options.relink !== false) ctx.places?.require(target);
  if (cached && options.relink !== false) relinkFile(ctx, target, content);
  ctx.forgetObjects();
  return content;
}

function storeManifest(ctx: DataContext, tree: WorkspaceTree, hashName: HashName): void {
  writeManifest(ctx, { md5: tree.md5, hashName }, () => tree.inOrder());
}

/** Replaces workspace files that are not yet of the link type by links to their objects. */
function relinkTree(ctx: DataContext, tree: WorkspaceTree, hashName: HashName): void {
  const type = ctx.linkType();
  const first = ctx.linkTypes[0] ?? 'reflink';
  const mayStay = first === 'copy' || first === 'reflink';
  const redone: IndexedFile[] = [];
  for (const { path: directory, names, facts, digests, links } of tree.directories) {
    for (let i = 0; i < names.length; i++) {
      const nlinkMany = facts[i * factsPerFile + 2] === 0;
      const isLink = links.has(i);
      if (mayStay && !isLink && !nlinkMany) continue;
      const own = type === 'symlink' ? isLink : !isLink && nlinkMany === (type === 'hardlink');
      if (own) continue;
      if (type === 'hardlink' && facts[i * factsPerFile] === 0) continue;
      const file = `${directory}/${names[i]}`;
      const md5 = hexAt(digests, i);
      redone.push({ file, md5, facts: linkOne(ctx, type, file, { md5, hashName }, false) });
    }
  }
  if (redone.length > 0) rememberFiles(ctx, hashName, redone);
}

/** As DVC does: a file that stays a copy gets the plain mode (and the owner's x-bit), links become the object. */
function relinkFile(ctx: DataContext, file: string, content: Content): void {
  const type = ctx.linkType();
  const stat = fs.lstatSync(file);
  const isLink = stat.isSymbolicLink();
  const mode = workspaceMode(content.isexec === true);
  let facts: Float64Array;
  if (type === 'copy' || type === 'reflink') {
    if (!isLink && stat.nlink === 1 && (stat.mode & 0o777) === mode) return;
    if (isLink || stat.nlink > 1) facts = linkOne(ctx, type, file, content, content.isexec === true);
    else {
      fs.chmodSync(file, mode);
      facts = factsOf(fs.statSync(file));
    }
  } else {
    if (type === 'symlink' && isLink && pointsTo(ctx, file, content)) return;
    const isOwn = !isLink && stat.ino === fs.statSync(cachePath(ctx, content)).ino;
    if (type === 'hardlink' && stat.size > 0 && isOwn && content.isexec !== true) return;
    const own = type === 'hardlink' && stat.size === 0 ? 'copy' : type;
    facts = linkOne(ctx, own, file, content, content.isexec === true);
  }
  rememberFiles(ctx, content.hashName, [{ file, md5: content.md5, facts }]);
}

function pointsTo(ctx: DataContext, file: string, content: Content): boolean {
  return path.resolve(path.dirname(file), fs.readlinkSync(file)) === cachePath(ctx, content);
}

function linkOne(
  ctx: DataContext,
  type: LinkType,
  file: string,
  id: { md5: string; hashName: HashName },
  executable: boolean,
): Float64Array {
  replaceByLink(type, cachePath(ctx, id), file, workspaceMode(executable));
  if (executable && type !== 'copy' && type !== 'reflink') fs.chmodSync(file, fs.statSync(file).mode | 0o100);
  return factsOf(fs.statSync(file));
}
