import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';
import { openForeignRepo, type ForeignOptions } from '../sources/foreign-repo.ts';
import type { RepoView, ViewEntry } from '../sources/repo-view.ts';

export interface ListCommand extends ForeignOptions {
  readonly url: string;
  readonly path?: string | undefined;
  readonly recursive?: boolean;
  readonly dvcOnly?: boolean;
  /** Levels to go down; without `recursive` (and in the list form) it has no effect, as in DVC. */
  readonly level?: number | undefined;
}

/** An entry of a listing, with the keys of DVC's JSON. */
export interface Listed {
  readonly isout: boolean;
  readonly isdir: boolean;
  readonly isexec: boolean;
  readonly size: number | null;
  readonly md5: string | null;
  /** Relative to what was listed. */
  readonly path: string;
}

/** A folder's entries with what is below them. */
export interface ListedTree extends Listed {
  readonly contents?: readonly ListedTree[];
}

/**
 * What a repository holds, Git's files and DVC's together, sorted by path.
 * @throws MlopsError `object_missing` when there is nothing at the path.
 */
export async function list(cwd: string, command: ListCommand): Promise<Listed[]> {
  return withTop(cwd, command, async ({ view, at, top, standpoint }) => {
    const level = command.recursive === true ? command.level : undefined;
    if (level === 0 || top.kind === 'file') return [listed(top, path.posix.basename(command.path ?? '') || '.')];
    const found: Listed[] = [];
    await walk(view, at, [], command, level, found);
    // Without a path all is listed, seen from where the user stands.
    const shown = (command.path ?? '') === '' ? found.map((entry) => fromHere(entry, standpoint)) : found;
    return shown.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  });
}

/** What was asked to be listed, in its repository. */
interface Top {
  readonly view: RepoView;
  readonly at: TreePath;
  readonly top: ViewEntry;
  readonly standpoint: TreePath;
}

async function withTop<Result>(
  cwd: string,
  command: ForeignOptions & { readonly url: string; readonly path?: string | undefined },
  work: (top: Top) => Promise<Result>,
): Promise<Result> {
  const repo = await openForeignRepo(cwd, command.url, command);
  try {
    const { repo: inner, at } = repo.find(command.path);
    const top = await requireEntry(inner.view, at, command.url);
    return await work({ view: inner.view, at, top, standpoint: repo.standpoint });
  } finally {
    repo.close();
  }
}

function fromHere(entry: Listed, standpoint: TreePath): Listed {
  if (standpoint === '') return entry;
  const folder = path.posix.relative(`/${standpoint}`, `/${path.posix.dirname(entry.path)}`);
  return { ...entry, path: path.posix.join(folder, path.posix.basename(entry.path)) };
}

async function walk(
  view: RepoView,
  dir: string,
  parts: readonly string[],
  command: ListCommand,
  level: number | undefined,
  found: Listed[],
): Promise<void> {
  for (const entry of await view.list(dir, { dvcOnly: command.dvcOnly === true })) {
    const isLast = command.recursive !== true || (level !== undefined && level > 0 && parts.length >= level - 1);
    if (entry.kind === 'file' || isLast) found.push(listed(entry, [...parts, entry.name].join('/')));
    else await walk(view, entry.path, [...parts, entry.name], command, level, found);
  }
}

/** The same as a tree, the top included. */
export async function listTree(cwd: string, command: ListCommand): Promise<ListedTree> {
  return withTop(cwd, command, async ({ view, top }) => {
    return treeOf(view, top, command.path ?? '.', command, command.level);
  });
}

async function treeOf(
  view: RepoView,
  entry: ViewEntry,
  name: string,
  command: ListCommand,
  level: number | undefined,
): Promise<ListedTree> {
  const own = listed(entry, name);
  if (entry.kind === 'file' || (level !== undefined && level <= 0)) return own;
  const contents: ListedTree[] = [];
  for (const child of await view.list(entry.path, { dvcOnly: command.dvcOnly === true })) {
    contents.push(await treeOf(view, child, child.name, command, level === undefined ? undefined : level - 1));
  }
  return { ...own, contents };
}

/** Disk usage of the entries of a folder and of all together, or of a path alone. */
export async function du(
  cwd: string,
  command: ForeignOptions & { url: string; path?: string | undefined; summarize?: boolean },
): Promise<{ path: string; size: number }[]> {
  return withTop(cwd, command, async ({ view, at, top }) => {
    const shown = command.path ?? '';
    if (command.summarize === true || top.kind === 'file') {
      return [{ path: shown, size: await sizeBelow(view, top) }];
    }
    const rows: { path: string; size: number }[] = [];
    for (const entry of await view.list(at)) {
      if (isHidden(entry.name)) continue;
      rows.push({ path: path.posix.join(shown, entry.name), size: await sizeBelow(view, entry) });
    }
    rows.push({ path: shown, size: rows.reduce((sum, row) => sum + row.size, 0) });
    return rows;
  });
}

async function sizeBelow(view: RepoView, entry: ViewEntry): Promise<number> {
  if (entry.kind === 'file') return entry.size ?? 0;
  if (!entry.inTree && entry.content?.size !== undefined) return entry.content.size;
  let sum = 0;
  for (const child of await view.list(entry.path)) {
    if (!isHidden(child.name)) sum += await sizeBelow(view, child);
  }
  return sum;
}

/** What DVC does not count as content: its own small files. */
function isHidden(name: string): boolean {
  return name.endsWith('.dvc') || name === 'dvc.yaml' || name === '.dvcignore';
}

async function requireEntry(view: RepoView, at: string, url: string): Promise<ViewEntry> {
  const entry = await view.entry(at);
  if (entry !== undefined) return entry;
  throw new MlopsError('object_missing', `there is no '${at}' in '${url}'`, {
    hint: `see what is there: mlops list ${url} -R`,
  });
}

function listed(entry: ViewEntry, shown: string): Listed {
  return {
    isout: entry.isOut,
    isdir: entry.kind === 'dir',
    isexec: entry.executable,
    size: entry.size ?? null,
    md5: entry.content?.md5 ?? null,
    path: shown,
  };
}
