import * as fs from 'node:fs';

import { isSystemError } from '../../base/index.ts';
import { copyLarge, copyUnseen, type SideCopy } from './copy-large.ts';
import { createStreamDigest, digestOf, fillBuffer } from '../ids/digest.ts';
import { buffer, FileFailure, type CopyJob, type JobState } from './job.ts';
import { smallFile } from '../index/limits.ts';
import { makeLink, replaceByLink } from './links.ts';
import {
  cannotClone,
  openForWriting,
  placeAtomically,
  temporaryBeside,
  temporaryIn,
  writeFully,
} from './place-file.ts';
import { factsOf, putFacts } from '../index/walk.ts';

/** Copies one file of a job, verified; a promise only for large ones. */
export function copyOne(job: CopyJob, i: number, state: JobState): Promise<void> | undefined {
  const from = job.from[i] ?? '';
  const to = job.to[i] ?? '';
  const isReady = takeReady(job, i, to);
  if (isReady || isShared(job, i, from, to)) {
    const stat = fs.statSync(to);
    putFacts(stat, state.facts, i);
    if (isReady) state.moved(stat.size);
    return undefined;
  }
  const input = fs.openSync(from, fs.constants.O_RDONLY);
  let isLarge = false;
  try {
    const length = readSmall(job, i, input);
    isLarge = length === smallFile;
    if (isLarge) return placeLarge(job, i, input, state);
    const content = buffer().subarray(0, length);
    const { temp, output } = openTarget(job, to, job.mode);
    try {
      if (length > 0) writeFully(output, content);
      place(job, to, temp, output, state, i);
    } catch (error) {
      fs.rmSync(temp, { force: true });
      throw error;
    } finally {
      fs.closeSync(output);
    }
    state.bytes += length;
    return undefined;
  } finally {
    if (!isLarge) fs.closeSync(input);
  }
}

/**
 * Reads a small file into the buffer; returns its length, `smallFile` for any large one.
 * @throws FileFailure `corrupt`.
 */
function readSmall(job: CopyJob, i: number, input: number): number {
  const isVerified = job.verified?.[i] === 1;
  const wanted = (job.digests[i] ?? '').slice(0, 32);
  const fits = (count: number): boolean => digestOf(buffer().subarray(0, count), job.hashName) === wanted;
  let length = fs.readSync(input, buffer(), 0, smallFile, null);
  if (!isVerified && length < smallFile && fits(length)) return length;
  // Some file systems bring a part at a time.
  length = fillBuffer(input, buffer(), length);
  if (!isVerified && length < smallFile && !fits(length)) throw corrupt(job.from[i] ?? '');
  return length;
}

/** Closes `input`. */
async function placeLarge(job: CopyJob, i: number, input: number, state: JobState): Promise<void> {
  const [from, to] = [job.from[i] ?? '', job.to[i] ?? ''];
  const isVerified = job.verified?.[i] === 1;
  let opened: { temp: string; output: number } | undefined;
  try {
    const before = factsOf(fs.fstatSync(input));
    // Writable, to be opened once more.
    opened = openTarget(job, to, isVerified ? job.mode | 0o200 : job.mode);
    if (isVerified) await copyUnseen(from, opened, job.mode, state);
    else await copyVerified(job, i, input, opened.output, state);
    place(job, to, opened.temp, opened.output, state, i);
    const facts = job.cached === 'to' ? factsOf(fs.fstatSync(opened.output)) : before;
    if (!isVerified) state.large.push({ index: i, facts });
  } catch (error) {
    if (opened !== undefined) fs.rmSync(opened.temp, { force: true });
    throw error;
  } finally {
    fs.closeSync(input);
    if (opened !== undefined) fs.closeSync(opened.output);
  }
}

/** Makes the spare copy too, where one is wanted: either whole or not at all. */
async function copyVerified(job: CopyJob, i: number, input: number, output: number, state: JobState): Promise<void> {
  const spare = job.spares?.[i];
  const side = spare === undefined ? undefined : openSide(spare);
  let isWhole = false;
  try {
    const digest = createStreamDigest(job.hashName);
    await copyLarge(input, output, side, digest, state);
    isWhole = digest.hex() === (job.digests[i] ?? '').slice(0, 32);
    if (!isWhole) throw corrupt(job.from[i] ?? '');
  } finally {
    if (side !== undefined) fs.closeSync(side.output);
    if (spare !== undefined && (!isWhole || side?.failed === true)) fs.rmSync(spare, { force: true });
  }
}

function openSide(spare: string): SideCopy | undefined {
  try {
    return { output: openForWriting(spare, 0o666), failed: false };
  } catch {
    return undefined;
  }
}

function openTarget(job: CopyJob, to: string, mode: number): { temp: string; output: number } {
  const temp = job.target === 'fresh' ? to : temporaryFor(job, to);
  return { temp, output: openForWriting(temp, mode) };
}

function place(job: CopyJob, to: string, temp: string, output: number, state: JobState, i: number): void {
  const own = job.target === 'fresh' || moveInto(temp, to);
  if (job.wantsFacts) putFacts(own ? fs.fstatSync(output) : fs.statSync(to), state.facts, i);
}

/** Renames; true when that was possible. A target below another mount gets a copy made beside it. */
function moveInto(temp: string, to: string): boolean {
  try {
    fs.renameSync(temp, to);
    return true;
  } catch (error) {
    if (!isSystemError(error, 'EXDEV')) throw error;
  }
  placeAtomically(to, (beside) => fs.copyFileSync(temp, beside, fs.constants.COPYFILE_EXCL));
  fs.rmSync(temp);
  return false;
}

/** Whether a private copy that was made before could be moved to the target. */
function takeReady(job: CopyJob, i: number, to: string): boolean {
  const ready = job.ready?.[i];
  if (ready === undefined) return false;
  try {
    fs.renameSync(ready, to);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EXDEV')) return false;
    throw error;
  }
}

/** Whether the target now is the object or shares its blocks. */
function isShared(job: CopyJob, i: number, from: string, to: string): boolean {
  const { how } = job;
  if (how === 'reflink') return cloneFile(job, from, to);
  // An empty file has nothing to share; DVC copies it, so that all empty files do not become one.
  if (how === 'copy' || (how === 'hardlink' && job.digests[i] === emptyDigest)) return false;
  if (job.target === 'fresh') makeLink(how, from, to, job.mode);
  else replaceByLink(how, from, to, job.mode);
  return true;
}

const emptyDigest = 'd41d8cd98f00b204e9800998ecf8427e';

function cloneFile(job: CopyJob, from: string, to: string): boolean {
  try {
    placeAtomically(to, (temp) => {
      fs.copyFileSync(from, temp, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE_FORCE);
      fs.chmodSync(temp, job.mode);
    });
    return true;
  } catch (error) {
    if (isSystemError(error, ...cannotClone)) return false;
    throw error;
  }
}

function corrupt(file: string): FileFailure {
  return new FileFailure('corrupt', `'${file}' does not have the content that its name promises`);
}

function temporaryFor(job: CopyJob, target: string): string {
  return job.tempDir === undefined ? temporaryBeside(target) : temporaryIn(job.tempDir);
}
