import * as fs from 'node:fs';

import { isSystemError, mapPool, MlopsError } from '../base/index.ts';
import type { DownloadOptions, TransferOptions } from './blob-store.ts';
import { resumingStream } from './resuming-stream.ts';

/** Bytes of a part; a larger blob comes in several at a time. */
const partSize = 8 << 20;

/** Parts of one blob that are under way at once. */
const width = 4;

export interface RangeRequest {
  readonly start: number;
  readonly end?: number | undefined;
  /** The answer must be of this version of the blob. */
  readonly etag?: string | undefined;
}

export interface RangeAnswer {
  readonly body: AsyncIterable<Uint8Array>;
  /** Bytes of this answer and of the whole blob; undefined when the server does not say. */
  readonly size: number | undefined;
  readonly total: number | undefined;
  /** Identifies the bytes of the blob; without it no second request is made for the same copy. */
  readonly etag: string | undefined;
}

/**
 * Saves a blob into a new file: in one piece when it is small or the server knows no ranges, otherwise in
 * parts that go to their places in the file as they arrive, so that nothing is held in memory. The
 * observer gets the bytes in order, from the file where they arrived out of order. On failure the file is
 * removed.
 * @param get answers with the bytes from `start` on, up to `end` inclusive or (fewer ranges known) beyond.
 */
export async function saveInParts(
  file: string,
  get: (range: RangeRequest, options: TransferOptions | undefined) => Promise<RangeAnswer>,
  options: DownloadOptions | undefined,
): Promise<void> {
  const receive = options?.observe?.();
  const target = fs.openSync(file, 'wx+');
  try {
    const first = await get({ start: 0, end: partSize - 1 }, options);
    const inParts = first.total !== undefined && first.size !== undefined && first.total > first.size;
    if (inParts) await saveParts(target, first, get, receive, options);
    else await savePart(target, 0, first, get, { ...options, receive });
  } catch (error) {
    fs.rmSync(file, { force: true });
    if (isSystemError(error, 'ENOSPC', 'EDQUOT')) Object.assign(error, { path: file });
    throw error;
  } finally {
    fs.closeSync(target);
  }
}

type Get = Parameters<typeof saveInParts>[1];
type Receive = ((chunk: Uint8Array) => void) | undefined;

async function saveParts(
  target: number,
  first: RangeAnswer,
  get: Get,
  receive: Receive,
  options: DownloadOptions | undefined,
): Promise<void> {
  const { total = 0, etag } = first;
  const starts = Array.from({ length: Math.ceil(total / partSize) }, (_, i) => i * partSize);
  const arrived = new Set<number>();
  let observed = 0;
  await mapPool(
    starts,
    // Without an etag the parts could be of two versions: one after another would be no better.
    etag === undefined ? 1 : width,
    async (start, index) => {
      const end = Math.min(start + partSize, total) - 1;
      const answer = index === 0 ? first : await get({ start, end, etag }, options);
      await savePart(target, start, answer, get, { ...options, receive: undefined });
      arrived.add(index);
      for (; arrived.delete(observed); observed++) {
        const from = observed * partSize;
        if (receive !== undefined) replay(target, from, Math.min(from + partSize, total), receive);
      }
    },
    options?.signal,
  );
}

/** Writes one answer to its place, going on where it breaks off. */
async function savePart(
  target: number,
  start: number,
  answer: RangeAnswer,
  get: Get,
  options: TransferOptions & { receive: Receive },
): Promise<void> {
  const { size, etag } = answer;
  const again = async (done: number): Promise<AsyncIterable<Uint8Array>> => {
    if (etag === undefined) throw brokenOff('the server cannot go on where it broke off');
    const end = size === undefined ? undefined : start + size - 1;
    return (await get({ start: start + done, end, etag }, options)).body;
  };
  let position = start;
  for await (const chunk of resumingStream(answer.body, again, options)) {
    const bytes = chunk as Uint8Array;
    for (let written = 0; written < bytes.length;) {
      written += fs.writeSync(target, bytes, written, bytes.length - written, position + written);
    }
    position += bytes.length;
    options.receive?.(bytes);
    options.onBytes?.(bytes.length);
  }
  if (size !== undefined && position - start !== size) throw brokenOff(`${position - start} of ${size} bytes came`);
}

function replay(target: number, from: number, to: number, receive: (chunk: Uint8Array) => void): void {
  for (let position = from; position < to;) {
    const chunk = Buffer.allocUnsafe(Math.min(1 << 20, to - position));
    const count = fs.readSync(target, chunk, 0, chunk.length, position);
    if (count === 0) throw new Error('a downloaded part is shorter than it was written');
    receive(chunk.subarray(0, count));
    position += count;
  }
}

function brokenOff(what: string): MlopsError {
  return new MlopsError('remote_unreachable', `the transfer broke off: ${what}`);
}
