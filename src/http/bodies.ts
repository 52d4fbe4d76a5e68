import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';

import { isSystemError, MlopsError } from '../base/index.ts';
import { BodyBudget, type BodyLimits } from './body-budget.ts';
import { Spool } from './spool.ts';

const gunzip = promisify(zlib.gunzip);
const inflate = promisify(zlib.inflate);
const inflateRaw = promisify(zlib.inflateRaw);

/** A body up to this many bytes is small: it is kept in memory as it comes. */
const small = 256 * 1024;
/** A byte of deflate's format becomes so many at most. */
const mostDeflated = 1032;

/**
 * Makes `request.body` a Buffer for every content type, decompressed. A route's limit holds for the decompressed
 * size too, so that a small archive cannot fill the memory. What has come of unfinished bodies is bounded in all, and
 * lies on disk where it is large; of finished large ones so many are held at once as fit in memory, others wait.
 */
export function readBodies(shell: FastifyInstance, limits: Partial<BodyLimits> = {}): void {
  const budget = new BodyBudget(limits);
  shell.removeAllContentTypeParsers();
  shell.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    const limit = request.routeOptions.bodyLimit;
    const length = Number(request.headers['content-length'] ?? Number.NaN);
    const encoding = request.headers['content-encoding']?.toLowerCase() ?? 'identity';
    if (length > limit) throw tooLarge(limit);
    if (length <= small && encoding === 'identity') return collect(payload, length, budget);
    return readLarge(request, payload, { budget, limit, encoding });
  });
}

function tooLarge(limit: number): MlopsError {
  return new MlopsError('body_too_large', `the body is larger than ${limit} bytes`, {
    hint: 'send it in parts, or start the server with a higher limit',
  });
}

/** A small body, of a length that is known. */
function collect(payload: Readable, length: number, budget: BodyBudget): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let taken = 0;
    const end = (error: Error | undefined): void => {
      budget.give(taken, 'memory');
      taken = 0;
      payload.removeListener('data', onData);
      payload.removeListener('end', onEnd);
      payload.removeListener('error', end);
      payload.removeListener('close', onClose);
      if (error === undefined) resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length));
      else reject(error);
    };
    const onData = (chunk: Buffer): void => {
      try {
        budget.take(chunk.length, 'memory');
        taken += chunk.length;
        chunks.push(chunk);
      } catch (error) {
        payload.resume();
        end(error as Error);
      }
    };
    const onEnd = (): void => end(undefined);
    const onClose = (): void => end(brokenOff());
    payload.on('data', onData).on('end', onEnd).on('error', end).on('close', onClose);
  });
}

function brokenOff(): MlopsError {
  return new MlopsError('bad_request', 'the body broke off before its end');
}

interface Large {
  readonly budget: BodyBudget;
  /** Bytes, after decompression too. */
  readonly limit: number;
  readonly encoding: string;
}

async function readLarge(request: FastifyRequest, payload: Readable, large: Large): Promise<Buffer> {
  const { budget, limit, encoding } = large;
  const spool = new Spool(budget, small);
  try {
    let size = 0;
    for await (const chunk of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw tooLarge(limit);
      await spool.add(chunk);
    }
    const wanted = encoding === 'identity' ? size : Math.min(limit, size * mostDeflated);
    if (wanted > small && request.answer !== undefined) await hold(budget, wanted, request.answer);
    const body = await spool.content();
    return encoding === 'identity' ? body : await decompress(body, encoding, limit);
  } catch (error) {
    // What still comes is for nobody; the answer ends the connection.
    payload.resume();
    throw isSystemError(error, 'ECONNRESET') ? brokenOff() : error;
  } finally {
    await spool.close();
  }
}

/** Waits for a place among the large bodies that are being answered, and gives it back when this one is. */
async function hold(budget: BodyBudget, bytes: number, answer: ServerResponse): Promise<void> {
  await budget.hold(bytes, answer);
  let held = true;
  const release = (): void => {
    if (held) budget.release(bytes);
    held = false;
  };
  answer.once('finish', release).once('close', release);
}

async function decompress(body: Buffer, encoding: string, limit: number): Promise<Buffer> {
  try {
    if (encoding === 'gzip' || encoding === 'x-gzip') return await gunzip(body, { maxOutputLength: limit });
    if (encoding === 'deflate') {
      // The standard wraps it in zlib's format; many clients send it bare. The first byte tells: its lower half is 8.
      const unpack = ((body[0] ?? 0) & 0x0f) === 8 ? inflate : inflateRaw;
      return await unpack(body, { maxOutputLength: limit });
    }
  } catch (error) {
    if (isSystemError(error, 'ERR_BUFFER_TOO_LARGE')) {
      throw new MlopsError('body_too_large', `the body is larger than ${limit} bytes when decompressed`, {
        cause: error,
      });
    }
    throw new MlopsError('bad_request', `the body is not valid ${encoding} data`, { cause: error });
  }
  throw new MlopsError('unsupported_media', `Content-Encoding '${encoding}' is not supported`, {
    hint: 'use gzip, deflate or none',
  });
}
