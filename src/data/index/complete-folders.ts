import * as fs from 'node:fs';

import type { HashName } from '../ids/content.ts';
import { tick } from './limits.ts';
import { objectPath, prefixOf } from '../ids/layout.ts';
import type { StatIndex } from './stat-index.ts';

interface Known {
  /** State of the cache's 256 folders when these were found to be complete. */
  readonly signature: string;
  /** By the id of a directory: the facts of its manifest. */
  readonly manifests: Record<string, string>;
}

/**
 * Directories of which the cache is known to hold every file. Objects come and go only by changing the time of one of
 * the cache's 256 folders, so that 256 looks replace a listing of all objects and the reading of manifests.
 */
export class CompleteFolders {
  readonly #cacheDir: string;
  readonly #index: StatIndex;
  readonly #known = new Map<HashName, { current: string | undefined; known: Known }>();

  constructor(cacheDir: string, index: StatIndex) {
    this.#cacheDir = cacheDir;
    this.#index = index;
  }

  has(md5: string, hashName: HashName): boolean {
    const { current, known } = this.#state(hashName);
    if (current === undefined || known.signature !== current) return false;
    return known.manifests[md5] !== undefined && known.manifests[md5] === this.#manifestFacts(md5, hashName);
  }

  /** Looks at the cache's folders: what is listed from now on is what they held then. */
  look(hashName: HashName): void {
    this.#state(hashName);
  }

  /** What was listed after `look` (or `has`) shows the directory to be complete. */
  add(md5: string, hashName: HashName): void {
    const state = this.#state(hashName);
    const { current } = state;
    const facts = this.#manifestFacts(md5, hashName);
    if (current === undefined || facts === undefined) return;
    const manifests = state.known.signature === current ? state.known.manifests : {};
    state.known = { signature: current, manifests: { ...manifests, [md5]: facts } };
    this.#index.putNote(noteOf(hashName), JSON.stringify(state.known));
  }

  /** When something else may have changed the cache. */
  forget(): void {
    this.#known.clear();
  }

  #state(hashName: HashName): { current: string | undefined; known: Known } {
    let state = this.#known.get(hashName);
    if (state === undefined) {
      const note = this.#index.note(noteOf(hashName));
      const known = note === undefined ? { signature: '', manifests: {} } : (JSON.parse(note) as Known);
      this.#known.set(hashName, (state = { current: signatureOf(this.#cacheDir, hashName), known }));
    }
    return state;
  }

  #manifestFacts(md5: string, hashName: HashName): string | undefined {
    const stat = fs.statSync(objectPath(this.#cacheDir, md5, hashName), { throwIfNoEntry: false });
    return stat === undefined ? undefined : `${stat.size} ${stat.mtimeMs} ${stat.ctimeMs} ${stat.ino}`;
  }
}

function noteOf(hashName: HashName): string {
  return `complete folders of ${hashName}`;
}

/** Times and inodes of the folders; undefined while one is so young that it could change without its time moving. */
function signatureOf(cacheDir: string, hashName: HashName): string | undefined {
  const parts: string[] = [cacheDir];
  const limit = Date.now() - tick;
  for (let i = 0; i < 256; i++) {
    const folder = `${cacheDir}/${prefixOf(hashName)}${i.toString(16).padStart(2, '0')}`;
    const stat = fs.statSync(folder, { throwIfNoEntry: false });
    if (stat !== undefined && Math.max(stat.mtimeMs, stat.ctimeMs) > limit) return undefined;
    parts.push(stat === undefined ? '' : `${stat.ino}:${stat.mtimeMs}`);
  }
  return parts.join(' ');
}
