import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError } from '../../base/index.ts';
import { privateSubfolder } from '../../trust/index.ts';
import type { HashName } from '../ids/content.ts';
import { nearestFolder } from './links.ts';

/**
 * Second copies of large objects, which a fetch makes while it hashes them for the checkout that follows: what is read once
 * becomes the object and the file of the workspace. They lie in the private folder; those that nobody took go with it.
 */
export class Spares {
  readonly #stateDir: string;
  #folder: string | undefined;

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  /** Where the second copy of an object may be made. */
  pathOf(md5: string, hashName: HashName): string {
    this.#folder ??= path.join(
      privateSubfolder(this.#stateDir, 'tmp'),
      `spares-${process.pid}-${randomBytes(6).toString('hex')}`,
    );
    return path.join(this.#folder, `${hashName}.${md5}`);
  }

  /** Whether this folder, which need not be there yet, can be filled by renames. */
  isBeside(folder: string): boolean {
    try {
      return fs.statSync(nearestFolder(folder)).dev === fs.statSync(this.#stateDir).dev;
    } catch (error) {
      if (isSystemError(error)) return false;
      throw error;
    }
  }

  /** The copies that were made and not yet taken, by md5; undefined where there are none. */
  made(hashName: HashName): ReadonlyMap<string, string> | undefined {
    const folder = this.#folder;
    if (folder === undefined || !fs.existsSync(folder)) return undefined;
    const own = fs.readdirSync(folder).filter((name) => name.startsWith(`${hashName}.`));
    return own.length === 0
      ? undefined
      : new Map(own.map((name) => [name.slice(hashName.length + 1), path.join(folder, name)]));
  }

  clear(): void {
    if (this.#folder !== undefined) fs.rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}
