import * as fs from 'node:fs';

import { isSystemError } from '../../base/index.ts';
import type { HashName } from '../ids/content.ts';
import { digestOf } from '../ids/digest.ts';
import type { IndexedFile } from './remember-files.ts';
import { smallFile, tick } from './limits.ts';
import { factsOf } from './walk.ts';

/** More than this is not read a second time; such files are hashed anew by the next command instead. */
const mostBytes = 64 << 20;

/**
 * Files that were hashed within a tick of the file clock after they were written. They could change once more
 * without their mtime moving, and the index would call them unchanged for ever. Instead of waiting a tick for
 * each, as a pipeline of short stages would have to, they stay out of the index until `settled` has read them
 * again, after a tick, and found the same content.
 */
export class YoungFiles {
  readonly #files = new Map<string, IndexedFile & { readonly hashName: HashName }>();

  add(hashName: HashName, file: IndexedFile): void {
    this.#files.set(`${hashName}:${file.file}`, { ...file, hashName });
  }

  /** It was hashed again when it was old enough. */
  drop(hashName: HashName, file: string): void {
    this.#files.delete(`${hashName}:${file}`);
  }

  /** The files that are still as they were hashed, now old enough for the index. Waits at most a tick. */
  settled(): Map<HashName, IndexedFile[]> {
    const found = new Map<HashName, IndexedFile[]>();
    const files = [...this.#files.values()];
    this.#files.clear();
    let budget = mostBytes;
    const chosen = files.filter(({ facts }) => (budget -= facts[0] ?? 0) >= 0);
    waitUntil(Math.max(0, ...chosen.map(({ facts }) => bornAt(facts))) + tick);
    for (const { file, md5, facts, hashName } of chosen) {
      if (!isStill(file, md5, facts, hashName)) continue;
      const list = found.get(hashName) ?? [];
      found.set(hashName, list);
      list.push({ file, md5, facts });
    }
    return found;
  }
}

/** True for a small file that changed less than a tick before it was read. */
export function isYoung(facts: Float64Array, readAt: number): boolean {
  return (facts[0] ?? 0) <= smallFile && bornAt(facts) + tick > readAt;
}

/** When a file may have been changed last, in milliseconds since 1970. */
function bornAt(facts: Float64Array): number {
  return Math.max(facts[1] ?? 0, facts[2] ?? 0);
}

function waitUntil(time: number): void {
  const wait = time - Date.now();
  if (wait > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(wait, tick));
}

function isStill(file: string, md5: string, facts: Float64Array, hashName: HashName): boolean {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat?.isFile() !== true || stat.size > smallFile) return false;
  if (factsOf(stat).some((fact, i) => fact !== facts[i])) return false;
  try {
    return digestOf(fs.readFileSync(file), hashName) === md5;
  } catch (error) {
    // It went away, or may not be read: then it is simply not remembered.
    if (isSystemError(error)) return false;
    throw error;
  }
}
