import { Readable } from 'node:stream';

import { isMlopsError, MlopsError } from '../../base/index.ts';
import type { ArtifactFile, ArtifactStore } from '../artifacts/artifact-store.ts';
import { artifactPath } from '../artifacts/location.ts';
import { localRoots, proxiedPath } from '../artifacts/roots.ts';
import type { RemoteClient } from './client.ts';

const base = '2.0/mlflow-artifacts/artifacts';

/** A folder that lists itself or the one above would be walked for ever. */
function badName(path: string, { url }: RemoteClient): MlopsError {
  return new MlopsError('tracking_refused', `the server at ${url} lists an artifact by the name '${path}'`);
}

/** Artifacts through the proxy of a tracking server; folders of this machine are read directly. */
export function remoteArtifacts(client: RemoteClient, uri: string): ArtifactStore {
  const root = proxiedPath(uri);
  if (root === undefined) return localRoots('')(uri);
  const whole = (path: string): string => [root, artifactPath(path)].filter((part) => part !== '').join('/');
  const address = (path: string): string => `${base}/${whole(path).split('/').map(encodeURIComponent).join('/')}`;
  const store: ArtifactStore = {
    uri,
    list: async (directory = '') => {
      const answer = await client.get(base, { path: whole(directory) });
      const prefix = directory === '' ? '' : `${artifactPath(directory)}/`;
      return answer.messages('files').map((file): ArtifactFile => {
        const isDirectory = file.flag('is_dir') ?? false;
        const name = file.need('path').split('/').at(-1) ?? '';
        if (name === '' || name === '.' || name === '..') throw badName(file.need('path'), client);
        return { path: prefix + name, isDirectory, size: isDirectory ? undefined : (file.integer('file_size') ?? 0) };
      });
    },
    open: async (path, range) => {
      const headers = range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` };
      const response = await client.raw('GET', address(path), { headers }).catch((error: unknown) => {
        if (!isMlopsError(error) || error.data?.['status'] !== 404) throw error;
        throw new MlopsError('resource_missing', `No such artifact: '${path}'`, { cause: error });
      });
      const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
      const stream = response.body === null ? Readable.from([]) : Readable.fromWeb(response.body as never);
      return {
        stream,
        size: Number(total ?? response.headers.get('content-length') ?? 0),
        etag: response.headers.get('etag') ?? undefined,
      };
    },
    get: async (path) => {
      const chunks: Buffer[] = [];
      for await (const chunk of (await store.open(path)).stream) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    },
    put: async (path, content) => void (await (await client.raw('PUT', address(path), { body: content })).text()),
    remove: async (path) => {
      if (artifactPath(path) === '') throw new MlopsError('invalid_value', 'Invalid path');
      await (await client.raw('DELETE', address(path))).text();
    },
  };
  return store;
}
