import * as fs from 'node:fs';
import * as path from 'node:path';

import { compareCodePoints, isSystemError } from '../base/index.ts';
import type { Tree, TreeEntry, TreePath } from './tree.ts';

/** The files under a directory of this machine, read when asked for. */
export function worktreeTree(root: string): Tree {
  const absolute = (name: TreePath): string => (name === '' ? root : path.join(root, name));
  return {
    kind: 'worktree',
    label: 'workspace',
    root,
    list: (dir) => listDirectory(absolute(dir)),
    folders(dir) {
      const found = absentIsUndefined(() => fs.readdirSync(absolute(dir), { withFileTypes: true })) ?? [];
      return found.flatMap((item) => (item.isDirectory() ? [item.name] : []));
    },
    entry(name) {
      const stat = absentIsUndefined(() => fs.lstatSync(absolute(name)));
      return stat === undefined ? undefined : entryOf(path.posix.basename(name), stat);
    },
    read: (name) => readBytes(absolute(name)),
    prefetch: () => undefined,
  };
}

function listDirectory(dir: string): TreeEntry[] {
  const found = absentIsUndefined(() => fs.readdirSync(dir, { withFileTypes: true })) ?? [];
  const entries = found.map((item): TreeEntry | undefined => {
    // The x-bit is not part of a directory entry, so only files cost a stat.
    if (item.isDirectory()) return { name: item.name, kind: 'dir', executable: false };
    const stat = absentIsUndefined(() => fs.lstatSync(path.join(dir, item.name)));
    return stat === undefined ? undefined : entryOf(item.name, stat);
  });
  return entries.filter((item) => item !== undefined).sort((a, b) => compareCodePoints(a.name, b.name));
}

function entryOf(name: string, stat: fs.Stats): TreeEntry {
  if (stat.isDirectory()) return { name, kind: 'dir', executable: false };
  if (stat.isFile()) return { name, kind: 'file', executable: (stat.mode & 0o100) !== 0 };
  return { name, kind: stat.isSymbolicLink() ? 'link' : 'other', executable: false };
}

function readBytes(file: string): Uint8Array | undefined {
  return absentIsUndefined(() => {
    const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    try {
      return fs.fstatSync(fd).isFile() ? fs.readFileSync(fd) : undefined;
    } finally {
      fs.closeSync(fd);
    }
  });
}

function absentIsUndefined<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO')) return undefined;
    throw error;
  }
}
