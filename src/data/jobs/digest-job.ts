import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { isSystemError } from '../../base/index.ts';
import type { HashName } from '../ids/content.ts';
import { createDigest, digestOf, fillBuffer } from '../ids/digest.ts';
import { buffer, breathe, FileFailure, type DigestJob, type JobState, type StorePlan } from './job.ts';
import { smallFile, tick } from '../index/limits.ts';
import { factsOf, factsPerFile, putFacts } from '../index/walk.ts';
import { objectPath } from '../ids/layout.ts';
import {
  cannotClone,
  creating,
  makeParent,
  placeAtomically,
  placeContent,
  renameInto,
  temporaryIn,
  writeFully,
} from './place-file.ts';
import { stagedPath } from './staging.ts';

/** Hashes one file of a job (and stores it); a promise only for large ones. */
export function digestOne(job: DigestJob, i: number, state: JobState): Promise<void> | undefined {
  const file = job.files[i] ?? '';
  if ((job.facts[i * factsPerFile] ?? 0) > smallFile) return digestLarge(job, i, state);
  const isUnseen = Number.isNaN(job.facts[i * factsPerFile]);
  for (let attempt = 0; attempt < (isUnseen ? 4 : 3); attempt++) {
    if (attempt > 0) Atomics.wait(pause, 0, 0, tick);
    const fd = openToHash(file);
    try {
      const before = attempt === 0 && !isUnseen ? undefined : fs.fstatSync(fd);
      if (before !== undefined && before.size > smallFile) return digestLarge(job, i, state);
      if (before !== undefined && isFresh(before)) continue;
      const length = readExpected(fd, before?.size ?? job.facts[i * factsPerFile] ?? 0);
      const after = fs.fstatSync(fd);
      putFacts(after, state.facts, i);
      const steady = before === undefined ? sameFacts(job.facts, state.facts, i) : sameStat(before, after);
      if (!steady || length !== after.size) continue;
      const content = buffer().subarray(0, length);
      const digest = digestOf(content, job.hashName);
      state.digests.write(digest, i * 16, 'hex');
      state.bytes += length;
      if (job.store !== undefined) storeSmall(job.store, job.hashName, file, digest, content, state, i);
      return undefined;
    } finally {
      fs.closeSync(fd);
    }
  }
  throw new FileFailure('changed', `'${file}' kept changing while it was read`);
}

function openToHash(file: string): number {
  try {
    return fs.openSync(file, fs.constants.O_RDONLY);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) throw new FileFailure('vanished', `'${file}' vanished while it was read`);
    throw error;
  }
}

/** One read is enough where it brings as many bytes as the file has; whether it has them is asked afterwards. */
function readExpected(fd: number, size: number): number {
  const length = fs.readSync(fd, buffer(), 0, smallFile, null);
  return length === size ? length : fillBuffer(fd, buffer(), length);
}

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Changed so lately that it could change once more without its time moving: what is read now proves nothing. */
function isFresh(stat: fs.Stats): boolean {
  const age = Date.now() - Math.max(stat.mtimeMs, stat.ctimeMs);
  return age >= 0 && age < tick;
}

function sameFacts(a: Float64Array, b: Float64Array, i: number): boolean {
  const at = i * factsPerFile;
  return a[at] === b[at] && a[at + 1] === b[at + 1] && a[at + 3] === b[at + 3];
}

function sameStat(a: fs.Stats, b: fs.Stats): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino;
}

function storeSmall(
  plan: StorePlan,
  hashName: HashName,
  file: string,
  digest: string,
  content: Uint8Array,
  state: JobState,
  i: number,
): void {
  const { staging } = plan;
  if (staging !== undefined && staging.pairs[Number.parseInt(digest.slice(0, 2), 16)] === 1) {
    return stage(stagedPath(staging.directory, digest), content, plan.mode);
  }
  const target = objectPath(plan.cacheDir, digest, hashName);
  if (fs.existsSync(target)) return;
  // The smallest files are never hard-linked by DVC: all empty ones would be one file.
  if (plan.how === 'hardlink' && content.length > 0) {
    linkIntoCache(plan, file, target);
    putFacts(fs.statSync(file), state.facts, i);
    return;
  }
  if (plan.how === 'reflink' && cloneIntoCache(plan, file, target)) return;
  placeContent(target, content, plan.mode);
}

