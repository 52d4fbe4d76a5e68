import * as fs from 'node:fs';

import type { HashName } from '../ids/content.ts';
import { objectPath } from '../ids/layout.ts';
import type { StatIndex } from './stat-index.ts';
import { factsOf } from './walk.ts';

/**
 * Objects of the cache that need not be hashed before they are handed on: those that this command itself brought there,
 * and large ones that were hashed before and still have the size, times and inode of that moment. A small one is
 * hashed each time it is copied: asking would take longer.
 */
export class VerifiedObjects {
  readonly #cacheDir: string;
  readonly #index: StatIndex;
  readonly #arrived = new Map<HashName, Set<string>>();

  constructor(cacheDir: string, index: StatIndex) {
    this.#cacheDir = cacheDir;
    this.#index = index;
  }

  has(md5: string, hashName: HashName): boolean {
    if (this.#arrived.get(hashName)?.has(md5) === true) return true;
    const known = this.#index.objects(hashName).get(md5);
    if (known === undefined) return false;
    const now = this.#facts(md5, hashName);
    return now?.every((fact, i) => fact === known[i]) === true;
  }

  /** These were hashed on their way into the cache. */
  arrive(ids: Iterable<string>, hashName: HashName): void {
    const arrived = this.#arrived.get(hashName) ?? new Set();
    this.#arrived.set(hashName, arrived);
    for (const id of ids) arrived.add(id);
  }

  /**
   * Keeps for later commands that a large object, with these facts, has the content that its name says.
   * A file with several names is changed through each of them, and its ctime by each new one: such are hashed anew.
   */
  keep(md5: string, hashName: HashName, facts: Float64Array): void {
    if (facts[ctime] !== 0) this.#index.putObject(md5, hashName, facts);
  }

  /** It is gone. */
  forget(md5: string, hashName: HashName): void {
    this.#arrived.get(hashName)?.delete(md5);
    if (this.#index.objects(hashName).has(md5)) this.#index.putObject(md5, hashName, undefined);
  }

  #facts(md5: string, hashName: HashName): Float64Array | undefined {
    const stat = fs.lstatSync(objectPath(this.#cacheDir, md5, hashName), { throwIfNoEntry: false });
    return stat === undefined ? undefined : factsOf(stat);
  }
}

/** Where `putFacts` puts the ctime: 0 stands for a file with several names. */
const ctime = 2;
