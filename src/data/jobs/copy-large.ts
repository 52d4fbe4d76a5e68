import * as fs from 'node:fs';
import { promisify } from 'node:util';

import type { Digest } from '../ids/digest.ts';
import { FileFailure } from './job.ts';

const chunkSize = 4 << 20;

const read = promisify(fs.read);
const write = promisify(fs.write);

/**
 * Copies an open file from its beginning to another, in chunks: while one is hashed in this thread, the system writes it
 * and reads the next in others. So the content that is hashed is the one that was written, and hashing is the only
 * thing that takes time.
 * @throws FileFailure `cancelled`.
 */
export async function copyLarge(
  input: number,
  output: number,
  digest: Digest | undefined,
  onChunk: (bytes: number) => void,
  cancelled: () => boolean,
): Promise<void> {
  let [current, next] = [Buffer.allocUnsafeSlow(chunkSize), Buffer.allocUnsafeSlow(chunkSize)];
  let length = await readChunk(input, current, 0);
  for (let position = 0; length > 0;) {
    if (cancelled()) throw new FileFailure('cancelled', 'cancelled');
    const writing = writeChunk(output, current.subarray(0, length), position);
    const reading = readChunk(input, next, position + length);
    digest?.update(current.subarray(0, length));
    const [, following] = await settled(writing, reading);
    onChunk(length);
    position += length;
    length = following;
    [current, next] = [next, current];
  }
}

/** Both are over before either may fail: the files are closed by the caller. */
async function settled(writing: Promise<void>, reading: Promise<number>): Promise<[void, number]> {
  await Promise.allSettled([writing, reading]);
  return Promise.all([writing, reading]);
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
