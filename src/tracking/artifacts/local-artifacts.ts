import { createReadStream, createWriteStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { explainSystemError, isSystemError, MlopsError, temporaryName } from '../../base/index.ts';
import {
  temporaryPrefix,
  type ArtifactFile,
  type ArtifactStore,
  type ByteRange,
  type OpenArtifact,
} from './artifact-store.ts';
import { artifactPath } from './location.ts';

/** Artifacts in a folder of this machine. */
export function localArtifacts(uri: string, root: string): ArtifactStore {
  const locate = (name: string): string => path.join(root, ...artifactPath(name).split('/'));
  const store: ArtifactStore = {
    uri,
    localPath: locate,
    list: async (directory = '') => {
      const entries = await fs.readdir(locate(directory), { withFileTypes: true }).catch(emptyWhenAbsent);
      const prefix = directory === '' ? '' : `${artifactPath(directory)}/`;
      const visible = entries.filter((entry) => !entry.name.startsWith(temporaryPrefix));
      const files = visible.map(async (entry): Promise<ArtifactFile> => {
        const isDirectory = entry.isDirectory();
        // A name that is no UTF-8 cannot be looked up, and a link may lead nowhere: both are there all the same.
        const stat = isDirectory
          ? undefined
          : await fs.stat(path.join(locate(directory), entry.name)).catch(() => null);
        const size = stat?.size;
        return { path: prefix + entry.name, isDirectory, size };
      });
      return (await Promise.all(files)).sort((a, b) => (a.path < b.path ? -1 : 1));
    },
    open: async (name, range) => open(locate(name), name, range),
    get: async (name) => {
      const { stream } = await store.open(name);
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    },
    put: async (name, content) => put(locate(name), name, content),
    remove: async (name) => {
      if (artifactPath(name) === '') throw new MlopsError('invalid_value', 'Invalid path');
      await fs.rm(locate(name), { recursive: true, force: true }).catch((error: unknown) => {
        if (!isSystemError(error, ...absent)) throw error;
      });
    },
    sweep: (olderThan) => sweep(root, Date.now() - olderThan),
  };
  return store;
}

/** What the system says of names that cannot be there. */
const absent = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'] as const;

function emptyWhenAbsent(error: unknown): never[] {
  if (isSystemError(error, ...absent)) return [];
  throw error;
}

async function sweep(folder: string, before: number): Promise<number> {
  let removed = 0;
  for (const entry of await fs.readdir(folder, { withFileTypes: true }).catch(emptyWhenAbsent)) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) removed += await sweep(full, before);
    if (!entry.isFile() || !entry.name.startsWith(temporaryPrefix)) continue;
    const stat = await fs.stat(full).catch(() => undefined);
    if (stat === undefined || stat.mtimeMs > before) continue;
    await fs.rm(full, { force: true });
    removed++;
  }
  return removed;
}

async function open(file: string, name: string, range: ByteRange | undefined): Promise<OpenArtifact> {
  const stat = await fs.stat(file).catch((error: unknown) => {
    if (isSystemError(error, ...absent)) {
      throw new MlopsError('resource_missing', `No such artifact: '${name}'`);
    }
    throw error;
  });
  if (stat.isDirectory()) throw new MlopsError('invalid_value', `'${name}' is a directory, not a file`);
  const etag = `"${stat.size.toString(16)}-${Math.round(stat.mtimeMs * 1000).toString(16)}"`;
  return { stream: createReadStream(file, range ?? {}), size: stat.size, etag };
}

/** Streams into a file beside the target and renames it: a cut upload leaves nothing. */
async function put(file: string, name: string, content: Uint8Array | Readable): Promise<void> {
  const directory = path.dirname(file);
  const temporary = path.join(directory, `${temporaryPrefix}${path.basename(temporaryName('a'))}`);
  try {
    await fs.mkdir(directory, { recursive: true });
    if (content instanceof Uint8Array) await fs.writeFile(temporary, content);
    else await pipeline(content, createWriteStream(temporary));
    await fs.rename(temporary, file);
  } catch (error) {
    // Below a file there is nothing to remove, and that fails, too.
    await fs.rm(temporary, { force: true }).catch(() => undefined);
    if (isSystemError(error, 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY', 'ENAMETOOLONG')) {
      throw new MlopsError('invalid_value', `Invalid path: '${name}' cannot be a file here`, { cause: error });
    }
    throw explainSystemError(error);
  }
}
