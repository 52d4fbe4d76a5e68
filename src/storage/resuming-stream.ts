import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { isMlopsError, messageOf, MlopsError } from '../base/index.ts';
import type { TransferOptions } from './blob-store.ts';
import { isNetworkError } from './network-errors.ts';

/** Breaks in a row, without a byte between them, before a body is given up. */
const attempts = 5;

/**
 * A body that goes on where it broke off: `again(done)` opens the rest after `done` bytes. The reader sees
 * each byte once. Its failures are `remote_unreachable`, or whatever `again` throws.
 */
export function resumingStream(
  body: AsyncIterable<Uint8Array>,
  again: (done: number) => Promise<AsyncIterable<Uint8Array>>,
  options?: TransferOptions,
): Readable {
  return Readable.from(resume(body, again, options), { objectMode: false });
}

async function* resume(
  first: AsyncIterable<Uint8Array>,
  again: (done: number) => Promise<AsyncIterable<Uint8Array>>,
  options: TransferOptions | undefined,
): AsyncGenerator<Uint8Array> {
  let body: AsyncIterable<Uint8Array> | undefined = first;
  let done = 0;
  for (let failures = 0; ;) {
    try {
      body ??= await again(done);
      for await (const chunk of body) {
        done += chunk.length;
        failures = 0;
        yield chunk;
      }
      return;
    } catch (error) {
      options?.signal?.throwIfAborted();
      if (!mayPass(error)) throw error;
      if (++failures >= attempts) throw brokenOff(error);
      body = undefined;
      await sleep(Math.random() * 100 * 2 ** failures, undefined, { signal: options?.signal });
    }
  }
}

function mayPass(error: unknown): boolean {
  return isMlopsError(error, 'remote_unreachable') || isNetworkError(error);
}

function brokenOff(error: unknown): MlopsError {
  if (isMlopsError(error)) return error;
  return new MlopsError('remote_unreachable', `the transfer broke off: ${messageOf(error)}`, { cause: error });
}
