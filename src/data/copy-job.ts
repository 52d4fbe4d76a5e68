import * as fs from 'node:fs';

import { isSystemError } from '../base/index.ts';
import { createDigest, digestOf, fillBuffer } from './digest.ts';
import { buffer, breathe, FileFailure, smallFile, type CopyJob, type JobState } from './job.ts';
import {
  cannotClone,
  openForWriting,
  placeAtomically,
  temporaryBeside,
  temporaryIn,
  writeFully,
} from './place-file.ts';
import { putFacts } from './walk.ts';

/** Copies one file of a job, verified; a promise only for large ones. */
export function copyOne(job: CopyJob, i: number, state: JobState): Promise<void> | undefined {
  const from = job.from[i] ?? '';
  const to = job.to[i] ?? '';
  if (job.reflink && cloneFile(job, from, to)) {
    putFacts(fs.statSync(to), state.facts, i);
    return undefined;
  }
  const input = fs.openSync(from, 'r');
  let done = false;
  try {
    const wanted = (job.digests[i] ?? '').slice(0, 32);
    const fits = (): boolean => digestOf(buffer().subarray(0, length), job.hashName) === wanted;
    let length = fs.readSync(input, buffer(), 0, smallFile, null);
    if (length === smallFile || !fits()) {
      // Some file systems bring a part at a time.
      length = fillBuffer(input, buffer(), length);
      if (length === smallFile) {
        done = true;
        return copyLarge(job, i, input, state);
      }
      if (!fits()) throw corrupt(from);
    }
    const content = buffer().subarray(0, length);
    const temp = job.target === 'fresh' ? to : temporaryFor(job, to);
    const output = openForWriting(temp, job.mode);
    try {
      if (length > 0) writeFully(output, content);
      const own = job.target === 'fresh' || moveInto(temp, to);
      putFacts(own ? fs.fstatSync(output) : fs.statSync(to), state.facts, i);
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
    const own = job.target === 'fresh' || moveInto(temp, to);
    putFacts(own ? fs.fstatSync(output) : fs.statSync(to), state.facts, i);
  } catch (error) {
    fs.rmSync(temp, { force: true });
    throw error;
  } finally {
    fs.closeSync(input);
    if (output !== undefined) fs.closeSync(output);
  }
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
