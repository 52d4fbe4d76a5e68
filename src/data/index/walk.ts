import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, MlopsError } from '../../base/index.ts';

/** Tells whether a path (absolute) is left out of tracked data, by `.dvcignore` and DVC's defaults. */
export type IgnoreRule = (file: string, isDirectory: boolean) => boolean;

/** One directory of a walk: its files with the facts that tell a change, column by column. */
export interface WalkedDirectory {
  /** Absolute path. */
  readonly path: string;
  /** Relative to the walk's root, '' for the root itself. */
  readonly relative: string;
  readonly names: readonly string[];
  /** Four numbers a file: size, mtime in ms, ctime in ms (0 when the file has more than one name), inode; NaN unseen. */
  readonly facts: Float64Array;
  /** Indexes of files that are symbolic links (to files). */
  readonly links: ReadonlySet<number>;
}

export const factsPerFile = 4;

/** In folders with fewer files a look at each costs nothing. */
const manyFiles = 200;

/**
 * Walks a directory in a stable order, synchronously (twice as fast as promises for small files).
 * Ignored paths are left out, links to files are followed, links to directories are left out as DVC does.
 * @throws MlopsError `special_file` for FIFOs, sockets, devices, broken links and link loops, `bad_path`
 * for names that are not UTF-8.
 * @param isNew Directories of which nothing is known: the facts of their files may stay unseen, when they are many,
 * because each is opened anyway.
 * @param skipBroken Links that lead nowhere are left out instead of refused.
 */
export function walk(
  root: string,
  ignored: IgnoreRule,
  signal?: AbortSignal,
  isNew: (directory: string) => boolean = () => false,
  skipBroken = false,
): WalkedDirectory[] {
  const found: WalkedDirectory[] = [];
  const pending: [directory: string, relative: string][] = [[root, '']];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    signal?.throwIfAborted();
    const [directory, relative] = next;
    const { walked, children } = readDirectory(directory, relative, ignored, skipBroken);
    if (mustBeSeen(walked) || !isNew(directory)) seeFacts(walked);
    found.push(walked);
    for (const child of children.reverse()) {
      pending.push([`${directory}/${child}`, relative === '' ? child : `${relative}/${child}`]);
    }
  }
  return found;
}

/** A link may name its digest, so that it is not opened; a name that is not UTF-8 cannot be. */
function mustBeSeen({ names, links }: WalkedDirectory): boolean {
  return names.length < manyFiles || links.size > 0 || names.some(isNoUtf8);
}

function readDirectory(
  directory: string,
  relative: string,
  ignored: IgnoreRule,
  skipBroken: boolean,
): { walked: WalkedDirectory; children: string[] } {
  const names: string[] = [];
  const children: string[] = [];
  const links = new Set<number>();
  for (const entry of sortedEntries(directory)) {
    const file = `${directory}/${entry.name}`;
    if (ignored(file, entry.isDirectory())) continue;
    if (entry.isFile()) names.push(entry.name);
    else if (entry.isDirectory()) children.push(entry.name);
    else if (entry.isSymbolicLink()) {
      if (skipBroken && !fs.existsSync(file)) continue;
      if (followLink(file).isDirectory()) continue;
      links.add(names.length);
      names.push(entry.name);
    } else throw specialFile(file, entry);
  }
  const facts = new Float64Array(names.length * factsPerFile).fill(Number.NaN);
  return { walked: { path: directory, relative, names, facts, links }, children };
}

/** Looks at the files whose facts are unseen. */
export function seeFacts({ path: directory, names, facts }: WalkedDirectory): void {
  for (let i = 0; i < names.length; i++) {
    if (Number.isNaN(facts[i * factsPerFile])) readFacts(`${directory}/${names[i]}`, facts, i);
  }
}

/** In the order of names, in which Node already lists them, by bytes instead of UTF-16 units. */
function sortedEntries(directory: string): fs.Dirent[] {
  const entries = fs.readdirSync(directory, { withFileTypes: true });
  let previous = '';
  for (const { name } of entries) {
    if (name < previous) return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    previous = name;
  }
  return entries;
}

/** Fills the facts of one file; links are followed. */
export function readFacts(file: string, facts: Float64Array, index: number): void {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) throw vanished(file);
  putFacts(stat, facts, index);
}

export function putFacts(stat: fs.Stats, facts: Float64Array, index: number): void {
  const at = index * factsPerFile;
  facts[at] = stat.size;
  facts[at + 1] = stat.mtimeMs;
  // Hard links made elsewhere move the ctime of a file whose content did not change.
  facts[at + 2] = stat.nlink > 1 ? 0 : stat.ctimeMs;
  facts[at + 3] = stat.ino;
}

/** The facts of one file by themselves. */
export function factsOf(stat: fs.Stats): Float64Array {
  const facts = new Float64Array(factsPerFile);
  putFacts(stat, facts, 0);
  return facts;
}

/**
 * Bytes of a few files together; those that are not there count nothing. Undefined for many: it would take longer to ask
 * than to show how many are done.
 */
export function sizeOfFew(count: number, files: () => readonly string[]): number | undefined {
  if (count > 200) return undefined;
  return files().reduce((sum, file) => sum + (fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** The same memory, as it is compared and kept. */
export function bytesOf({ buffer, byteOffset, byteLength }: Float64Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function vanished(file: string): MlopsError {
  if (isNoUtf8(file)) {
    return new MlopsError('bad_path', `the name of '${file}' is not UTF-8`, { hint: 'rename that file' });
  }
  return new MlopsError('file_changed', `'${file}' vanished while the directory was read`, {
    hint: 'run the same command again when nothing writes there',
  });
}

function isNoUtf8(file: string): boolean {
  return file.includes('\ufffd');
}

/** What a link leads to. @throws MlopsError `special_file` for broken links and loops. */
export function followLink(file: string): fs.Stats {
  try {
    const stat = fs.statSync(file);
    if (!stat.isFile() && !stat.isDirectory()) throw specialFile(file, stat);
    return stat;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) {
      throw new MlopsError('special_file', `'${file}' is a broken symbolic link (to '${fs.readlinkSync(file)}')`, {
        hint: 'remove or repair the link, or name it in .dvcignore',
        cause: error,
      });
    }
    if (isSystemError(error, 'ELOOP')) {
      throw new MlopsError('special_file', `'${file}' is a symbolic link that leads back to itself`, {
        hint: 'remove the link, or name it in .dvcignore',
        cause: error,
      });
    }
    throw error;
  }
}

interface Kind {
  isFIFO(): boolean;
  isSocket(): boolean;
}

/** The error for what can be listed but not hashed. Opening a FIFO would wait for ever. */
export function specialFile(file: string, kind: Kind): MlopsError {
  const what = kind.isFIFO() ? 'FIFO (named pipe)' : kind.isSocket() ? 'socket' : 'device';
  return new MlopsError('special_file', `'${file}' is a ${what}, which cannot be tracked`, {
    hint: `remove it or name it in .dvcignore: ${path.basename(file)}`,
  });
}
