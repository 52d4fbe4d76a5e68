import { Readable } from 'node:stream';

import { isMlopsError, messageOf, MlopsError } from '../../base/index.ts';
import type { TransferOptions } from '../port/blob-store.ts';
import { isNetworkError } from './network-errors.ts';
import { pause } from '../port/pause.ts';

/** Breaks in a row, without a byte between them, before a body is given up. */
const attempts = 5;

/** Opens the rest of a body after `done` bytes. */
export type OpenRest = (done: number) => Promise<AsyncIterable<Uint8Array>>;

/**
 * A body that goes on where it broke off, if `again` can open the rest. The reader sees each byte once. Its
 * failures are `remote_unreachable`, or whatever `again` throws.
 */
export function resumingStream(
  body: AsyncIterable<Uint8Array>,
  again: OpenRest | undefined,
  options?: TransferOptions,
): Readable {
  return Readable.from(resume(body, again, options), { objectMode: false });
}

async function* resume(
  first: AsyncIterable<Uint8Array>,
  again: OpenRest | undefined,
  options: TransferOptions | undefined,
): AsyncGenerator<Uint8Array> {
  let body = first;
  let broken = false;
  let done = 0;
  for (let failures = 0; ;) {
    try {
      if (broken && again !== undefined) body = await again(done);
      broken = false;
      for await (const chunk of body) {
        done += chunk.length;
        failures = 0;
        yield chunk;
      }
      return;
    } catch (error) {
      options?.signal?.throwIfAborted();
      if (!mayPass(error)) throw error;
      if (again === undefined || ++failures >= attempts) throw brokenOff(error);
      broken = true;
      await pause(100 * 2 ** failures, options?.signal);
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
