import type { PyMap, PyValue } from '../../base/index.ts';
import type { ContentInfo, LockEntry } from './stage.ts';

const known = new Set<PyValue>(['path', 'hash', 'md5', 'size', 'nfiles', 'isexec', 'etag', 'version_id', 'checksum']);

/**
 * The content facts in an entry of `deps` or `outs` (dvc.lock and `.dvc` alike); undefined when the entry
 * holds none, as after `import --no-download`. Keys we do not know are kept in `extra`.
 */
export function contentInfoOf(entry: PyMap, skip: ReadonlySet<PyValue> = known): ContentInfo | undefined {
  const text = (key: string): string | undefined => {
    const value = entry.get(key);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const count = (key: string): number | undefined => {
    const value = entry.get(key);
    return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
  };
  const extra: PyMap = new Map([...entry].filter(([key]) => !skip.has(key) && !known.has(key)));
  const info: ContentInfo = dropUndefined({
    md5: text('md5'),
    hashName: entry.has('hash') ? ('md5' as const) : ('md5-dos2unix' as const),
    size: count('size'),
    nfiles: count('nfiles'),
    isexec: entry.get('isexec') === true ? true : undefined,
    etag: text('etag'),
    versionId: text('version_id'),
    checksum: text('checksum'),
    extra: extra.size > 0 ? extra : undefined,
  });
  const holdsContent = info.md5 ?? info.etag ?? info.checksum ?? info.versionId ?? extra.get('files');
  return holdsContent === undefined ? undefined : info;
}

/** An entry of dvc.lock in the order in which DVC writes its keys. */
export function lockEntryMap(entry: LockEntry): PyMap {
  const { path, info } = entry;
  const map: PyMap = new Map([['path', path]]);
  if (info.hashName === 'md5') map.set('hash', 'md5');
  putContentFacts(map, info);
  for (const [key, value] of info.extra ?? []) map.set(key, value);
  return map;
}

/** Puts digest and sizes into an entry, in DVC's order; those of a versioned folder stand at each of its `files`. */
export function putContentFacts(entry: PyMap, info: ContentInfo): void {
  if (info.extra?.has('files') === true) return;
  const put = (key: string, value: PyValue | undefined): void => {
    if (value !== undefined) entry.set(key, value);
  };
  put('md5', info.md5);
  // Without an md5, the tag or checksum of the source is the digest and comes first.
  if (info.md5 === undefined) put('etag', info.etag);
  if (info.md5 === undefined && info.etag === undefined) put('checksum', info.checksum);
  put('size', info.size);
  put('nfiles', info.nfiles);
  put('isexec', info.isexec);
  put('version_id', info.versionId);
  put('etag', info.etag);
  put('checksum', info.checksum);
}

type WithoutUndefined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function dropUndefined<T extends object>(value: T): WithoutUndefined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as WithoutUndefined<T>;
}
