import * as fs from 'node:fs';

import { isMlopsError } from '../../base/index.ts';
import type {
  BlobFacts,
  BlobInfo,
  BlobStore,
  DirectAccess,
  LevelEntry,
  ListOptions,
  TransferOptions,
} from '../port/blob-store.ts';
import { checkKey, directoryPrefix } from '../port/keys.ts';
import { saveInParts } from '../web/range-download.ts';
import type { RemoteOptions } from '../port/remote-options.ts';
import { resumingStream, type OpenRest } from '../web/resuming-stream.ts';
import { s3Client, type S3Client } from './client.ts';
import { readS3Settings } from './settings.ts';
import { s3Uploads, smallUpload } from './upload.ts';

/** Keys of one DeleteObjects request, S3's own limit. */
const removeBatch = 1000;

/**
 * A bucket of S3, or of a server that speaks its protocol (MinIO, Ceph, ...), below `s3://bucket/prefix`.
 * Nothing is contacted before the first request.
 *
 * Large files go up and come down in parts, some at a time over all calls, so that memory stays bounded.
 * An upload that broke off is continued by the next one of the same file.
 * @throws MlopsError `remote_misconfigured` for options that contradict each other.
 */
export function s3Store(
  url: string,
  options: RemoteOptions = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): BlobStore {
  const settings = readS3Settings(url, options, env);
  const client = s3Client(settings, env);
  const { prefix } = settings;
  const full = (key: string): string => prefix + checkKey(key);
  const uploads = s3Uploads(client);
  return {
    kind: 's3',
    url: settings.url,
    direct: directAccess(client, full),
    exists: async (key, transfer) => (await facts(client, full(key), undefined, transfer)) !== undefined,
    stat: (key, transfer) => facts(client, full(key), transfer?.versionId, transfer),
    list: (below, listing) => listBelow(client, prefix, directoryPrefix(below), listing),
    listLevel: (below, transfer) => listLevel(client, prefix, directoryPrefix(below), transfer),
    read: async (key, transfer) => {
      const chunks: Uint8Array[] = [];
      const { stream } = await openRange(client, full(key), transfer ?? {});
      for await (const chunk of stream) {
        chunks.push(chunk as Uint8Array);
        transfer?.onBytes?.((chunk as Uint8Array).length);
      }
      return Buffer.concat(chunks);
    },
    open: (key, range = {}) => openRange(client, full(key), range),
    write: async (key, content, transfer) => {
      await client.put(full(key), content, transfer);
      transfer?.onBytes?.(content.length);
    },
    writeStream: (key, content, transfer) => uploads.stream(full(key), content, transfer),
    upload: async (file, key, transfer) => {
      const { size } = fs.statSync(file);
      if (size > smallUpload) return uploads.file(full(key), file, transfer);
      const content = fs.readFileSync(file);
      await client.put(full(key), content, transfer);
      transfer?.onBytes?.(content.length);
    },
    download: (key, file, transfer) => saveInParts(file, (range, http) => client.get(full(key), range, http), transfer),
    remove: async (keys, transfer) => {
      const names = keys.map(full);
      for (let i = 0; i < names.length; i += removeBatch) {
        await client.removeMany(names.slice(i, i + removeBatch), transfer);
      }
    },
    close: async () => client.close(),
  };
}

function directAccess(client: S3Client, full: (key: string) => string): DirectAccess {
  return {
    readAddress: (key, seconds, name) =>
      client.readAddress(full(key), seconds, `attachment; filename*=UTF-8''${encodeURIComponent(name)}`),
    beginUpload: (key) => client.beginUpload(full(key)),
    partAddress: (key, upload, part, seconds) => client.partAddress(full(key), upload, part, seconds),
    uploadedParts: (key, upload) => client.uploadedParts(full(key), upload),
    finishUpload: (key, upload, parts) => client.finishUpload(full(key), upload, parts),
    abortUpload: (key, upload) => client.abortUpload(full(key), upload),
  };
}

async function openRange(
  client: S3Client,
  key: string,
  range: TransferOptions & { start?: number; end?: number },
): ReturnType<BlobStore['open']> {
  const { start = 0, end } = range;
  const { body, size = 0, etag } = await client.get(key, { start: range.start, end }, range);
  const again: OpenRest = async (done) => (await client.get(key, { start: start + done, end, etag }, range)).body;
  const stream = resumingStream(body, etag === undefined ? undefined : again, range);
  return { stream, size, ...(etag === undefined ? {} : { etag }) };
}

async function facts(
  client: S3Client,
  key: string,
  versionId: string | undefined,
  transfer: TransferOptions | undefined,
): Promise<BlobFacts | undefined> {
  try {
    const { size, etag, versionId: found } = await client.head(key, versionId, transfer);
    return {
      ...(size === undefined ? {} : { size }),
      ...(etag === undefined ? {} : { etag }),
      ...(found === undefined ? {} : { versionId: found }),
    };
  } catch (error) {
    if (isMlopsError(error, 'blob_not_found')) return undefined;
    throw error;
  }
}

async function* listBelow(
  client: S3Client,
  prefix: string,
  below: string,
  options: ListOptions | undefined,
): AsyncIterable<BlobInfo> {
  const beginning = prefix + below + (options?.beginning ?? '');
  for (let next: string | undefined; ;) {
    const page = await client.list(beginning, { next, flat: true }, options);
    for (const blob of page.objects) if (!blob.key.endsWith('/')) yield infoOf(blob, prefix);
    if (page.next === undefined) return;
    next = page.next;
  }
}

async function* listLevel(
  client: S3Client,
  prefix: string,
  below: string,
  transfer: TransferOptions | undefined,
): AsyncIterable<LevelEntry> {
  for (let next: string | undefined; ;) {
    const page = await client.list(prefix + below, { next, flat: false }, transfer);
    for (const directory of page.directories) yield { directory: directory.slice(prefix.length, -1) };
    for (const blob of page.objects) if (!blob.key.endsWith('/')) yield infoOf(blob, prefix);
    if (page.next === undefined) return;
    next = page.next;
  }
}

function infoOf(blob: { key: string; size: number; etag: string | undefined }, prefix: string): BlobInfo {
  const { key, size, etag } = blob;
  return { key: key.slice(prefix.length), size, ...(etag === undefined ? {} : { etag }) };
}
