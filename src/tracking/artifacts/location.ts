import { withoutTrailing } from '../../base/index.ts';
import { decodeFully, invalid, limits } from '../../mlflow/index.ts';

/** Puts a path below an URI; a query string stays at the end. */
export function joinUri(uri: string, path: string): string {
  const [, base = uri, query = ''] = /^([^?]*)(\?.*)?$/s.exec(uri) ?? [];
  if (base === 'mlflow-artifacts:') return `mlflow-artifacts:/${path}${query}`;
  return `${withoutTrailing(base, '/')}/${path}${query}`;
}

const remoteSchemes = new Set([
  's3',
  'gs',
  'abfs',
  'abfss',
  'wasb',
  'wasbs',
  'dbfs',
  'hdfs',
  'viewfs',
  'r2',
  'oss',
  'b2',
]);

/**
 * Refuses artifact locations that could be made to point elsewhere: local paths, foreign hosts, fragments,
 * `..` however it is encoded. Object-store URIs are taken as they are.
 *
 * @throws MlopsError `invalid_value`.
 */
export function checkLocation(uri: string): void {
  if (uri.length > limits.artifactLocation) {
    throw invalid(
      `Invalid artifact path length. The length of the artifact path cannot be greater than ${limits.artifactLocation} characters.`,
    );
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase();
  if (/[#;]/.test(uri)) throw invalid(`'artifact_location' URL can't include fragments or params.`);
  if (/[\\\0]/.test(uri) || climbs(uri)) throw invalid(`Invalid artifact location: '${uri.slice(0, 200)}'`);
  if (scheme === 'mlflow-artifacts') {
    if (/^mlflow-artifacts:\/(?!\/)/.test(uri) && !uri.includes('?')) return;
    throw invalid(`Invalid artifact location: '${uri.slice(0, 200)}' must be mlflow-artifacts:/PATH without a host`);
  }
  if (scheme !== undefined && remoteSchemes.has(scheme)) return;
  throw invalid(
    `Invalid artifact location: '${uri.slice(0, 200)}'. Use mlflow-artifacts:/PATH or an object store (${[...remoteSchemes].slice(0, 5).join(', ')}, ...)`,
  );
}

/** True when a path, decoded as often as anything could decode it, has a `..` segment. */
export function climbs(path: string): boolean {
  return /(?:^|[/\\?#=])\.\.(?:[/\\?#]|$)/.test(decodeFully(path));
}

/** As Linux has it. */
const longestPath = 4096;

/**
 * The normal form of a path below an artifact root. Names are taken as they are: what requests write is read by
 * `readArtifactName`.
 *
 * @throws MlopsError `invalid_value` `Invalid path` for all that is absolute, climbs, or names a drive.
 */
export function artifactPath(path: string): string {
  if (path === '') return '';
  if (path.length > longestPath) throw invalid(`Invalid path: it has more than ${longestPath} characters`);
  const bad = path.startsWith('/') || path.includes('\0') || /^[a-z]:[/\\]|^[a-z][a-z0-9+.-]+:\//i.test(path);
  if (bad || climbs(path) || (process.platform === 'win32' && /[\\:]/.test(path))) throw invalid('Invalid path');
  const segments = path.replace(/\/$/, '').split('/');
  if (segments.some((segment) => segment === '' || segment === '.')) throw invalid('Invalid path');
  return segments.join('/');
}
