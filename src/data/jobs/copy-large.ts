import * as fs from 'node:fs';
import { promisify } from 'node:util';

import type { Digest } from '../ids/digest.ts';
import { FileFailure, type JobState } from './job.ts';

const chunkSize = 4 << 20;

const read = promisify(fs.read);
const write = promisify(fs.write);

/** A second copy, made on the side. */
export interface SideCopy {
  readonly output: number;
  /** It could not be written: not what its copying is about, so that nothing else fails. */
  failed: boolean;
}

/**
 * Copies an open file from its beginning to another (and one more), in chunks: while one is hashed in this thread, the
 * system writes it and reads the next in others. So the content that is hashed is the one that was written, it is read
 * once, and hashing is the only thing that takes time.
 * @throws FileFailure `cancelled`.
 */
export async function copyLarge(
  input: number,
  output: number,
  side: SideCopy | undefined,
  digest: Digest,
  state: JobState,
): Promise<void> {
  let [current, next] = [Buffer.allocUnsafeSlow(chunkSize), Buffer.allocUnsafeSlow(chunkSize)];
  let length = await readChunk(input, current, 0);
  for (let position = 0; length > 0;) {
    if (state.cancelled()) throw new FileFailure('cancelled', 'cancelled');
    const chunk = current.subarray(0, length);
    const writing = writeChunk(output, chunk, position);
    const besides = writeBesides(side, chunk, position);
    const reading = readChunk(input, next, position + length);
    digest.update(chunk);
    // All are over before one may fail: the files are closed by the caller.
    await Promise.allSettled([writing, besides, reading]);
    await writing;
    tell(state, length);
    position += length;
    length = await reading;
    [current, next] = [next, current];
  }
}

async function writeBesides(side: SideCopy | undefined, chunk: Buffer, position: number): Promise<void> {
  if (side === undefined || side.failed) return;
  try {
    await writeChunk(side.output, chunk, position);
  } catch {
    side.failed = true;
  }
}

async function readChunk(fd: number, chunk: Buffer, position: number): Promise<number> {
  let filled = 0;
  while (filled < chunk.length) {
    const { bytesRead } = await read(fd, chunk, filled, chunk.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

async function writeChunk(fd: number, chunk: Buffer, position: number): Promise<void> {
  for (let written = 0; written < chunk.length;) {
    written += (await write(fd, chunk, written, chunk.length - written, position + written)).bytesWritten;
  }
}

/**
 * Lets the kernel copy a file whose content need not be seen into an open one, which gets the bits of `mode` that it has.
 * @throws the system's errors, FileFailure `cancelled`.
 */
export async function copyUnseen(
  from: string,
  to: { readonly temp: string; readonly output: number },
  mode: number,
  state: JobState,
): Promise<void> {
  const given = fs.fstatSync(to.output).mode & mode;
  let told = 0;
  const tellGrowth = (): void => {
    const { size } = fs.fstatSync(to.output);
    tell(state, size - told);
    told = size;
  };
  const watch = setInterval(tellGrowth, 100);
  try {
    await fs.promises.copyFile(from, to.temp);
  } finally {
    clearInterval(watch);
  }
  tellGrowth();
  if (state.cancelled()) throw new FileFailure('cancelled', 'cancelled');
  fs.fchmodSync(to.output, given);
}

function tell(state: JobState, bytes: number): void {
  state.bytes += bytes;
  state.moved(bytes);
}