/** Another thread may be writing the same content there. */
function stage(target: string, content: Uint8Array, mode: number): void {
  let fd: number;
  try {
    fd = fs.openSync(target, creating, mode);
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return;
    throw error;
  }
  try {
    writeFully(fd, content);
  } catch (error) {
    fs.rmSync(target, { force: true });
    throw error;
  } finally {
    fs.closeSync(fd);
  }
}

/** Hard-links a workspace file into the cache; from then on it is the object, and read-only. */
function linkIntoCache(plan: StorePlan, file: string, target: string): void {
  fs.chmodSync(file, plan.mode);
  try {
    fs.linkSync(file, target);
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return;
    if (!isSystemError(error, 'ENOENT')) throw error;
    makeParent(target);
    fs.linkSync(file, target);
  }
}

function cloneIntoCache(plan: StorePlan, file: string, target: string): boolean {
  try {
    placeAtomically(target, (temp) => {
      fs.copyFileSync(file, temp, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE_FORCE);
      fs.chmodSync(temp, plan.mode);
    });
    return true;
  } catch (error) {
    if (isSystemError(error, ...cannotClone)) return false;
    throw error;
  }
}

/**
 * A large file is hashed here while the kernel copies it in another thread; equal size, mtime and inode
 * before and after tell that both saw the same content, otherwise it is done again.
 */
async function digestLarge(job: DigestJob, i: number, state: JobState): Promise<void> {
  const file = job.files[i] ?? '';
  for (let attempt = 0; attempt < 3; attempt++) {
    if (isFresh(fs.statSync(file))) await sleep(tick);
    const before = fs.statSync(file);
    if (isFresh(before)) continue;
    const digest = await hashAndStore(job, file, state);
    const after = fs.statSync(file);
    if (digest === undefined || (job.store?.how !== 'hardlink' && !sameStat(before, after))) continue;
    putFacts(after, state.facts, i);
    if (digest.made !== undefined) state.large.push({ index: i, facts: digest.made });
    state.digests.write(digest.hex, i * 16, 'hex');
    state.bytes += after.size;
    return;
  }
  throw new FileFailure('changed', `'${file}' kept changing while it was read`);
}

interface Stored {
  readonly hex: string;
  /** The facts of the object, if it was made here. One that was there before is not vouched for. */
  readonly made?: Float64Array;
}

async function hashAndStore(job: DigestJob, file: string, state: JobState): Promise<Stored | undefined> {
  const { store, hashName } = job;
  if (store === undefined) return { hex: await hashLarge(file, hashName, state) };
  if (store.how === 'hardlink') {
    const before = fs.statSync(file);
    const digest = await hashLarge(file, hashName, state);
    if (!sameStat(before, fs.statSync(file))) return undefined;
    const target = objectPath(store.cacheDir, digest, hashName);
    if (!fs.existsSync(target)) linkIntoCache(store, file, target);
    return { hex: digest };
  }
  // Its name is not known yet, so it is copied beside the place of its first two digits to be.
  const temp = temporaryIn(`${store.cacheDir}/${hashName === 'md5' ? 'files/md5' : '.'}`);
  const before = fs.statSync(file);
  try {
    makeParent(temp);
    const copying = fs.promises.copyFile(file, temp, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
    const [hashed, copied] = await Promise.allSettled([hashLarge(file, hashName, state), copying]);
    if (hashed.status === 'rejected') throw hashed.reason;
    if (copied.status === 'rejected') throw copied.reason;
    if (!sameStat(before, fs.statSync(file)) || fs.statSync(temp).size !== before.size) return undefined;
    const target = objectPath(store.cacheDir, hashed.value, hashName);
    if (fs.existsSync(target)) return { hex: hashed.value };
    fs.chmodSync(temp, store.mode);
    renameInto(temp, target);
    return { hex: hashed.value, made: factsOf(fs.statSync(target)) };
  } finally {
    fs.rmSync(temp, { force: true });
  }
}

async function hashLarge(file: string, hashName: HashName, state: JobState): Promise<string> {
  const digest = createDigest(hashName);
  const fd = fs.openSync(file, 'r');
  try {
    for (let count = 1; ; count++) {
      const length = fillBuffer(fd, buffer());
      if (length > 0) digest.update(buffer().subarray(0, length));
      if (length < smallFile) return digest.hex();
      if (count % 16 !== 0) continue;
      state.moved(16 * smallFile);
      await breathe(state);
    }
  } finally {
    fs.closeSync(fd);
  }
}
