import type { IncomingMessage } from 'node:http';

import { isMlopsError, MlopsError } from '../../base/index.ts';
import type { BlobFacts, BlobStore, TransferOptions } from '../port/blob-store.ts';
import { httpClient, type HttpClient } from './client.ts';
import { checkKey } from '../port/keys.ts';
import { saveInParts, type RangeAnswer, type RangeRequest } from '../web/range-download.ts';
import type { RemoteOptions } from '../port/remote-options.ts';
import { resumingStream, type OpenRest } from '../web/resuming-stream.ts';

/**
 * A web server as a store to read from: it cannot be listed and is not written to. A key may carry a query
 * (`data.csv?token=1`), as a source of `import-url` does.
 * @throws MlopsError `remote_misconfigured` for options that cannot work.
 */
export function httpStore(url: string, options: RemoteOptions = {}): BlobStore {
  const client = httpClient(url, options);
  const refuse = async (): Promise<never> => {
    throw new MlopsError('remote_unsupported', `${client.url} can only be read`, {
      hint: 'push to a remote of another kind: mlops push -r NAME',
    });
  };
  return {
    kind: 'http',
    url: client.url,
    exists: async (key, transfer) => (await statOf(client, checkKey(key), transfer)) !== undefined,
    stat: (key, transfer) => statOf(client, checkKey(key), transfer),
    // eslint-disable-next-line require-yield -- a kind that cannot list says so
    async *list() {
      throw new MlopsError('remote_unsupported', `${client.url} is a web server and cannot be listed`);
    },
    read: async (key, transfer) => {
      const chunks: Uint8Array[] = [];
      const { stream } = await openRange(client, checkKey(key), transfer ?? {});
      for await (const chunk of stream) {
        chunks.push(chunk as Uint8Array);
        transfer?.onBytes?.((chunk as Uint8Array).length);
      }
      return Buffer.concat(chunks);
    },
    open: (key, range = {}) => openRange(client, checkKey(key), range),
    write: refuse,
    writeStream: refuse,
    upload: refuse,
    download: (key, file, transfer) =>
      saveInParts(file, (range, sending) => getRange(client, checkKey(key), range, sending), transfer),
    remove: refuse,
    close: async () => client.close(),
  };
}

async function openRange(
  client: HttpClient,
  key: string,
  range: TransferOptions & { start?: number; end?: number },
): ReturnType<BlobStore['open']> {
  const { start = 0, end } = range;
  const found = await getRange(client, key, { start, end }, range);
  const { etag } = found;
  const again: OpenRest = async (done) => (await getRange(client, key, { start: start + done, end, etag }, range)).body;
  return {
    stream: resumingStream(found.body, etag === undefined ? undefined : again, range),
    size: found.size ?? 0,
    ...(etag === undefined ? {} : { etag }),
  };
}

/** A range, or the whole where the server knows no ranges and the start was asked for. */
async function getRange(
  client: HttpClient,
  key: string,
  range: RangeRequest,
  options: TransferOptions | undefined,
): Promise<RangeAnswer> {
  const whole = range.start === 0 && range.end === undefined;
  const headers = {
    ...(whole ? {} : { range: `bytes=${range.start}-${range.end ?? ''}` }),
    ...(range.etag === undefined ? {} : { 'if-range': range.etag }),
  };
  let answer = await client.send('GET', key, { ...options, headers }).catch((error: unknown) => {
    // An empty file has no first byte.
    if (!isStatus(error, 416) || range.start !== 0) throw error;
    return client.send('GET', key, options ?? {});
  });
  if (isPacked(answer) && answer.statusCode === 206) {
    // A piece of something packed cannot be unpacked.
    answer.destroy();
    answer = await client.send('GET', key, options ?? {});
  }
  const placed = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.headers['content-range'] ?? '');
  const start = answer.statusCode === 206 ? Number(placed?.[1] ?? range.start) : 0;
  if (start !== range.start) {
    answer.destroy();
    throw new MlopsError('remote_unreachable', `${client.url}: '${key}' changed, or the server knows no ranges`);
  }
  if (isPacked(answer)) {
    const { unpacked } = await import('./unpack.ts');
    return { body: unpacked(answer, `${client.url}: '${key}'`), size: undefined, total: undefined, etag: undefined };
  }
  const size = lengthOf(answer);
  const total = placed?.[2] === undefined || placed[2] === '*' ? size : Number(placed[2]);
  return { body: answer, size, total, etag: strongEtag(answer) };
}

/** Packed for the transfer although it was asked not to be: DVC takes what is inside, as browsers do. */
function isPacked(answer: IncomingMessage): boolean {
  return !/^(identity)?$/i.test(answer.headers['content-encoding'] ?? '');
}

async function statOf(
  client: HttpClient,
  key: string,
  options: TransferOptions | undefined,
): Promise<BlobFacts | undefined> {
  try {
    const answer = await client.send('HEAD', key, options).catch((error: unknown) => {
      // Servers that know only GET.
      if (!isStatus(error, 405) && !isStatus(error, 501)) throw error;
      return client.send('GET', key, options);
    });
    answer.destroy();
    const size = isPacked(answer) ? undefined : lengthOf(answer);
    const md5 = answer.headers['content-md5'];
    const checksum = answer.headers.etag ?? (typeof md5 === 'string' ? md5 : undefined);
    return { ...(size === undefined ? {} : { size }), ...(checksum === undefined ? {} : { checksum }) };
  } catch (error) {
    if (isMlopsError(error, 'blob_not_found')) return undefined;
    throw error;
  }
}

function lengthOf(answer: IncomingMessage): number | undefined {
  const text = answer.headers['content-length'];
  return text === undefined ? undefined : Number(text);
}

/** A weak etag does not promise the same bytes. */
function strongEtag(answer: IncomingMessage): string | undefined {
  const { etag } = answer.headers;
  return etag === undefined || etag.startsWith('W/') ? undefined : etag;
}

function isStatus(error: unknown, status: number): boolean {
  return isMlopsError(error) && error.data?.['status'] === status;
}
