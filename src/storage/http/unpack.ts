import type { IncomingMessage } from 'node:http';
import { pipeline, Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';

import { messageOf, MlopsError } from '../../base/index.ts';
import { isNetworkError } from '../web/network-errors.ts';

/**
 * The content of an answer that was packed on its way (`Content-Encoding`).
 * @param what for messages.
 * @throws MlopsError `remote_unsupported` for an encoding that is not known; the stream fails with
 * `remote_unreachable` when it breaks off, and with `remote_misconfigured` when it is not what it says.
 */
export function unpacked(answer: IncomingMessage, what: string): Readable {
  const names = (answer.headers['content-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  const decoders = names.filter((name) => name !== 'identity' && name !== '').map(decoderOf);
  if (decoders.includes(undefined)) {
    answer.destroy();
    throw new MlopsError(
      'remote_unsupported',
      `${what} comes packed as '${names.join(', ')}', which is not known here`,
    );
  }
  const body = decoders
    .reverse()
    .filter((decoder) => decoder !== undefined)
    .reduce<Readable>((from, decoder) => pipeline(from, decoder, () => undefined), answer);
  return Readable.from(explained(body, what), { objectMode: false });
}

function decoderOf(name: string): Transform | undefined {
  if (name === 'br') return zlib.createBrotliDecompress();
  // Finds out by itself whether it is gzip's form or zlib's.
  return ['gzip', 'x-gzip', 'deflate'].includes(name) ? zlib.createUnzip() : undefined;
}

async function* explained(body: Readable, what: string): AsyncGenerator<Uint8Array> {
  try {
    yield* body as AsyncIterable<Uint8Array>;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (isNetworkError(error) || code === 'Z_BUF_ERROR') {
      throw new MlopsError('remote_unreachable', `${what}: the transfer broke off`, { cause: error });
    }
    if (!/^(Z_|ERR__ERROR_|ERR_BROTLI)/.test(code)) throw error;
    throw new MlopsError('remote_misconfigured', `${what} is not packed as it says: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
