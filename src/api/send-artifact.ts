import * as path from 'node:path';

import { MlopsError } from '../base/index.ts';
import { mlflowErrorBody, type Reply, type Request } from '../http/index.ts';
import type { ArtifactName } from '../mlflow/index.ts';
import type { ArtifactStore, OpenArtifact } from '../tracking/index.ts';
import { openNamed } from './named-artifacts.ts';

/**
 * Streams a file of a run or model: whole, or the one byte range that is asked for. Always as an attachment that a
 * browser must not sniff, so that no uploaded page runs with this server's origin.
 *
 * @throws MlopsError `resource_missing`; `invalid_value` for a path that leaves the store.
 */
export async function sendArtifact(
  store: ArtifactStore,
  wanted: ArtifactName,
  request: Request,
  reply: Reply,
): Promise<Reply> {
  if (wanted.stored === '') {
    throw new MlopsError('invalid_value', 'Invalid path: artifact path refers to a directory, not a file');
  }
  const { name: file, opened } = await openNamed(store, wanted);
  const { size, etag } = opened;
  void reply.headers({
    'content-type': typeOf(file),
    'content-disposition': `attachment; ${fileName(path.posix.basename(file))}`,
    'x-content-type-options': 'nosniff',
    'accept-ranges': 'bytes',
    'content-security-policy': "sandbox; default-src 'none'",
    ...(etag === undefined ? {} : { etag: quoted(etag) }),
  });
  if (etag !== undefined && matches(request.headers['if-none-match'], quoted(etag))) {
    opened.stream.destroy();
    return reply.code(304).send();
  }
  const range = rangeOf(request, size, etag);
  if (range === 'unsatisfiable') {
    opened.stream.destroy();
    return refuseRange(reply, size);
  }
  if (request.method === 'HEAD') {
    opened.stream.destroy();
    return reply.header('content-length', String(size)).send();
  }
  if (range === undefined) return reply.header('content-length', String(size)).send(opened.stream);
  return sendRange(store, file, opened, range, reply);
}

async function sendRange(
  store: ArtifactStore,
  file: string,
  whole: OpenArtifact,
  range: { readonly start: number; readonly end: number },
  reply: Reply,
): Promise<Reply> {
  whole.stream.destroy();
  const { stream } = await store.open(file, range);
  return reply
    .code(206)
    .headers({
      'content-range': `bytes ${range.start}-${range.end}/${whole.size}`,
      'content-length': String(range.end - range.start + 1),
    })
    .send(stream);
}

function refuseRange(reply: Reply, size: number): Reply {
  const body = mlflowErrorBody({
    status: 416,
    code: 'bad_request',
    mlflowCode: 'BAD_REQUEST',
    message: `the range is outside of the file's ${size} bytes`,
    headers: {},
    error: undefined,
  });
  return reply
    .code(416)
    .header('content-range', `bytes */${size}`)
    .header('content-type', 'application/json')
    .send(JSON.stringify(body));
}

/** Several ranges at once are answered with the whole file, as HTTP allows. */
function rangeOf(
  request: Request,
  size: number,
  etag: string | undefined,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '');
  if (match === null || request.method !== 'GET') return undefined;
  const condition = request.headers['if-range'];
  if (condition !== undefined && (etag === undefined || condition !== quoted(etag))) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start > end ? 'unsatisfiable' : { start, end };
}

function quoted(etag: string): string {
  return /^(?:W\/)?".*"$/.test(etag) ? etag : `"${etag}"`;
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return (
    header.trim() === '*' ||
    header.split(',').some((one) => one.trim().replace(/^W\//, '') === etag.replace(/^W\//, ''))
  );
}

/** Names beyond ASCII go into the extended form of RFC 5987. */
function fileName(name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\]/g, '_');
  if (plain === name) return /^[\w.+-]+$/.test(name) ? `filename=${name}` : `filename="${name}"`;
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
  return `filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** The types of Python's `mimetypes` that matter here. All come without a charset, as from MLflow's server. */
const types: Readonly<Record<string, string>> = {
  avi: 'video/x-msvideo',
  bmp: 'image/bmp',
  css: 'text/css',
  csv: 'text/csv',
  geojson: 'application/geo+json',
  gif: 'image/gif',
  h5: 'application/x-hdf5',
  htm: 'text/html',
  html: 'text/html',
  ico: 'image/vnd.microsoft.icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  tgz: 'application/x-tar',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  txt: 'text/plain',
  wav: 'audio/x-wav',
  webm: 'video/webm',
  webp: 'image/webp',
  zip: 'application/zip',
};

/** What MLflow shows as text, in exactly this writing. */
const textual = new Set([
  ...['txt', 'log', 'err', 'cfg', 'conf', 'cnf', 'cf', 'ini', 'properties', 'prop', 'hocon', 'toml', 'yaml', 'yml'],
  ...['xml', 'json', 'js', 'py', 'py3', 'csv', 'tsv', 'md', 'rst', 'ipynb', 'MLmodel', 'mlproject'],
]);

function typeOf(file: string): string {
  const name = path.posix.basename(file);
  const extension = path.posix.extname(name).slice(1);
  if (textual.has(extension === '' ? name : extension)) return 'text/plain';
  return types[extension.toLowerCase()] ?? 'application/octet-stream';
}
