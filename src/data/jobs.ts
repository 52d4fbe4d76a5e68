import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';

import { isSystemError } from '../base/index.ts';
import type { HashName } from './content.ts';
import { createDigest, digestOf, fillBuffer } from './digest.ts';
import { objectPath } from './layout.ts';
import { factsPerFile, putFacts } from './walk.ts';

/** How new objects of the cache are made from the files they come from. */
export interface StorePlan {
  readonly cacheDir: string;
  readonly how: 'copy' | 'reflink' | 'hardlink';
  /** Permission bits of objects: 0o444, or 0o664 in a cache shared by a group. */
  readonly mode: number;
}

/** Hash these files, and put them into the cache when a plan says how. */
export interface DigestJob {
  readonly kind: 'digest';
  readonly hashName: HashName;
  readonly store: StorePlan | undefined;
  readonly files: readonly string[];
  /** The facts that the walk saw: what was hashed must still have them afterwards. */
  readonly facts: Float64Array;
}

/** Copy these files; what arrives must have the given digest. */
export interface CopyJob {
  readonly kind: 'copy';
  readonly hashName: HashName;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly digests: readonly string[];
  readonly mode: number;
  /** `fresh`: the target's folder is private, write straight to it. `replace`: write elsewhere, then rename. */
  readonly target: 'fresh' | 'replace';
  /** Folder of the files to be renamed, on the same device; without it they begin beside the target. */
  readonly tempDir?: string | undefined;
  /** Try to share blocks instead of copying; such files are not read and so not verified. */
  readonly reflink: boolean;
}

export type Job = DigestJob | CopyJob;

export interface JobFailure {
  readonly index: number;
  /** `changed`: kept changing while read. `corrupt`: content and name disagree. Otherwise a system error code. */
  readonly code: string;
  readonly message: string;
  readonly path: string;
}

export interface JobResult {
  /** 16 bytes a file for digest jobs, empty for copies. */
  readonly digests: Uint8Array;
  /** Facts of the hashed files, or of the copies made, afterwards. */
  readonly facts: Float64Array;
  readonly failures: readonly JobFailure[];
  /** Bytes read. */
  readonly bytes: number;
}

/** Files up to this size are read whole into one reused buffer. */
export const smallFile = 1 << 20;

let shared: Buffer | undefined;
const buffer = (): Buffer => (shared ??= Buffer.allocUnsafeSlow(smallFile));

/** Runs a job to its end, synchronously for small files. Never throws for a file's own failure. */
export async function runJob(job: Job, cancelled: () => boolean): Promise<JobResult> {
  const count = job.kind === 'digest' ? job.files.length : job.from.length;
  const state: JobState = {
    digests: Buffer.alloc(job.kind === 'digest' ? count * 16 : 0),
    facts: new Float64Array(count * factsPerFile),
    failures: [],
    bytes: 0,
    cancelled,
  };
  for (let i = 0; i < count && !cancelled(); i++) {
    const file = (job.kind === 'digest' ? job.files[i] : job.to[i]) ?? '';
    try {
      if (job.kind === 'digest') {
        const pending = digestOne(job, i, state);
        if (pending !== undefined) await pending;
      } else {
        const pending = copyOne(job, i, state);
        if (pending !== undefined) await pending;
      }
    } catch (error) {
      state.failures.push(failureOf(error, i, file));
    }
  }
  // Without the function, which cannot be sent between threads.
  const { digests, facts, failures, bytes } = state;
  return { digests, facts, failures, bytes };
}

interface JobState {
  digests: Buffer;
  facts: Float64Array;
  failures: JobFailure[];
  bytes: number;
  cancelled: () => boolean;
}

class FileFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

function failureOf(error: unknown, index: number, file: string): JobFailure {
  if (error instanceof FileFailure) return { index, code: error.code, message: error.message, path: file };
  if (isSystemError(error)) {
    return { index, code: error.code ?? 'EIO', message: error.message, path: error.path ?? file };
  }
  throw error;
}

// Hashing --------------------------------------------------------------------------------------------

