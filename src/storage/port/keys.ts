import { MlopsError, withoutTrailing } from '../../base/index.ts';

/** Refuses keys that could leave the store: empty, absolute, or with an empty, `.` or `..` segment. */
export function checkKey(key: string): string {
  const bad = key === '' || key.split('/').some((part) => part === '' || part === '.' || part === '..');
  if (bad) throw new MlopsError('bad_path', `'${key}' is not a usable object name`);
  return key;
}

/** A prefix with exactly one trailing slash; '' stays ''. */
export function directoryPrefix(prefix: string): string {
  const trimmed = withoutTrailing(prefix, '/');
  return trimmed === '' ? '' : `${trimmed}/`;
}

export function notFound(key: string, url: string, cause?: unknown): MlopsError {
  return new MlopsError('blob_not_found', `'${key}' is not in ${url}`, { cause, data: { key } });
}
