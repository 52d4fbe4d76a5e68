import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';

import { isSystemError, MlopsError } from '../base/index.ts';

const gunzip = promisify(zlib.gunzip);
const inflate = promisify(zlib.inflate);
const inflateRaw = promisify(zlib.inflateRaw);

/**
 * Makes `request.body` a Buffer for every content type, decompressed. `limit` holds for the decompressed size too,
 * so that a small archive cannot fill the memory.
 */
export function readBodies(shell: FastifyInstance, limit: number): void {
  shell.removeAllContentTypeParsers();
  // Fastify awaits a parser that returns a promise; the common case answers at once, without one.
  shell.addContentTypeParser('*', { parseAs: 'buffer' }, (request: FastifyRequest, body: Buffer, done) => {
    const encoding = request.headers['content-encoding']?.toLowerCase();
    if (encoding !== undefined && encoding !== 'identity') return decompress(body, encoding, limit);
    return done(null, body);
  });
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