function digestOne(job: DigestJob, i: number, state: JobState): Promise<void> | undefined {
  const file = job.files[i] ?? '';
  if ((job.facts[i * factsPerFile] ?? 0) > smallFile) return digestLarge(job, i, state);
  for (let attempt = 0; attempt < 3; attempt++) {
    const fd = fs.openSync(file, 'r');
    try {
      const before = attempt === 0 ? undefined : fs.fstatSync(fd);
      if (before !== undefined && before.size > smallFile) return digestLarge(job, i, state);
      const length = fillBuffer(fd, buffer());
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
  const target = objectPath(plan.cacheDir, digest, hashName);
  if (fs.existsSync(target)) return;
  // The smallest files are never hard-linked by DVC: all empty ones would be one file.
  if (plan.how === 'hardlink' && content.length > 0) {
    linkIntoCache(plan, file, target);
    putFacts(fs.statSync(file), state.facts, i);
    return;
  }
  if (plan.how === 'reflink' && cloneIntoCache(plan, file, target)) return;
  placeAtomically(target, (temp) => fs.writeFileSync(temp, content, { flag: 'wx', mode: plan.mode }));
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
    if (isSystemError(error, 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY')) return false;
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
    const before = fs.statSync(file);
    const digest = await hashAndStore(job, file, state);
    const after = fs.statSync(file);
    if (digest === undefined || (job.store?.how !== 'hardlink' && !sameStat(before, after))) continue;
    putFacts(after, state.facts, i);
    state.digests.write(digest, i * 16, 'hex');
    state.bytes += after.size;
    return;
  }
  throw new FileFailure('changed', `'${file}' kept changing while it was read`);
}

async function hashAndStore(job: DigestJob, file: string, state: JobState): Promise<string | undefined> {
  const { store, hashName } = job;
  if (store === undefined) return hashLarge(file, hashName, state);
  if (store.how === 'hardlink') {
    const before = fs.statSync(file);
    const digest = await hashLarge(file, hashName, state);
    if (!sameStat(before, fs.statSync(file))) return undefined;
    const target = objectPath(store.cacheDir, digest, hashName);
    if (!fs.existsSync(target)) linkIntoCache(store, file, target);
    return digest;
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
    if (fs.existsSync(target)) return hashed.value;
    fs.chmodSync(temp, store.mode);
    renameInto(temp, target);
    return hashed.value;
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
      if (count % 16 === 0) await breathe(state);
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** Lets signals and the progress line through. */
async function breathe(state: JobState): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (state.cancelled()) throw new FileFailure('cancelled', 'cancelled');
}

// Copying --------------------------------------------------------------------------------------------

function copyOne(job: CopyJob, i: number, state: JobState): Promise<void> | undefined {
  const from = job.from[i] ?? '';
  const to = job.to[i] ?? '';
  if (job.reflink && cloneFile(job, from, to)) {
    putFacts(fs.statSync(to), state.facts, i);
    return undefined;
  }
  const input = fs.openSync(from, 'r');
  let done = false;
  try {
    const length = fillBuffer(input, buffer());
    if (length === smallFile) {
      done = true;
      return copyLarge(job, i, input, state);
    }
    const content = buffer().subarray(0, length);
    if (digestOf(content, job.hashName) !== (job.digests[i] ?? '').slice(0, 32)) throw corrupt(from);
    const temp = job.target === 'fresh' ? to : temporaryFor(job, to);
    const output = openForWriting(temp, job.mode);
    try {
      if (length > 0) writeFully(output, content);
      if (job.target === 'replace') fs.renameSync(temp, to);
      putFacts(fs.fstatSync(output), state.facts, i);
    } catch (error) {
      fs.rmSync(temp, { force: true });
      throw error;
    } finally {
      fs.closeSync(output);
    }
    state.bytes += length;
    return undefined;
  } finally {
    if (!done) fs.closeSync(input);
  }
}

/** The first `smallFile` bytes are in the buffer already. Closes `input`. */
async function copyLarge(job: CopyJob, i: number, input: number, state: JobState): Promise<void> {
  const to = job.to[i] ?? '';
  const temp = job.target === 'fresh' ? to : temporaryFor(job, to);
  const digest = createDigest(job.hashName);
  let output: number | undefined;
  try {
    output = openForWriting(temp, job.mode);
    let length = smallFile;
    for (let count = 1; length > 0; count++) {
      const chunk = buffer().subarray(0, length);
      digest.update(chunk);
      writeFully(output, chunk);
      state.bytes += length;
      if (count % 16 === 0) {
        // The buffer is shared with nothing that runs meanwhile: a thread runs one job at a time.
        await breathe(state);
      }
      length = length < smallFile ? 0 : fillBuffer(input, buffer());
    }
    if (digest.hex() !== (job.digests[i] ?? '').slice(0, 32)) throw corrupt(job.from[i] ?? '');
    if (job.target === 'replace') fs.renameSync(temp, to);
    putFacts(fs.fstatSync(output), state.facts, i);
  } catch (error) {
    fs.rmSync(temp, { force: true });
    throw error;
  } finally {
    fs.closeSync(input);
    if (output !== undefined) fs.closeSync(output);
  }
}

function cloneFile(job: CopyJob, from: string, to: string): boolean {
  try {
    placeAtomically(to, (temp) => {
      fs.copyFileSync(from, temp, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE_FORCE);
      fs.chmodSync(temp, job.mode);
    });
    return true;
  } catch (error) {
    if (isSystemError(error, 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY')) return false;
    throw error;
  }
}

function corrupt(file: string): FileFailure {
  return new FileFailure('corrupt', `'${file}' does not have the content that its name promises`);
}

// Files ----------------------------------------------------------------------------------------------

function writeFully(fd: number, content: Uint8Array): void {
  for (let written = 0; written < content.length;) {
    written += fs.writeSync(fd, content, written, content.length - written);
  }
}

function openForWriting(file: string, mode: number): number {
  try {
    return fs.openSync(file, 'wx', mode);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    makeParent(file);
    return fs.openSync(file, 'wx', mode);
  }
}

function placeAtomically(target: string, fill: (temp: string) => void): void {
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

function renameInto(temp: string, target: string): void {
  try {
    fs.renameSync(temp, target);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    makeParent(target);
    fs.renameSync(temp, target);
  }
}

function makeParent(file: string): void {
  fs.mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true });
}

// One random word a thread and a counter: asking for random bytes for each file costs more than the rest.
const word = randomBytes(12).toString('base64url');
let counter = 0;

function temporaryFor(job: CopyJob, target: string): string {
  return job.tempDir === undefined ? temporaryBeside(target) : temporaryIn(job.tempDir);
}

function temporaryBeside(target: string): string {
  return temporaryIn(target.slice(0, target.lastIndexOf('/')));
}

function temporaryIn(directory: string): string {
  return `${directory}/.${word}${(counter++).toString(36).padStart(6, '0')}.tmp`;
}
