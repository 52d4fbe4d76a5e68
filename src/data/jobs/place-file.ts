import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError } from '../../base/index.ts';

/** What a file system without shared blocks answers to a clone. */
export const cannotClone = ['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY'];

// As a number: Node would read the letters anew for each of thousands of files.
export const creating = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL;

export function writeFully(fd: number, content: Uint8Array): void {
  for (let written = 0; written < content.length;) {
    written += fs.writeSync(fd, content, written, content.length - written);
  }
}

export function openForWriting(file: string, mode: number): number {
  try {
    return fs.openSync(file, creating, mode);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    makeParent(file);
    return fs.openSync(file, creating, mode);
  }
}

/** A whole small file, complete or not there. */
export function placeContent(target: string, content: Uint8Array, mode: number): void {
  placeAtomically(target, (temp) => {
    const fd = openForWriting(temp, mode);
    try {
      writeFully(fd, content);
    } finally {
      fs.closeSync(fd);
    }
  });
}

export function placeAtomically(target: string, fill: (temp: string) => void): void {
  const temp = temporaryBeside(target);
  try {
    try {
      fill(temp);
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
      makeParent(target);
      fill(temp);
    }
    fs.renameSync(temp, target);
  } catch (error) {
    fs.rmSync(temp, { force: true });
    throw error;
  }
}

export function renameInto(temp: string, target: string): void {
  try {
    fs.renameSync(temp, target);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    makeParent(target);
    fs.renameSync(temp, target);
  }
}

export function makeParent(file: string): void {
  const folder = file.slice(0, file.lastIndexOf('/'));
  try {
    fs.mkdirSync(folder, { recursive: true });
  } catch (error) {
    // What Node says on a read-only file system. Making the first one alone gives the true reason.
    if (!isSystemError(error, 'ENOENT')) throw error;
    let first = folder;
    while (!fs.existsSync(path.dirname(first))) first = path.dirname(first);
    fs.mkdirSync(first);
    fs.mkdirSync(folder, { recursive: true });
  }
}

// One random word a thread and a counter: asking for random bytes for each file costs more than the rest.
const word = randomBytes(12).toString('base64url');
let counter = 0;

export function temporaryBeside(target: string): string {
  return temporaryIn(target.slice(0, target.lastIndexOf('/')));
}

export function temporaryIn(directory: string): string {
  return `${directory}/.${word}${(counter++).toString(36).padStart(6, '0')}.tmp`;
}
