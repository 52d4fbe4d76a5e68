import * as crypto from 'node:crypto';
import * as fs from 'node:fs';

import type { HashName } from './content.ts';

const chunkSize = 1 << 20;

// Present since Node 20.12; for small buffers a third faster than createHash.
const oneShot = (crypto as { hash?: (algorithm: string, data: Uint8Array) => string }).hash;

/** The digest of a whole content, as 32 hex digits. */
export function digestOf(content: Uint8Array, hashName: HashName = 'md5'): string {
  if (hashName === 'md5') {
    return oneShot === undefined ? crypto.createHash('md5').update(content).digest('hex') : oneShot('md5', content);
  }
  const digest = createDigest(hashName);
  for (let start = 0; start === 0 || start < content.length; start += chunkSize) {
    digest.update(content.subarray(start, start + chunkSize));
  }
  return digest.hex();
}

/** One of many digests that are kept as 16 bytes each. */
export function hexAt(digests: Buffer, i: number): string {
  return digests.toString('hex', i * 16, i * 16 + 16);
}

/** A running digest. For `md5-dos2unix` every `update` must be one of DVC's chunks of 1 MiB (the last may be shorter). */
export interface Digest {
  update(chunk: Uint8Array): void;
  hex(): string;
}

export function createDigest(hashName: HashName): Digest {
  const hash = crypto.createHash('md5');
  return {
    update: (chunk) => {
      hash.update(hashName === 'md5' || !looksLikeText(chunk) ? chunk : withoutCarriageReturns(chunk));
    },
    hex: () => hash.digest('hex'),
  };
}

/** A digest fed with chunks of any size, cut again into 1 MiB where the hash needs it. */
export function createStreamDigest(hashName: HashName): Digest {
  const digest = createDigest(hashName);
  if (hashName === 'md5') return digest;
  let rest: Uint8Array = new Uint8Array(0);
  return {
    update: (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length >= chunkSize) {
        digest.update(rest.subarray(0, chunkSize));
        rest = rest.subarray(chunkSize);
      }
    },
    hex: () => {
      if (rest.length > 0) digest.update(rest);
      return digest.hex();
    },
  };
}

/** The digest of a file by reading it once, in chunks. `onBytes` is told how far it came. */
export async function digestFile(
  file: string,
  hashName: HashName,
  options: { signal?: AbortSignal | undefined; onBytes?: ((bytes: number) => void) | undefined } = {},
): Promise<string> {
  const digest = createDigest(hashName);
  const buffer = Buffer.allocUnsafe(chunkSize);
  const fd = fs.openSync(file, 'r');
  try {
    for (let count = 0; ; count++) {
      const length = fillBuffer(fd, buffer);
      if (length > 0) digest.update(buffer.subarray(0, length));
      options.onBytes?.(length);
      if (length < chunkSize) return digest.hex();
      // Let signals and the progress line through every 16 MiB.
      if (count % 16 === 15) {
        await new Promise((resolve) => setImmediate(resolve));
        options.signal?.throwIfAborted();
      }
    }
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Reads until the buffer is full or the file ends, on from where the last read ended or at a position of the file;
 * returns the bytes read.
 */
export function fillBuffer(fd: number, buffer: Uint8Array, from = 0, position?: number): number {
  let filled = from;
  while (filled < buffer.length) {
    const at = position === undefined ? null : position + filled - from;
    const count = fs.readSync(fd, buffer, filled, buffer.length - filled, at);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

const textCharacter = new Uint8Array(256).map((_, byte) => {
  const isControl = byte === 8 || byte === 9 || byte === 10 || byte === 12 || byte === 13;
  return isControl || (byte >= 32 && byte < 127) ? 1 : 0;
});

/** DVC's `istextblock` on the first 512 bytes: no NUL, and at most 30 % of other bytes. */
function looksLikeText(chunk: Uint8Array): boolean {
  const block = chunk.subarray(0, 512);
  if (block.length === 0) return true;
  if (block.includes(0)) return false;
  let strange = 0;
  for (const byte of block) if (textCharacter[byte] === 0) strange++;
  return strange / block.length <= 0.3;
}

function withoutCarriageReturns(chunk: Uint8Array): Uint8Array {
  if (!chunk.includes(13)) return chunk;
  const result = new Uint8Array(chunk.length);
  let length = 0;
  for (let i = 0; i < chunk.length; i++) {
    if (chunk[i] === 13 && chunk[i + 1] === 10) continue;
    result[length++] = chunk[i] ?? 0;
  }
  return result.subarray(0, length);
}
