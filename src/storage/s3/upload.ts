import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import type { Readable } from 'node:stream';

import { isMlopsError, mapPool, MlopsError } from '../../base/index.ts';
import type { TransferOptions } from '../port/blob-store.ts';
import type { S3Client, S3Part } from './client.ts';

/** Bytes of a part, more where 10,000 of them (S3's limit) would not do. */
const partSize = 8 << 20;

/** Files up to this size go up in one request. */
export const smallUpload: number = 2 * partSize;

/** Parts in memory at once, over all uploads of a store: 64 MiB. */
const partsInMemory = 8;

export interface S3Uploads {
  file(key: string, file: string, options?: TransferOptions): Promise<void>;
  stream(key: string, content: Readable, options?: TransferOptions & { size?: number }): Promise<void>;
}

/**
 * Uploads in parts. An upload of a file that broke off (or was stopped) stays unfinished on the server, and
 * the next one of that key goes on with it: of its parts, those count whose etag is the md5 of what the file
 * has in that place. Whatever cannot succeed by trying again is removed from the server.
 */
export function s3Uploads(client: S3Client): S3Uploads {
  const limited = limiter(partsInMemory);
  return {
    async file(key, file, options) {
      const handle = fs.openSync(file, 'r');
      try {
        const before = fs.fstatSync(handle);
        const upload = await continueOrBegin(client, key, options);
        try {
          const parts = await sendParts(client, limited, { key, upload, handle, size: before.size }, options);
          const after = fs.fstatSync(handle);
          if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) throw changed(file);
          await finish(client, key, upload.id, parts, options);
        } catch (error) {
          if (!isResumable(error, options)) await client.abortUpload(key, upload.id).catch(() => undefined);
          throw error;
        }
      } finally {
        fs.closeSync(handle);
      }
    },
    stream: (key, content, options) => limited(() => sendStream(client, key, content, options)),
  };
}

interface Upload {
  readonly id: string;
  /** Parts that are there already, by number. */
  readonly parts: ReadonlyMap<number, S3Part>;
}

async function continueOrBegin(client: S3Client, key: string, options: TransferOptions | undefined): Promise<Upload> {
  const [newest] = await unfinished(client, key, options);
  if (newest !== undefined) {
    const parts = await client.uploadedParts(key, newest, options).catch(nothingIfRefused);
    if (parts !== undefined) return { id: newest, parts: new Map(parts.map((part) => [part.number, part])) };
  }
  return { id: await client.beginUpload(key, options), parts: new Map() };
}

/** Looking for earlier uploads needs a permission of its own: without it, and where the server lacks it, begin anew. */
async function unfinished(client: S3Client, key: string, options: TransferOptions | undefined): Promise<string[]> {
  return (await client.unfinishedUploads(key, options).catch(nothingIfRefused)) ?? [];
}

function nothingIfRefused(error: unknown): undefined {
  const refusals = ['remote_denied', 'remote_misconfigured', 'blob_not_found', 'remote_unreachable'] as const;
  if (refusals.some((code) => isMlopsError(error, code))) return undefined;
  throw error;
}

async function sendParts(
  client: S3Client,
  limited: <T>(work: () => Promise<T>) => Promise<T>,
  from: { key: string; upload: Upload; handle: number; size: number },
  options: TransferOptions | undefined,
): Promise<S3Part[]> {
  const { key, upload, handle, size } = from;
  const length = partLength(size);
  const numbers = Array.from({ length: Math.max(1, Math.ceil(size / length)) }, (_, i) => i + 1);
  const send = async (number: number): Promise<S3Part> => {
    const content = readPart(handle, (number - 1) * length, Math.min(length, size - (number - 1) * length));
    const known = upload.parts.get(number);
    const there = known !== undefined && known.size === content.length && known.etag === md5(content);
    const part = there ? known : await client.putPart(key, upload.id, number, content, options);
    options?.onBytes?.(content.length);
    return part;
  };
  return mapPool(numbers, partsInMemory, (number) => limited(() => send(number)), options?.signal);
}

function partLength(size: number): number {
  const mebibyte = 1 << 20;
  return Math.max(partSize, Math.ceil(size / 10_000 / mebibyte) * mebibyte);
}

function readPart(handle: number, start: number, length: number): Buffer {
  const content = Buffer.allocUnsafe(length);
  for (let done = 0; done < length;) {
    const count = fs.readSync(handle, content, done, length - done, start + done);
    if (count === 0) throw changed();
    done += count;
  }
  return content;
}

/** The answer to the last request may be lost though it was obeyed: then the object is there, under its known etag. */
async function finish(
  client: S3Client,
  key: string,
  upload: string,
  parts: readonly S3Part[],
  options: TransferOptions | undefined,
): Promise<void> {
  try {
    await client.finishUpload(key, upload, parts, options);
  } catch (error) {
    if (!isMlopsError(error, 'remote_unreachable')) throw error;
    const found = await client.head(key, undefined, options).catch(() => undefined);
    if (found?.etag !== wholeEtag(parts)) throw error;
  }
}

/** S3's etag of an object made of parts: the md5 of the parts' md5s, and their number. */
function wholeEtag(parts: readonly S3Part[]): string {
  return `${md5(Buffer.concat(parts.map((part) => Buffer.from(part.etag, 'hex'))))}-${parts.length}`;
}

async function sendStream(
  client: S3Client,
  key: string,
  content: Readable,
  options: (TransferOptions & { size?: number }) | undefined,
): Promise<void> {
  const length = partLength(options?.size ?? 0);
  let upload: string | undefined;
  const parts: S3Part[] = [];
  try {
    for await (const part of inParts(content, length)) {
      if (part.last && upload === undefined) {
        await client.put(key, part.bytes, options);
      } else {
        upload ??= await client.beginUpload(key, options);
        parts.push(await client.putPart(key, upload, parts.length + 1, part.bytes, options));
      }
      options?.onBytes?.(part.bytes.length);
    }
    if (upload !== undefined) await finish(client, key, upload, parts, options);
  } catch (error) {
    if (upload !== undefined) await client.abortUpload(key, upload).catch(() => undefined);
    throw error;
  }
}

/** Cuts a stream into pieces of `length` bytes; the last one may be shorter, and empty only when it is the only one. */
async function* inParts(content: Readable, length: number): AsyncGenerator<{ bytes: Buffer; last: boolean }> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk as Uint8Array);
    waiting.push(bytes);
    size += bytes.length;
    // One byte more than a part tells that this part is not the last.
    while (size > length) {
      const all = Buffer.concat(waiting);
      yield { bytes: all.subarray(0, length), last: false };
      waiting = [all.subarray(length)];
      size -= length;
    }
  }
  yield { bytes: Buffer.concat(waiting), last: true };
}

function isResumable(error: unknown, options: TransferOptions | undefined): boolean {
  return options?.signal?.aborted === true || isMlopsError(error, 'remote_unreachable');
}

function changed(file?: string): MlopsError {
  const name = file === undefined ? 'a file' : `'${file}'`;
  return new MlopsError('file_changed', `${name} was changed while it was uploaded`, {
    hint: 'run the same command again when nothing writes to it',
  });
}

function md5(content: Uint8Array): string {
  return createHash('md5').update(content).digest('hex');
}

/** Runs at most `count` pieces of work at once, in the order they were asked for. */
function limiter(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = count;
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
