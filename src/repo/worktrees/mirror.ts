import * as fs from 'node:fs';
import * as path from 'node:path';

import type { TreePath } from '../../git/index.ts';

/** Files that a mirror copies at most: beyond it folders are linked whole, and files one by one. */
const mostFiles = 1000;

/** Never part of a state of the project: they are made anew, or nobody's business. */
const leftOut: ReadonlySet<string> = new Set(['.git', '.mlops', '.dvc/cache', '.dvc/tmp', '.dvc/config.local']);

/**
 * Makes a folder look like another one, cheaply. What is written (`writes`: files and folders that stages make) is left
 * out, so that nobody reads old outputs; folders above it are real. Of the rest small folders are copied, because
 * programs ask where their own files really are, and large ones, in which nothing is written, are linked whole.
 *
 * @param from absolute; links in it stay links, to what they led to.
 * @param to absolute, made here.
 * @param fileSize bytes of a file that is copied at most; larger ones are linked. Default 8 MiB.
 */
export function mirror(from: string, to: string, writes: readonly TreePath[], fileSize = 8 << 20): void {
  let left = mostFiles;
  const isWritten = (at: TreePath): boolean => writes.includes(at);
  const holdsWritten = (at: TreePath): boolean => writes.some((file) => file.startsWith(`${at}/`));

  const visit = (at: TreePath): void => {
    fs.mkdirSync(path.join(to, at), { recursive: true });
    const children = fs
      .readdirSync(path.join(from, at), { withFileTypes: true })
      .map((entry) => ({ entry, own: at === '' ? entry.name : `${at}/${entry.name}` }))
      .filter(({ own }) => !leftOut.has(own) && !isWritten(own));
    for (const { entry, own } of children) if (!entry.isDirectory()) place(entry, own);
    const folders = children
      .filter(({ entry }) => entry.isDirectory())
      .map(({ own }) => ({ own, count: holdsWritten(own) ? -1 : countFiles(path.join(from, own), left) }));
    // The small ones first: those are the ones with code.
    for (const { own, count } of folders.sort((a, b) => a.count - b.count || (a.own < b.own ? -1 : 1))) {
      if (count > left) fs.symlinkSync(path.join(from, own), path.join(to, own));
      else visit(own);
    }
  };

  const place = (entry: fs.Dirent, own: TreePath): void => {
    const source = path.join(from, own);
    const target = path.join(to, own);
    if (entry.isSymbolicLink()) {
      fs.symlinkSync(linkText(from, source), target);
    } else if (entry.isFile()) {
      const small = left > 0 && fs.statSync(source).size <= fileSize;
      left--;
      if (small) fs.copyFileSync(source, target, fs.constants.COPYFILE_FICLONE);
      else fs.symlinkSync(source, target);
    }
  };
  visit('');
}

/** Links that lead to something beside them stay as they are, others get their whole path. */
function linkText(from: string, link: string): string {
  const text = fs.readlinkSync(link);
  const target = path.resolve(path.dirname(link), text);
  return !path.isAbsolute(text) && target.startsWith(`${from}${path.sep}`) ? text : target;
}

/** How many files a folder holds, counted no further than above `limit`. */
function countFiles(folder: string, limit: number): number {
  let count = 0;
  const pending = [folder];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const entry of fs.readdirSync(next, { withFileTypes: true })) {
      if (entry.isDirectory()) pending.push(path.join(next, entry.name));
      else if (++count > limit) return count;
    }
  }
  return count;
}
