import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError } from '../base/index.ts';
import { runGit, splitNul } from './run.ts';

/** What Git's index says of a path. */
export interface IndexEntry {
  /** From the top of the work tree, with slashes. */
  readonly path: string;
  readonly isLink: boolean;
}

/**
 * The entries of Git's index from one path to another (in the order of their bytes, both ends included), read from the
 * file: 0.1 ms where they lie near its beginning, against 4 ms for `git ls-files`, which is asked where the file is of
 * another kind than expected. Format: `gitformat-index(5)`.
 * @param from a path from the top of the work tree; entries before it are passed over.
 * @param to no entry behind it is looked at.
 */
export function indexEntries(gitRoot: string, from: string, to: string): IndexEntry[] {
  const gitDir = gitFolderOf(gitRoot);
  const bounds = { from: Buffer.from(from), to: Buffer.from(to) };
  const read = hasSharedIndex(gitDir) ? undefined : readRange(path.join(gitDir, 'index'), bounds);
  return read ?? askGit(gitRoot, from, to);
}

/** `.git` itself, or the folder that a `.git` file of a work tree or submodule names. */
function gitFolderOf(gitRoot: string): string {
  const dotGit = path.join(gitRoot, '.git');
  try {
    const named = /^gitdir: (.+)/.exec(fs.readFileSync(dotGit, 'utf8'))?.[1]?.trimEnd();
    return named === undefined ? dotGit : path.resolve(gitRoot, named);
  } catch (error) {
    if (isSystemError(error, 'EISDIR', 'ENOENT')) return dotGit;
    throw error;
  }
}

/** With `core.splitIndex` most entries are in another file. */
function hasSharedIndex(gitDir: string): boolean {
  try {
    return fs.readdirSync(gitDir).some((name) => name.startsWith('sharedindex.'));
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

function askGit(gitRoot: string, from: string, to: string): IndexEntry[] {
  return splitNul(runGit(gitRoot, ['ls-files', '--stage', '-z']).stdout).flatMap((line) => {
    const name = line.slice(line.indexOf('\t') + 1);
    return name < from || name > to ? [] : [{ path: name, isLink: line.startsWith('120000 ') }];
  });
}

const firstChunk = 64 << 10;
const headerSize = 12;
/** Bytes of an entry before its hash, of its SHA-1, and of its flags. */
const statSize = 40;
const hashSize = 20;
const fixedSize = statSize + hashSize + 2;

/** @returns undefined where the file is not laid out as expected. */
function readRange(file: string, bounds: { readonly from: Buffer; readonly to: Buffer }): IndexEntry[] | undefined {
  let fd: number;
  try {
    fd = fs.openSync(file, 'r');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
  try {
    // Most is in the first chunk; otherwise the whole file is read.
    const { size } = fs.fstatSync(fd);
    for (const length of [Math.min(firstChunk, size), size]) {
      const bytes = Buffer.allocUnsafe(length);
      if (fs.readSync(fd, bytes, 0, length, 0) < length) return undefined;
      const found = scan(bytes, length === size, bounds);
      if (found !== 'more') return found;
    }
    return undefined;
  } finally {
    fs.closeSync(fd);
  }
}

function scan(
  bytes: Buffer,
  isWhole: boolean,
  { from, to }: { readonly from: Buffer; readonly to: Buffer },
): IndexEntry[] | 'more' | undefined {
  if (bytes.length < headerSize || bytes.toString('latin1', 0, 4) !== 'DIRC') return undefined;
  const version = bytes.readUInt32BE(4);
  const count = bytes.readUInt32BE(8);
  if (version < 2 || version > 4) return undefined;
  const found: IndexEntry[] = [];
  let previous: Buffer = Buffer.alloc(0);
  let at = headerSize;
  for (let i = 0; i < count; i++) {
    // The longest name that counts makes an entry; one that is cut off is read with the whole file.
    if (at + fixedSize + 2 > bytes.length) return isWhole ? undefined : 'more';
    const flags = bytes.readUInt16BE(at + statSize + hashSize);
    let start = at + fixedSize + ((flags & 0x4000) === 0 ? 0 : 2);
    let stripped = 0;
    if (version === 4) ({ value: stripped, next: start } = varint(bytes, start));
    const length = flags & 0xfff;
    // Only version 4 leaves out what names have in common, and only very long ones have to be measured.
    const end = version === 4 || length === 0xfff ? bytes.indexOf(0, start) : start + length;
    if (end < 0 || end >= bytes.length) return isWhole ? undefined : 'more';
    const kept = previous.subarray(0, previous.length - stripped);
    if (version === 4) previous = Buffer.concat([kept, bytes.subarray(start, end)]);
    // Where hashes are longer (SHA-256) nothing fits.
    if (bytes[end] !== 0 || (version === 4 && length !== Math.min(0xfff, previous.length))) return undefined;
    const name = version === 4 ? previous : bytes;
    const nameStart = version === 4 ? 0 : start;
    const nameEnd = version === 4 ? previous.length : end;
    if (order(name, nameStart, nameEnd, to) > 0) return found;
    if (order(name, nameStart, nameEnd, from) >= 0) {
      const isLink = bytes.readUInt32BE(at + 24) === 0o120000;
      found.push({ path: name.toString('utf8', nameStart, nameEnd), isLink });
    }
    at = version === 4 ? end + 1 : at + ((end - at + 8) & ~7);
  }
  return found;
}

/** Compares a part of a buffer; most names differ in their first bytes, where a call into Node costs more than a look. */
function order(bytes: Buffer, start: number, end: number, other: Buffer): number {
  const length = Math.min(end - start, other.length);
  for (let i = 0; i < length; i++) {
    const difference = (bytes[start + i] ?? 0) - (other[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return end - start - other.length;
}

/** The number in Git's variable width encoding (that of pack offsets). */
function varint(bytes: Buffer, start: number): { value: number; next: number } {
  let next = start;
  let byte = bytes[next++] ?? 0;
  let value = byte & 0x7f;
  while ((byte & 0x80) !== 0) {
    byte = bytes[next++] ?? 0;
    value = ((value + 1) << 7) | (byte & 0x7f);
  }
  return { value, next };
}
