import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { isMlopsError, mapPool, MlopsError, pathFault, withoutTrailing } from '../../base/index.ts';
import type { WorkOptions } from '../../data/index.ts';
import { openStore, withoutSecrets, type BlobStore, type RemoteOptions } from '../../storage/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { isUrl } from '../open/pipeline-project.ts';

export interface SourceOptions extends WorkOptions {
  readonly jobs?: number | undefined;
  /** Options of the store, as in a remote's section (`--fs-config`). */
  readonly options?: RemoteOptions | undefined;
}

/** Facts that tell whether a source changed: what imports record of it. */
export interface SourceFacts {
  readonly etag?: string | undefined;
  readonly size?: number | undefined;
}

/**
 * Copies a file or folder from a path or URL (`s3://`, `http(s)://`, `remote://name/path`) to a place that
 * holds nothing, or replaces what is there.
 * @throws MlopsError `object_missing` when there is nothing at the source, and those of the store.
 */
export async function materialize(
  repo: Pick<DataRepo, 'cwd' | 'remote'> | { readonly cwd: string; readonly remote?: undefined },
  source: string,
  target: string,
  options: SourceOptions = {},
): Promise<SourceFacts> {
  const makeFolder = (): void => void fs.mkdirSync(path.dirname(target), { recursive: true });
  if (!isUrl(source)) {
    const from = path.resolve(repo.cwd, source);
    if (!fs.existsSync(from)) throw missing(source);
    if (target.startsWith(`${from}${path.sep}`)) return copyInto(from, target);
    makeFolder();
    fs.rmSync(target, { recursive: true, force: true });
    fs.cpSync(from, target, { recursive: true, dereference: true });
    dropExecutable(target);
    return { size: fs.statSync(target).size };
  }
  const { store, key } = await openSource(repo, source, options);
  try {
    makeFolder();
    return await fetchFrom(store, key, source, target, options);
  } finally {
    await store.close();
  }
}

/** A folder copied to a place inside of itself: what is there then is not part of it. */
function copyInto(from: string, target: string): SourceFacts {
  const aside = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-copy-'));
  try {
    const copy = path.join(aside, 'copy');
    fs.cpSync(from, copy, { recursive: true, dereference: true });
    fs.cpSync(copy, target, { recursive: true });
  } finally {
    fs.rmSync(aside, { recursive: true, force: true });
  }
  dropExecutable(target);
  return { size: fs.statSync(target).size };
}

/** Content that comes from elsewhere is data: DVC's copies are not executable either. */
function dropExecutable(target: string): void {
  if (!fs.statSync(target).isDirectory()) fs.chmodSync(target, 0o666 & ~process.umask());
  else for (const name of fs.readdirSync(target)) dropExecutable(path.join(target, name));
}

/** The store that holds a URL's folder, and the key in it. */
export async function openSource(
  repo: { readonly remote?: DataRepo['remote'] | undefined },
  source: string,
  options: SourceOptions,
): Promise<{ store: BlobStore; key: string }> {
  const named = /^remote:\/\/([^/]+)(?:\/(.*))?$/.exec(source);
  if (named !== null) {
    const remote = repo.remote?.(named[1]);
    if (remote === undefined) throw new MlopsError('no_remote', `there is no remote '${named[1]}' here`);
    return { store: await openStore(remote.url, { ...remote.options, ...options.options }), key: named[2] ?? '' };
  }
  const { folder, key } = splitSource(source);
  return { store: await openStore(folder, options.options), key };
}

/**
 * The folder of a URL and what follows, its query included: `https://host/a`, `b.csv?x=1/2`. The key of a
 * bare bucket or host is ''. Nothing is decoded: S3's keys are not encoded, and HTTP's stay as they were given.
 */
export function splitSource(source: string): { folder: string; key: string } {
  const query = /[?#]/.exec(source)?.index ?? source.length;
  const place = withoutTrailing(source.slice(0, query), '/');
  const slash = place.lastIndexOf('/');
  if (place.slice(0, slash).endsWith(':/')) return { folder: place, key: '' };
  return { folder: place.slice(0, slash), key: place.slice(slash + 1) + source.slice(query) };
}

async function fetchFrom(
  store: BlobStore,
  key: string,
  source: string,
  target: string,
  options: SourceOptions,
): Promise<SourceFacts> {
  const temp = `${target}.${process.pid}.tmp`;
  try {
    if (key !== '' && (await isBlob(store, key, options))) {
      await store.download(key, temp, { signal: options.signal });
      fs.rmSync(target, { recursive: true, force: true });
      fs.renameSync(temp, target);
      return { size: fs.statSync(target).size };
    }
    const keys: string[] = [];
    if (store.kind !== 'http')
      for await (const blob of store.list(key, { signal: options.signal })) keys.push(blob.key);
    if (keys.length === 0) throw missing(withoutSecrets(source));
    const skip = key === '' ? 0 : key.length + 1;
    for (const blob of keys) refuseName(blob.slice(skip), source);
    let done = 0;
    await mapPool(
      keys,
      options.jobs ?? 16,
      async (blob) => {
        const file = path.join(temp, blob.slice(skip));
        fs.mkdirSync(path.dirname(file), { recursive: true });
        await store.download(blob, file, { signal: options.signal });
        options.onProgress?.({ name: 'downloading', unit: 'files', done: ++done, total: keys.length });
      },
      options.signal,
    );
    fs.rmSync(target, { recursive: true, force: true });
    fs.renameSync(temp, target);
    return {};
  } finally {
    fs.rmSync(temp, { recursive: true, force: true });
  }
}

/** A server names what it holds as it likes; a folder of this machine takes names of files alone. */
function refuseName(name: string, source: string): void {
  const fault = pathFault(name);
  if (fault === undefined) return;
  throw new MlopsError('forbidden_place', `'${withoutSecrets(source)}' holds '${name}': '${fault.name}' ${fault.why}`, {
    hint: 'nothing was copied: copy the objects that you want one by one',
    data: { path: name },
  });
}

async function isBlob(store: BlobStore, key: string, options: SourceOptions): Promise<boolean> {
  try {
    return await store.exists(key, { signal: options.signal });
  } catch (error) {
    if (isMlopsError(error, 'blob_not_found')) return false;
    throw error;
  }
}

function missing(source: string): MlopsError {
  return new MlopsError('object_missing', `'${source}' does not exist`, { hint: 'check the path or URL' });
}
