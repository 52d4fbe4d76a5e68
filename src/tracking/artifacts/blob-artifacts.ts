import { Readable } from 'node:stream';

import { isMlopsError, MlopsError } from '../../base/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import { temporaryPrefix, type ArtifactFile, type ArtifactStore } from './artifact-store.ts';
import { artifactPath } from './location.ts';
import { proxiedPath, type OpenArtifacts } from './roots.ts';

/** `mlflow-artifacts:/...` kept in a store of blobs, for example a bucket. */
export function blobRoots(store: BlobStore): OpenArtifacts {
  return (uri) => {
    const proxied = proxiedPath(uri);
    if (proxied !== undefined) return blobArtifacts(uri, store, proxied);
    throw new MlopsError('invalid_value', `the artifacts at '${uri.slice(0, 200)}' are not in reach of this store`, {
      hint: 'read them with the client of that object store',
    });
  };
}

function blobArtifacts(uri: string, store: BlobStore, root: string): ArtifactStore {
  const keyOf = (name: string): string => [root, artifactPath(name)].filter((part) => part !== '').join('/');
  const artifacts: ArtifactStore = {
    uri,
    list: (directory = '') => list(store, keyOf(directory), artifactPath(directory)),
    open: async (name, range) => {
      const { stream, size, etag } = await store.open(keyOf(name), range ?? {}).catch((error: unknown) => {
        if (!isMlopsError(error, 'blob_not_found')) throw error;
        throw new MlopsError('resource_missing', `No such artifact: '${name}'`, { cause: error });
      });
      return { stream, size, etag };
    },
    get: async (name) => {
      const { stream } = await artifacts.open(name);
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    },
    put: async (name, content) => {
      const key = keyOf(name);
      await (content instanceof Readable ? store.writeStream(key, content) : store.write(key, content));
    },
    remove: async (name) => {
      if (artifactPath(name) === '') throw new MlopsError('invalid_value', 'Invalid path');
      const key = keyOf(name);
      const keys = [key];
      for await (const blob of store.list(`${key}/`)) keys.push(blob.key);
      await store.remove(keys);
    },
  };
  return artifacts;
}

/** One level: files, and the directories that have files below them. */
async function list(store: BlobStore, key: string, directory: string): Promise<readonly ArtifactFile[]> {
  const prefix = key === '' ? '' : `${key}/`;
  const shown = directory === '' ? '' : `${directory}/`;
  const found = new Map<string, ArtifactFile>();
  const entries = store.listLevel?.(prefix) ?? store.list(prefix);
  for await (const entry of entries) {
    const full = 'directory' in entry ? entry.directory : entry.key;
    const rest = full.slice(prefix.length);
    const slash = rest.indexOf('/');
    const name = slash === -1 ? rest : rest.slice(0, slash);
    if (name === '' || name.startsWith(temporaryPrefix)) continue;
    const isDirectory = 'directory' in entry || slash !== -1;
    const size = 'directory' in entry || isDirectory ? undefined : entry.size;
    found.set(name, { path: shown + name, isDirectory, size });
  }
  return [...found.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
