import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, nameFault, temporaryName } from '../../base/index.ts';
import {
  checkoutOut,
  isDirectoryId,
  readManifest,
  type Content,
  type DataContext,
  type WorkOptions,
} from '../../data/index.ts';
import type { ForeignRepo } from './foreign-repo.ts';
import { isDvcFile, type ViewEntry } from './repo-view.ts';

/**
 * Copies a file or folder of a repository to a place: what its tree holds from there, outputs from a
 * cache. The place is filled at the end; what was there before goes away then, unless it is merged with.
 * @param into the cache that contents are brought into; without it one of the repository's.
 * @param merge keep what else is in a folder at that place.
 * @returns the number of files.
 * @throws MlopsError `transfer_failed` when content cannot be had.
 */
export async function copyOut(
  repo: ForeignRepo,
  entry: ViewEntry,
  target: string,
  options: WorkOptions & { readonly into?: DataContext | undefined; readonly merge?: boolean } = {},
): Promise<number> {
  const madeFolder = fs.mkdirSync(path.dirname(target), { recursive: true });
  const temp = temporaryName(target);
  try {
    const count = await copyEntry(repo, entry, temp, { ...options, aside: madeFolder ?? temp });
    if (options.merge === true) placeOver(temp, target);
    else {
      fs.rmSync(target, { recursive: true, force: true });
      fs.renameSync(temp, target);
    }
    return count;
  } finally {
    fs.rmSync(temp, { recursive: true, force: true });
  }
}

/**
 * Moves a file or folder to its place: files there are replaced, folders are joined, and the rest stays.
 * @throws MlopsError `files_in_the_way` where one is a file and the other a folder.
 */
export function placeOver(from: string, to: string): void {
  const there = fs.statSync(to, { throwIfNoEntry: false });
  const isFolder = fs.lstatSync(from).isDirectory();
  if (there !== undefined && there.isDirectory() !== isFolder) {
    throw new MlopsError('files_in_the_way', `[Errno ${isFolder ? 17 : 21}] in the way of what comes: '${to}'`, {
      exit: 255,
      hint: 'move it away or choose another place with --out',
    });
  }
  if (there === undefined || !isFolder) return fs.renameSync(from, to);
  for (const name of fs.readdirSync(from)) placeOver(path.join(from, name), path.join(to, name));
}

/** `aside` is where the copy is made, which may be inside of what is copied. */
type Options = Parameters<typeof copyOut>[3] & { readonly aside: string };

async function copyEntry(repo: ForeignRepo, entry: ViewEntry, target: string, options: Options): Promise<number> {
  options.signal?.throwIfAborted();
  refuseName(entry, repo);
  if (entry.kind === 'file') {
    if (entry.inTree) copyFromTree(repo, entry, target);
    else await checkOut(repo, requireContent(entry), target, options);
    return 1;
  }
  // A whole output that is not in the work tree comes in one go.
  if (!entry.inTree && entry.content !== undefined && isDirectoryId(entry.content.md5)) {
    const context = await checkOut(repo, entry.content, target, options);
    return readManifest(context, entry.content).length;
  }
  fs.mkdirSync(target, { recursive: true });
  const { root } = repo.tree;
  const children = (await repo.view.list(entry.path)).filter(
    (child) => !isDvcFile(child.name) && (root === undefined || path.join(root, child.path) !== options.aside),
  );
  await bringFiles(repo, children, options);
  let count = 0;
  for (const child of children) count += await copyEntry(repo, child, path.join(target, child.name), options);
  return count;
}

/** Whoever wrote the repository chose the name; `.mlops` and `.dvc` would be believed where they arrive. */
function refuseName({ name, path: file }: ViewEntry, repo: ForeignRepo): void {
  const fault = file === '' ? undefined : nameFault(name);
  if (fault === undefined) return;
  throw new MlopsError('forbidden_place', `'${file}' of '${repo.url}' is not copied: its name ${fault}`, {
    hint: 'name the files and folders that you want one by one',
    data: { path: file },
  });
}

/** Files of an output that was asked for in part, brought together instead of one by one. */
async function bringFiles(repo: ForeignRepo, entries: readonly ViewEntry[], options: Options): Promise<void> {
  const contents = entries.flatMap((entry) => (entry.inTree || entry.content === undefined ? [] : entry.content));
  if (contents.length === 0) return;
  if (options.into === undefined) await repo.cacheWith(contents);
  else await repo.bring(options.into, contents);
}

async function checkOut(repo: ForeignRepo, found: Content, target: string, options: Options): Promise<DataContext> {
  // What comes from elsewhere is data: DVC's copies are not executable either.
  const { isexec: _, ...content } = found;
  const context = options.into ?? (await repo.cacheWith([content]));
  if (options.into !== undefined) await repo.bring(options.into, [content]);
  await checkoutOut(context, target, content, { signal: options.signal, onProgress: options.onProgress });
  return context;
}

function copyFromTree(repo: ForeignRepo, entry: ViewEntry, target: string): void {
  const { tree } = repo;
  if (tree.root === undefined) {
    const content = tree.read(entry.path);
    if (content === undefined) throw new Error(`the tree lost '${entry.path}'`);
    fs.writeFileSync(target, content, { flag: 'wx' });
  } else {
    fs.copyFileSync(path.join(tree.root, entry.path), target, fs.constants.COPYFILE_FICLONE);
    fs.chmodSync(target, 0o666 & ~process.umask());
  }
}

function requireContent(entry: ViewEntry): Content {
  if (entry.content !== undefined) return entry.content;
  throw new MlopsError('object_missing', `the content of '${entry.path}' is recorded nowhere`, { exit: 255 });
}
