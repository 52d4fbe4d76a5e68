import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, MlopsError, temporaryName, withoutTrailing } from '../../base/index.ts';
import { objectKey, type Content } from '../../data/index.ts';
import { findGitRoot } from '../../git/index.ts';
import { ProjectConfig } from '../../project/index.ts';
import { destinationOf } from '../workspace/add-out.ts';
import { copyOut, placeOver } from '../sources/copy-out.ts';
import { type RemoteSection, isUrl } from '../open/pipeline-project.ts';
import { openForeignRepo, type ForeignOptions, type ForeignRepo } from '../sources/foreign-repo.ts';
import type { ViewEntry } from '../sources/repo-view.ts';
import { materialize, openSource, type SourceOptions } from '../sources/source.ts';

export interface GetCommand extends ForeignOptions {
  readonly url: string;
  readonly path: string;
  readonly out?: string | undefined;
  readonly force?: boolean;
}

/**
 * Copies a file or folder out of a repository.
 * @returns the number of files and where they are.
 * @throws MlopsError `files_in_the_way`, `object_missing`, `transfer_failed`, and those of opening it.
 */
export async function get(cwd: string, command: GetCommand): Promise<{ count: number; out: string }> {
  const target = destinationOf(cwd, command.path, command.out, command.force === true);
  if (/\.dvc$|(^|\/)dvc\.yaml$/.test(target)) {
    throw new MlopsError('bad_path', 'the given path is a DVC file, you must specify a data file or a directory');
  }
  const repo = await openForeignRepo(cwd, command.url, command);
  try {
    if (path.isAbsolute(command.path)) throw nothingThere(command.path, repo.url);
    const { repo: inner, entry } = await requireView(repo, command.path);
    // DVC puts what it gets into a folder that is there already.
    const place = isFolder(target) ? path.join(target, path.basename(path.normalize(command.path))) : target;
    return { count: await copyOut(inner, entry, place, { ...command, merge: true }), out: path.relative(cwd, place) };
  } finally {
    repo.close();
  }
}

/**
 * Where the remote of a repository keeps an output. Whether it is there is not looked up.
 * @throws MlopsError `unknown_stage` for what is no output, `no_remote`.
 */
export async function getUrl(cwd: string, command: GetCommand): Promise<string> {
  try {
    const repo = await openForeignRepo(cwd, command.url, command);
    try {
      return await objectUrlIn(repo, command.path);
    } finally {
      repo.close();
    }
  } catch (error) {
    // DVC fails here in another way than where it copies.
    throw isMlopsError(error) ? new MlopsError(error.code, error.message, { ...error, exit: 255 }) : error;
  }
}

/** The same in an open repository. */
export async function objectUrlIn(repo: ForeignRepo, file: string): Promise<string> {
  const { repo: inner, at } = repo.find(file);
  const content = (await inner.view.entry(at))?.content;
  if (content === undefined) {
    throw new MlopsError('unknown_stage', `Unable to find DVC file with output '${file}'`, {
      hint: `see what is tracked: mlops list ${repo.url} -R --dvc-only`,
      exit: 255,
    });
  }
  const remote = inner.remote() ?? cacheAsRemote(inner);
  if (remote === undefined) throw new MlopsError('no_remote', `no remote specified in '${repo.url}'`, { exit: 255 });
  return objectUrl(remote, content);
}

/** A project on this machine that has no remote is read from its cache. */
function cacheAsRemote({ cacheDir }: ForeignRepo): RemoteSection | undefined {
  return cacheDir === undefined ? undefined : { name: '', url: cacheDir, options: {} };
}

function objectUrl(remote: RemoteSection, content: Content): string {
  return `${withoutTrailing(remote.url, '/')}/${objectKey(content.md5, content.hashName)}`;
}

