import * as fs from 'node:fs';
import * as path from 'node:path';
import { pipeline } from 'node:stream/promises';

import { isSystemError, MlopsError, temporaryName } from '../../base/index.ts';
import type { BlobInfo, BlobStore, DownloadOptions, TransferOptions } from '../port/blob-store.ts';
import { checkKey, directoryPrefix, notFound } from '../port/keys.ts';

export interface LocalStoreOptions {
  /** Permission bits of new blobs before umask. DVC keeps objects of a folder remote read-only: 0o444. */
  readonly mode?: number;
}

/** A folder of the local disk (or a mounted share) as a store. The folder is made by the first write. */
export function localStore(directory: string, options: LocalStoreOptions = {}): BlobStore {
  const root = path.resolve(directory);
  const mode = options.mode ?? 0o666;
  const fileOf = (key: string): string => path.join(root, checkKey(key));
  const guard = async <T>(key: string, work: () => Promise<T> | T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw explain(error, key, root);
    }
  };
  return {
    kind: 'local',
    url: root,
    directory: root,
    exists: async (key) => guard(key, () => fs.statSync(fileOf(key), { throwIfNoEntry: false })?.isFile() === true),
    list: (prefix, transfer) => listBelow(root, directoryPrefix(prefix), transfer),
    read: (key) => guard(key, () => fs.readFileSync(fileOf(key))),
    open: (key, range = {}) =>
      guard(key, () => {
        const file = fileOf(key);
        const total = fs.statSync(file).size;
        const end = Math.min(range.end ?? total - 1, total - 1);
        const start = range.start ?? 0;
        const stream = fs.createReadStream(file, total === 0 ? {} : { start, end });
        return { stream, size: Math.max(0, end - start + 1) };
      }),
    write: (key, content, transfer) =>
      guard(key, () =>
        atomically(fileOf(key), transfer, (temp) => {
          fs.writeFileSync(temp, content, { flag: 'wx', mode });
          transfer?.onBytes?.(content.length);
        }),
      ),
    writeStream: (key, content, transfer) =>
      guard(key, () =>
        atomically(fileOf(key), transfer, (temp) =>
          pipeline(content, fs.createWriteStream(temp, { flags: 'wx', mode }), { signal: transfer?.signal }),
        ),
      ),
    upload: (file, key, transfer) =>
      guard(key, () =>
        atomically(fileOf(key), transfer, async (temp) => {
          await fs.promises.copyFile(file, temp, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
          fs.chmodSync(temp, mode & ~process.umask());
          transfer?.onBytes?.(fs.statSync(temp).size);
        }),
      ),
    download: (key, file, transfer) => guard(key, () => copyOut(fileOf(key), file, transfer)),
    remove: async (keys) => {
      for (const key of keys) await guard(key, () => fs.rmSync(fileOf(key), { force: true }));
    },
    close: async () => undefined,
  };
}

async function* listBelow(root: string, prefix: string, options?: TransferOptions): AsyncIterable<BlobInfo> {
  const pending = [prefix];
  for (let dir = pending.pop(); dir !== undefined; dir = pending.pop()) {
    options?.signal?.throwIfAborted();
    for (const entry of readDirectory(path.join(root, dir))) {
      if (entry.isDirectory()) pending.push(`${dir}${entry.name}/`);
      else if (entry.isFile() && !isTemporary(entry.name)) {
        const stat = fs.statSync(path.join(root, dir, entry.name), { throwIfNoEntry: false });
        if (stat !== undefined) yield { key: dir + entry.name, size: stat.size };
      }
    }
  }
}

function readDirectory(directory: string): fs.Dirent[] {
  try {
    return fs.readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

function isTemporary(name: string): boolean {
  return name.startsWith('.') && name.endsWith('.tmp');
}

async function atomically(
  target: string,
  options: TransferOptions | undefined,
  fill: (temp: string) => Promise<void> | void,
): Promise<void> {
  options?.signal?.throwIfAborted();
  const temp = temporaryName(target);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  try {
    await fill(temp);
    options?.signal?.throwIfAborted();
    fs.renameSync(temp, target);
  } catch (error) {
    fs.rmSync(temp, { force: true });
    throw error;
  }
}

async function copyOut(source: string, target: string, options: DownloadOptions | undefined): Promise<void> {
  options?.signal?.throwIfAborted();
  const receive = options?.observe?.();
  options?.onSize?.(fs.statSync(source).size);
  const input = fs.createReadStream(source, { highWaterMark: 1 << 20 });
  const watch = async function* (chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of chunks) {
      receive?.(chunk);
      options?.onBytes?.(chunk.length);
      yield chunk;
    }
  };
  try {
    await pipeline(input, watch, fs.createWriteStream(target, { flags: 'wx' }), { signal: options?.signal });
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) fs.rmSync(target, { force: true });
    throw error;
  }
}

function explain(error: unknown, key: string, root: string): unknown {
  if (isSystemError(error, 'ENOENT', 'ENOTDIR') && error.path?.startsWith(root) === true)
    return notFound(key, root, error);
  if (isSystemError(error, 'EACCES', 'EPERM', 'EROFS') && error.path?.startsWith(root) === true) {
    return new MlopsError('remote_denied', `${error.code}: the system refuses '${error.path}'`, {
      hint: 'check the permissions of that folder',
      cause: error,
    });
  }
  return error;
}
