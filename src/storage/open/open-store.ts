import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

import { MlopsError } from '../../base/index.ts';
import type { BlobStore } from '../port/blob-store.ts';
import { localStore } from '../local/local-store.ts';
import { flagOption, type RemoteOptions } from '../port/remote-options.ts';
import { withRetry } from '../port/retry.ts';

type Open = (url: string, options: RemoteOptions) => BlobStore | Promise<BlobStore>;

const overHttp: Open = async (url, options) => withRetry((await import('../http/store.ts')).httpStore(url, options));

/** Kinds by scheme, each loaded when it is needed; those over a network try again. */
const kinds: ReadonlyMap<string, Open> = new Map<string, Open>([
  ['file', (url) => localStore(fileURLToPath(url), { mode: 0o444 })],
  ['s3', async (url, options) => withRetry((await import('../s3/store.ts')).s3Store(url, options))],
  ['http', overHttp],
  ['https', overHttp],
]);

/** What DVC also has. */
const later: ReadonlyMap<string, string> = new Map([
  ['gs', 'Google Cloud Storage'],
  ['azure', 'Azure Blob Storage'],
  ['ssh', 'SSH'],
  ['gdrive', 'Google Drive'],
  ['hdfs', 'HDFS'],
  ['webhdfs', 'WebHDFS'],
  ['oss', 'Alibaba OSS'],
  ['webdav', 'WebDAV'],
  ['webdavs', 'WebDAV'],
]);

/**
 * Opens a store by its URL: a path or `file://`, `s3://bucket/prefix`, `http(s)://`. Network kinds are
 * wrapped to try again. Nothing is contacted yet.
 * @throws MlopsError `remote_unsupported` for other schemes and for version-aware remotes,
 * `remote_misconfigured` for options that cannot work.
 */
export async function openStore(url: string, options: RemoteOptions = {}): Promise<BlobStore> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (flagOption(options, 'version_aware') === true || flagOption(options, 'worktree') === true) {
    throw new MlopsError(
      'remote_unsupported',
      `the remote at ${withoutSecrets(url)} is version-aware, which is not supported yet`,
      {
        hint: 'use dvc for this remote, or push to one that keeps objects by their hash: mlops push -r NAME',
      },
    );
  }
  if (scheme === undefined) return localStore(path.resolve(url), { mode: 0o444 });
  const open = kinds.get(scheme);
  if (open !== undefined) return open(url, options);
  const name = later.get(scheme);
  throw new MlopsError(
    'remote_unsupported',
    name === undefined
      ? `'${scheme}' is not a kind of remote: ${withoutSecrets(url)}`
      : `remotes on ${name} (${scheme}://) are not supported yet: ${withoutSecrets(url)}`,
    { hint: 'local folders, s3:// and (to read) http(s):// are; dvc itself can still use this remote' },
  );
}

/** A URL for messages: the password, or the whole user part when there is no colon, is left out. */
export function withoutSecrets(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
}