/** An entry that must exist, and the repository that it is read from. @throws MlopsError `object_missing`. */
export async function requireView(
  repo: ForeignRepo,
  given: string,
): Promise<{ readonly repo: ForeignRepo; readonly entry: ViewEntry }> {
  const { repo: inner, at } = repo.find(given);
  const entry = await inner.view.entry(at);
  if (entry !== undefined) return { repo: inner, entry };
  throw nothingThere(given, repo.url);
}

function nothingThere(given: string, url: string): MlopsError {
  return new MlopsError('object_missing', `there is no '${given}' in '${url}'`, {
    hint: `see what is there: mlops list ${url} -R`,
    exit: 255,
  });
}

function isFolder(file: string): boolean {
  return fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}

export interface GetUrlCommand extends SourceOptions {
  readonly url: string;
  readonly out?: string | undefined;
  readonly force?: boolean;
}

/** Copies a file or folder from a path or URL. @throws MlopsError `files_in_the_way`, `object_missing`, those of the store. */
export async function getFromUrl(cwd: string, command: GetUrlCommand): Promise<void> {
  const target = destinationOf(cwd, command.url, command.out, command.force === true);
  const repo = { cwd, remote: (name?: string) => remoteHere(cwd, name) };
  if (!fs.existsSync(target)) return void (await materialize(repo, command.url, target, command));
  const temp = temporaryName(target);
  try {
    await materialize(repo, command.url, temp, command);
    placeOver(temp, target);
  } finally {
    fs.rmSync(temp, { recursive: true, force: true });
  }
}

/** A remote of the project around a directory, if there is one: for `remote://name/path`. */
export function remoteHere(cwd: string, name: string | undefined): RemoteSection | undefined {
  const root = projectAround(cwd);
  const remote = new ProjectConfig(root === undefined ? undefined : path.join(root, '.dvc')).remote(name);
  const texts = [...remote.options].map(([key, value]) => [key, typeof value === 'string' ? value : value.join(',')]);
  return { name: remote.name, url: remote.url, options: Object.fromEntries(texts) as Record<string, string> };
}

function projectAround(directory: string): string | undefined {
  for (let current = path.resolve(directory); ; current = path.dirname(current)) {
    if (fs.statSync(path.join(current, '.dvc'), { throwIfNoEntry: false })?.isDirectory() === true) return current;
    if (path.dirname(current) === current) return findGitRoot(directory);
  }
}

export interface UrlEntry {
  readonly path: string;
  readonly isdir: boolean;
  readonly size?: number | undefined;
}

export interface UrlTree extends UrlEntry {
  readonly contents?: readonly UrlTree[];
}

export interface ListUrlCommand extends SourceOptions {
  readonly url: string;
  readonly recursive?: boolean;
  readonly level?: number | undefined;
}

/**
 * What is below a path or URL: files first, then folders; with `recursive` files by folder.
 * @throws MlopsError `object_missing`, and those of the store.
 */
export async function listUrl(cwd: string, command: ListUrlCommand): Promise<UrlEntry[]> {
  const place = await openPlace(cwd, command);
  try {
    const level = command.level;
    if (place.file !== undefined || level === 0) return [{ path: place.file ?? place.name, isdir: false }];
    const found: UrlEntry[] = [];
    await visit(place, '', command, found);
    return found;
  } finally {
    await place.close();
  }
}

async function visit(place: Place, dir: string, command: ListUrlCommand, found: UrlEntry[]): Promise<void> {
  const entries = await place.list(dir);
  const depth = dir === '' ? 0 : dir.split('/').length;
  const isLast =
    command.recursive !== true || (command.level !== undefined && command.level > 0 && depth >= command.level - 1);
  const at = (entry: UrlEntry): UrlEntry => ({ ...entry, path: dir === '' ? entry.path : `${dir}/${entry.path}` });
  found.push(...entries.filter((entry) => !entry.isdir).map(at));
  const folders = entries.filter((entry) => entry.isdir).map(at);
  if (isLast) found.push(...folders);
  else for (const folder of folders) await visit(place, folder.path, command, found);
}

