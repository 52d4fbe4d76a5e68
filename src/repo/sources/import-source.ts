import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, pythonJson, type PyMap, type PyValue } from '../../base/index.ts';
import { hashPath, type WorkOptions } from '../../data/index.ts';
import { pythonStr, refuseRecorded, type ContentInfo, type Dep, type RepoSource } from '../../project/index.ts';
import type { BlobStore, RemoteOptions } from '../../storage/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import type { ForeignOptions } from './foreign-repo.ts';
import { openSource } from './source.ts';
import { isUrl } from '../open/pipeline-project.ts';
import { treePathOf } from '../open/targets.ts';

/** Where `import-url` takes data from, as its `.dvc` file and its messages name it. */
export interface ImportSource {
  /** As written into the file. */
  readonly defPath: string;
  /** For messages. */
  readonly shown: string;
  /** A URL, or an absolute path. */
  readonly place: string;
}

/**
 * What a path or URL means for an output in `wdir`: paths are relative to the folder of the output, as in
 * DVC, except for what exists inside the project.
 */
export function importSource(repo: DataRepo, given: string, wdir: string): ImportSource {
  if (isUrl(given)) return { defPath: given, shown: given, place: given };
  const here = path.resolve(repo.cwd, given);
  const isOwn = fs.existsSync(here) && treePathOf(repo, here) !== undefined;
  const defPath = isOwn ? path.relative(path.join(repo.root, wdir), here).split(path.sep).join('/') : given;
  const place = path.resolve(repo.root, wdir, defPath);
  const inside = treePathOf(repo, place);
  return { defPath, shown: inside === undefined ? place : path.relative(repo.cwd, place), place };
}

/** The source of a recorded dep. */
export function sourceOfDep(repo: DataRepo, dep: Dep, wdir: string): ImportSource {
  if (isUrl(dep.defPath)) return { defPath: dep.defPath, shown: dep.defPath, place: dep.defPath };
  const place = path.resolve(repo.root, wdir, dep.defPath);
  const shown = treePathOf(repo, place) === undefined ? place : path.relative(repo.cwd, place);
  return { defPath: dep.defPath, shown, place };
}

/**
 * The facts by which a source is recognised: an md5 of what is local, the etag or checksum of what is not;
 * for a folder on S3 a digest over the etags below it.
 * @param options `extra` is what the file says besides facts, and keeps.
 * @throws MlopsError `missing_dependency` when nothing is there, and those of the store.
 */
export async function sourceFacts(
  repo: Pick<DataRepo, 'data' | 'remote'>,
  source: ImportSource,
  options: WorkOptions & { readonly fsConfig?: RemoteOptions | undefined; readonly extra?: PyMap | undefined },
): Promise<ContentInfo> {
  const extra = options.extra === undefined ? {} : { extra: options.extra };
  if (!isUrl(source.place)) {
    const content = await hashPath(repo.data, source.place, options);
    if (content === undefined) throw missingSource(source.shown);
    return { ...content, ...extra };
  }
  const { store, key } = await openSource(repo, source.place, { ...options, options: options.fsConfig });
  try {
    const facts = await storeFacts(store, key, options);
    if (facts === undefined) throw missingSource(source.shown);
    return { ...facts, ...extra };
  } finally {
    await store.close();
  }
}

/** Options of the URL go into the file beside it. */
export function fsConfigExtra(options: RemoteOptions | undefined, versionAware: boolean): { extra?: PyMap } {
  if (options === undefined && !versionAware) return {};
  const given = Object.entries(options ?? {}).map(([key, value]): [PyValue, PyValue] => [key, value ?? null]);
  const map: PyMap = new Map(given);
  if (versionAware) map.set('version_aware', true);
  return { extra: new Map([['fs_config', map]]) };
}

/** Options of a store as a `.dvc` file keeps them. */
export function optionsOf(map: PyMap): RemoteOptions {
  return Object.fromEntries(
    [...map].map(([key, value]) => [pythonStr(key), value === null ? undefined : pythonStr(value)]),
  );
}

/** The options that a `.dvc` file keeps of how its repository is read. @throws MlopsError `untrusted_config`. */
export function recordedOptions(
  source: RepoSource,
): Pick<ForeignOptions, 'config' | 'remote' | 'remoteConfig' | 'recorded'> {
  const options = optionsIn(source);
  refuseRecorded(options.remoteConfig, `the import from '${source.url}'`);
  return { ...options, recorded: true };
}

function optionsIn(source: RepoSource): Pick<ForeignOptions, 'config' | 'remote' | 'remoteConfig'> {
  const config = source.extra?.get('config');
  const remote = source.extra?.get('remote');
  if (config instanceof Map) {
    const core = config.get('core');
    const name = core instanceof Map ? core.get('remote') : undefined;
    const sections = config.get('remote');
    const section = sections instanceof Map && name !== undefined ? sections.get(name) : undefined;
    return {
      ...(typeof name === 'string' ? { remote: name } : {}),
      ...(section instanceof Map ? { remoteConfig: optionsOf(section) } : {}),
    };
  }
  return {
    ...(typeof config === 'string' ? { config } : {}),
    ...(typeof remote === 'string' ? { remote } : {}),
    ...(remote instanceof Map ? { remoteConfig: optionsOf(remote) } : {}),
  };
}

async function storeFacts(store: BlobStore, key: string, options: WorkOptions): Promise<ContentInfo | undefined> {
  if (store.directory !== undefined) return undefined;
  const facts = key === '' ? undefined : await store.stat?.(key, { signal: options.signal });
  if (facts !== undefined) {
    return {
      hashName: 'md5',
      ...(facts.size === undefined ? {} : { size: facts.size }),
      ...(facts.etag === undefined ? {} : { etag: facts.etag }),
      ...(facts.checksum === undefined ? {} : { checksum: facts.checksum }),
    };
  }
  return store.kind === 'http' ? undefined : folderFacts(store, key, options);
}

async function folderFacts(store: BlobStore, key: string, options: WorkOptions): Promise<ContentInfo | undefined> {
  const files: { relpath: string; etag: string }[] = [];
  let size = 0;
  for await (const blob of store.list(key, { signal: options.signal })) {
    files.push({ relpath: key === '' ? blob.key : blob.key.slice(key.length + 1), etag: blob.etag ?? '' });
    size += blob.size;
  }
  if (files.length === 0) return undefined;
  files.sort((a, b) => Buffer.compare(Buffer.from(a.relpath), Buffer.from(b.relpath)));
  const entries = files.map(({ relpath, etag }): PyValue => new Map(Object.entries({ etag, relpath })));
  const digest = createHash('md5').update(pythonJson(entries)).digest('hex');
  return { md5: `${digest}.dir`, hashName: 'md5', size, nfiles: files.length };
}

function missingSource(shown: string): MlopsError {
  return new MlopsError('missing_dependency', `dependency '${shown}' does not exist`, {
    hint: 'check the path or URL; paths are relative to the folder of the output',
  });
}

/** Options of the source that its entry keeps (`fs_config`). @throws MlopsError `untrusted_config`. */
export function fsConfigOf(info: ContentInfo | undefined): RemoteOptions | undefined {
  const map = info?.extra?.get('fs_config');
  const options = map instanceof Map ? optionsOf(map) : undefined;
  refuseRecorded(options, 'an imported file (`fs_config`)');
  return options;
}
