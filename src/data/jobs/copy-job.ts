import * as fs from 'node:fs';

import { isSystemError } from '../../base/index.ts';
import { copyLarge } from './copy-large.ts';
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
  if (isShared(job, i, from, to)) {
    putFacts(fs.statSync(to), state.facts, i);
    return undefined;
  }
  const input = fs.openSync(from, fs.constants.O_RDONLY);
  let isLarge = false;
  try {
    const length = readSmall(job, i, input);
    isLarge = length === smallFile;
    if (isLarge) return placeLarge(job, i, input, state);
    const content = buffer().subarray(0, length);
    const { temp, output } = openTarget(job, to);
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
  const digest = job.verified?.[i] === 1 ? undefined : createStreamDigest(job.hashName);
  let opened: { temp: string; output: number } | undefined;
  try {
    const before = factsOf(fs.fstatSync(input));
    opened = openTarget(job, to);
    const onChunk = (bytes: number): void => {
      state.bytes += bytes;
      state.moved(bytes);
    };
    await copyLarge(input, opened.output, digest, onChunk, state.cancelled);
    if (digest !== undefined && digest.hex() !== (job.digests[i] ?? '').slice(0, 32)) throw corrupt(from);
    place(job, to, opened.temp, opened.output, state, i);
    const facts = job.cached === 'to' ? factsOf(fs.fstatSync(opened.output)) : before;
    if (digest !== undefined) state.large.push({ index: i, facts });
  } catch (error) {
    if (opened !== undefined) fs.rmSync(opened.temp, { force: true });
    throw error;
  } finally {
    fs.closeSync(input);
    if (opened !== undefined) fs.closeSync(opened.output);
  }
}

function openTarget(job: CopyJob, to: string): { temp: string; output: number } {
  const temp = job.target === 'fresh' ? to : temporaryFor(job, to);
  return { temp, output: openForWriting(temp, job.mode) };
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
