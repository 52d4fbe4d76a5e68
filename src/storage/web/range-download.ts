import * as fs from 'node:fs';
import type { Readable } from 'node:stream';

import { isSystemError, mapPool, messageOf, MlopsError } from '../../base/index.ts';
import type { DownloadOptions, TransferOptions } from '../port/blob-store.ts';
import { isNetworkError } from './network-errors.ts';
import { resumingStream, type OpenRest } from './resuming-stream.ts';

/** Bytes of a part; a larger blob comes in several at a time. */
const partSize = 8 << 20;

/** A blob up to this size is held in memory and written at once, which takes half the time; a break means again. */
const small = 256 << 10;

/** Parts of one blob that are under way at once. */
const width = 4;

export interface RangeRequest {
  readonly start: number;
  readonly end?: number | undefined;
  /** The answer must be of this version of the blob. */
  readonly etag?: string | undefined;
}

export interface RangeAnswer {
  readonly body: Readable;
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
  const first = await get({ start: 0, end: partSize - 1 }, options);
  const size = first.total ?? first.size;
  if (size !== undefined) options?.onSize?.(size);
  const inParts = first.total !== undefined && first.size !== undefined && first.total > first.size;
  if (!inParts && first.size !== undefined && first.size <= small) return saveSmall(file, first, receive, options);
  const target = fs.openSync(file, 'wx+');
  try {
    if (inParts) await saveParts(target, first, get, receive, options);
    else await savePart(target, 0, first, get, { ...options, receive });
  } catch (error) {
    throw withoutFile(file, error);
  } finally {
    fs.closeSync(target);
  }
}

function withoutFile(file: string, error: unknown): unknown {
  fs.rmSync(file, { force: true });
  if (isSystemError(error, 'ENOSPC', 'EDQUOT')) Object.assign(error, { path: file });
  return error;
}

async function saveSmall(
  file: string,
  { body, size = 0 }: RangeAnswer,
  receive: Receive,
  options: TransferOptions | undefined,
): Promise<void> {
  const bytes = await gathered(body, options?.signal);
  if (bytes.length !== size) throw brokenOff(`${bytes.length} of ${size} bytes came`);
  receive?.(bytes);
  options?.onBytes?.(bytes.length);
  // Only a file that this call made is its to remove.
  const target = fs.openSync(file, 'wx');
  try {
    fs.writeFileSync(target, bytes);
  } catch (error) {
    throw withoutFile(file, error);
  } finally {
    fs.closeSync(target);
  }
}

/** By events: an iterator costs as much as the rest of a small request. */
function gathered(body: Readable, signal: AbortSignal | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    body.on('data', (chunk: Buffer) => void chunks.push(chunk));
    body.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    body.once('error', (error) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      reject(isNetworkError(error) ? brokenOff(messageOf(error)) : error);
    });
  });
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
  const again: OpenRest = async (done) => {
    const end = size === undefined ? undefined : start + size - 1;
    return (await get({ start: start + done, end, etag }, options)).body;
  };
  let position = start;
  for await (const chunk of resumingStream(answer.body, etag === undefined ? undefined : again, options)) {
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
