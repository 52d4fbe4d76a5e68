import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { needsCleanEnd } from './clean-end.ts';

export interface AtomicWriteOptions {
  /** Permission bits of the new file, before umask. Default: those of the file replaced, else 0o666. */
  readonly mode?: number;
  /** True where losing the content in a power cut would lose something acknowledged. Default false. */
  readonly durable?: boolean;
}

/**
 * Replaces a file's content so that a reader, or a crash at any moment, sees the old bytes or the new
 * ones, never a part: temp file in the same directory, then rename. Symbolic links are followed.
 * Throws Node's system errors (ENOSPC, EACCES, ...); the temp file is removed in that case.
 */
export function writeFileAtomic(file: string, content: string | Uint8Array, options: AtomicWriteOptions = {}): void {
  const target = resolveLink(file);
  const temp = temporaryName(target);
  const mode = options.mode ?? modeOf(target);
  const fd = fs.openSync(temp, 'wx', mode ?? 0o666);
  try {
    try {
      fs.writeFileSync(fd, content);
      if (mode !== undefined) fs.fchmodSync(fd, mode);
      if (options.durable === true) fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temp, target);
  } catch (error) {
    fs.rmSync(temp, { force: true });
    throw error;
  }
  if (options.durable === true) syncDirectory(path.dirname(target));
}

/** A fresh name beside the target, in the form that DVC uses and ignores: `.<22 characters>.tmp`. */
export function temporaryName(target: string): string {
  needsCleanEnd();
  return path.join(path.dirname(target), `.${randomBytes(16).toString('base64url')}.tmp`);
}

/** Makes renames in a directory survive a power cut. */
function syncDirectory(directory: string): void {
  const fd = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function resolveLink(file: string): string {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  return stat?.isSymbolicLink() === true ? fs.realpathSync(file) : file;
}

function modeOf(file: string): number | undefined {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? undefined : stat.mode & 0o777;
}
