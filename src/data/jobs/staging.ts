import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';

import { isSystemError, removeLeftFolders } from '../../base/index.ts';
import { prefixOf } from '../ids/layout.ts';

/**
 * A private folder in which many new objects are made at once, for those pairs of first digits that a cache (or a
 * folder remote) has no folder for yet. One rename then brings a whole pair of digits into place, instead of one for
 * each object.
 */
export interface Staging {
  readonly directory: string;
  /** By the first two digits of an md5: 1 where its objects may be made here. */
  readonly pairs: Uint8Array;
  /** Moves everything into place. To be called also after a failure: what is there is whole. */
  publish(): void;
}

/** Below this number of objects the 256 folders cost more than they save. */
const enough = 1500;

/** A staging folder for `count` objects on their way into `base`; undefined where it would not pay. */
export function openStaging(cacheDir: string, count: number): Staging | undefined {
  if (count < enough) return undefined;
  const base = `${cacheDir}/${prefixOf('md5')}`;
  fs.mkdirSync(base, { recursive: true });
  clearStaging(cacheDir);
  const pairs = new Uint8Array(256).fill(1);
  for (const name of fs.readdirSync(base)) {
    if (/^[0-9a-f]{2}$/.test(name)) pairs[Number.parseInt(name, 16)] = 0;
  }
  if (!pairs.includes(1)) return undefined;
  const directory = `${base}.${randomBytes(16).toString('base64url')}.tmp`;
  fs.mkdirSync(directory);
  pairs.forEach((isNew, pair) => {
    if (isNew === 1) fs.mkdirSync(`${directory}/${pairName(pair)}.tmp`);
  });
  return { directory, pairs, publish: () => publish(base, directory, pairs) };
}

/** Where an object is made. No listing of a cache, ours or DVC's, takes it for an object. */
export function stagedPath(directory: string, md5: string): string {
  return `${directory}/${md5.slice(0, 2)}.tmp/${md5.slice(2)}`;
}

/** Removes what killed commands left. */
export function clearStaging(cacheDir: string): void {
  removeLeftFolders(`${cacheDir}/${prefixOf('md5')}`, (name) => /^\.[\w-]{22}\.tmp$/.test(name));
}

function publish(base: string, directory: string, pairs: Uint8Array): void {
  for (const [pair, isNew] of pairs.entries()) {
    const staged = `${directory}/${pairName(pair)}.tmp`;
    if (isNew === 1 && fs.readdirSync(staged).length > 0) moveFolder(staged, base + pairName(pair));
  }
  fs.rmSync(directory, { recursive: true });
}

/** Another command may have made the folder meanwhile: then each object goes by itself. */
function moveFolder(staged: string, target: string): void {
  try {
    fs.renameSync(staged, target);
  } catch (error) {
    if (!isSystemError(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    for (const name of fs.readdirSync(staged)) fs.renameSync(`${staged}/${name}`, `${target}/${name}`);
  }
}

function pairName(pair: number): string {
  return pair.toString(16).padStart(2, '0');
}