/** The same as a tree, the top included. */
export async function listUrlTree(cwd: string, command: ListUrlCommand): Promise<UrlTree> {
  const place = await openPlace(cwd, command);
  const treeOf = async (entry: UrlEntry, at: string, level: number | undefined): Promise<UrlTree> => {
    if (!entry.isdir || (level !== undefined && level <= 0)) return entry;
    const children = [...(await place.list(at))].sort((a, b) => (a.path < b.path ? -1 : 1));
    const contents: UrlTree[] = [];
    for (const child of children) {
      contents.push(
        await treeOf(child, at === '' ? child.path : `${at}/${child.path}`, level === undefined ? level : level - 1),
      );
    }
    return { ...entry, contents };
  };
  try {
    return await treeOf(
      { path: isUrl(command.url) ? place.name : command.url, isdir: place.file === undefined, size: place.size },
      '',
      command.level,
    );
  } finally {
    await place.close();
  }
}

interface Place {
  /** What a file is called in the listing; undefined for folders. */
  readonly file: string | undefined;
  readonly name: string;
  readonly size: number | undefined;
  /** Entries of a folder below it, by name. */
  list(dir: string): Promise<readonly UrlEntry[]>;
  close(): Promise<void>;
}

async function openPlace(cwd: string, command: ListUrlCommand): Promise<Place> {
  return isUrl(command.url) ? openStorePlace(cwd, command) : openFolderPlace(cwd, command.url);
}

function openFolderPlace(cwd: string, given: string): Place {
  const root = path.resolve(cwd, given);
  const stat = fs.statSync(root, { throwIfNoEntry: false });
  if (stat === undefined) throw missing(given);
  // As DVC shows it: joined, not normalised.
  const shown = path.isAbsolute(given) ? given : `${cwd}/${given}`;
  return {
    file: stat.isDirectory() ? undefined : shown,
    name: shown,
    size: stat.size,
    list: async (dir) =>
      // Our own folder is nobody's content, here as in `list`.
      fs.readdirSync(path.join(root, dir)).flatMap((name) => {
        if (name === '.mlops') return [];
        const own = fs.statSync(path.join(root, dir, name), { throwIfNoEntry: false });
        return { path: name, isdir: own?.isDirectory() === true, size: own?.size };
      }),
    close: async () => undefined,
  };
}

async function openStorePlace(cwd: string, command: ListUrlCommand): Promise<Place> {
  const { store, key } = await openSource({ remote: (name) => remoteHere(cwd, name) }, command.url, command);
  if (store.directory !== undefined) return openFolderPlace(store.directory, key === '' ? '.' : key);
  const options = { signal: command.signal };
  const below = (dir: string): string => [key, dir].filter((part) => part !== '').join('/');
  const list = async (dir: string): Promise<UrlEntry[]> => {
    const prefix = below(dir);
    const skip = prefix === '' ? 0 : prefix.length + 1;
    const found: UrlEntry[] = [];
    for await (const entry of store.listLevel?.(prefix, options) ?? []) {
      if ('directory' in entry) found.push({ path: entry.directory.slice(skip), isdir: true, size: 0 });
      else found.push({ path: entry.key.slice(skip), isdir: false, size: entry.size });
    }
    return found;
  };
  try {
    const facts = key === '' ? undefined : await store.stat?.(key, options);
    if (facts === undefined && (store.listLevel === undefined || (await list('')).length === 0))
      throw missing(command.url);
    // DVC shows what its file systems call it: bucket and key, a whole URL of the web.
    const shown =
      store.kind === 's3'
        ? [store.url.slice('s3://'.length), key].filter((part) => part !== '').join('/')
        : command.url;
    return {
      file: facts === undefined ? undefined : shown,
      name: shown,
      size: facts?.size,
      list,
      close: () => store.close(),
    };
  } catch (error) {
    await store.close();
    if (isMlopsError(error, 'blob_not_found')) throw missing(command.url);
    throw error;
  }
}

function missing(url: string): MlopsError {
  return new MlopsError('object_missing', `The path '${url}' does not exist`);
}
