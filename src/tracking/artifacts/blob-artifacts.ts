import { Readable } from 'node:stream';

import { isMlopsError, MlopsError } from '../../base/index.ts';
import type { BlobStore, DirectAccess } from '../../storage/index.ts';
import { temporaryPrefix, type ArtifactFile, type ArtifactStore } from './artifact-store.ts';
import { artifactPath } from './location.ts';
import { proxiedPath, type OpenArtifacts } from './roots.ts';

/**
 * `mlflow-artifacts:/...` kept in a store of blobs, for example a bucket.
 *
 * @param options direct: clients may move files past this server, at addresses of the store.
 */
export function blobRoots(store: BlobStore, options: { readonly direct?: boolean | undefined } = {}): OpenArtifacts {
  const { direct = false } = options;
  return (uri) => {
    const proxied = proxiedPath(uri);
    if (proxied !== undefined) return blobArtifacts(uri, store, proxied, direct ? store.direct : undefined);
    throw new MlopsError('invalid_value', `the artifacts at '${uri.slice(0, 200)}' are not in reach of this store`, {
      hint: 'read them with the client of that object store',
    });
  };
}

function blobArtifacts(uri: string, store: BlobStore, root: string, direct: DirectAccess | undefined): ArtifactStore {
  const keyOf = (name: string): string => [root, artifactPath(name)].filter((part) => part !== '').join('/');
  const artifacts: ArtifactStore = {
    uri,
    ...(direct === undefined ? {} : { direct: below(direct, keyOf) }),
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

/** The same by names of artifacts. */
function below(direct: DirectAccess, keyOf: (name: string) => string): DirectAccess {
  return {
    readAddress: (name, seconds, shown) => direct.readAddress(keyOf(name), seconds, shown),
    beginUpload: (name) => direct.beginUpload(keyOf(name)),
    partAddress: (name, upload, part, seconds) => direct.partAddress(keyOf(name), upload, part, seconds),
    uploadedParts: (name, upload) => direct.uploadedParts(keyOf(name), upload),
    finishUpload: (name, upload, parts) => direct.finishUpload(keyOf(name), upload, parts),
    abortUpload: (name, upload) => direct.abortUpload(keyOf(name), upload),
  };
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
