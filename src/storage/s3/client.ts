import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

import { isMlopsError, MlopsError } from '../../base/index.ts';
import type { SentPart, TransferOptions } from '../port/blob-store.ts';
import { explainS3Error, notS3, S3Failure } from './errors.ts';
import type { S3Settings } from './settings.ts';
import { s3Wire, type S3Wire } from './wire.ts';
import { element, elements, escaped, type XmlElement } from './xml.ts';

/** Facts of an object; the etag without its quotes. */
export interface S3Object {
  /** Undefined where a gateway leaves it out. */
  readonly size: number | undefined;
  readonly etag: string | undefined;
  readonly versionId: string | undefined;
}

export interface S3Listing {
  readonly objects: readonly { readonly key: string; readonly size: number; readonly etag: string | undefined }[];
  /** With a delimiter: the common prefixes, each ending in `/`. */
  readonly directories: readonly string[];
  readonly next: string | undefined;
}

export interface S3Part extends SentPart {
  readonly size: number;
}

export interface S3Range {
  readonly start?: number | undefined;
  /** Inclusive. */
  readonly end?: number | undefined;
  /** Fails when the object is another one by now. */
  readonly etag?: string | undefined;
  readonly versionId?: string | undefined;
}

/** The requests to S3 that the store makes, with full keys. Every failure is an `MlopsError`. */
export interface S3Client {
  head(key: string, versionId: string | undefined, options?: TransferOptions): Promise<S3Object>;
  list(
    prefix: string,
    page: { next?: string | undefined; flat: boolean },
    options?: TransferOptions,
  ): Promise<S3Listing>;
  /** `total` is the size of the whole object. */
  get(
    key: string,
    range: S3Range,
    options?: TransferOptions,
  ): Promise<S3Object & { body: Readable; total: number | undefined }>;
  put(key: string, body: Uint8Array, options?: TransferOptions): Promise<void>;
  removeMany(keys: readonly string[], options?: TransferOptions): Promise<void>;
  beginUpload(key: string, options?: TransferOptions): Promise<string>;
  putPart(key: string, upload: string, part: number, body: Uint8Array, options?: TransferOptions): Promise<S3Part>;
  finishUpload(key: string, upload: string, parts: readonly SentPart[], options?: TransferOptions): Promise<void>;
  abortUpload(key: string, upload: string): Promise<void>;
  /** Unfinished uploads of exactly this key, newest first. */
  unfinishedUploads(key: string, options?: TransferOptions): Promise<string[]>;
  uploadedParts(key: string, upload: string, options?: TransferOptions): Promise<S3Part[]>;
  /** Where anybody can read an object, or put a part of an upload, for some seconds. */
  readAddress(key: string, seconds: number, disposition: string): Promise<string>;
  partAddress(key: string, upload: string, part: number, seconds: number): Promise<string>;
  close(): void;
}

/** S3's REST protocol: what the store needs of it, on requests that `s3Wire` signs and repeats. */
export function s3Client(settings: S3Settings, env: Readonly<Record<string, string | undefined>>): S3Client {
  const { forRead, forWrite } = settings;
  const wire = s3Wire(settings, env);
  return {
    async head(key, versionId, options) {
      const request = { method: 'HEAD', key, query: { versionId }, headers: forRead } as const;
      return factsOf(ofS3(await wire.head(request, options), settings));
    },
    async list(prefix, page, options) {
      const query = {
        'list-type': '2',
        prefix,
        // Names may hold what XML cannot.
        'encoding-type': 'url',
        delimiter: page.flat ? undefined : '/',
        'continuation-token': page.next,
      };
      const listing = listingOf(await wire.xml({ method: 'GET', query }, 'ListBucketResult', options));
      if (listing.next !== '' && (listing.next === undefined || listing.next !== page.next)) return listing;
      throw new MlopsError('remote_misconfigured', `${settings.url} cannot be listed to the end`, {
        hint: 'the server at `endpointurl` does not know ListObjectsV2',
      });
    },
    async get(key, range, options) {
      const request = { method: 'GET', key, query: { versionId: range.versionId } } as const;
      const headers = { ...forRead, ...rangeHeaders(range) };
      const answer = await wire.send({ ...request, headers }, options).catch((error: unknown) => {
        // An empty object has no first byte.
        if (range.start !== 0 || !isMlopsError(error) || !isStatus(error, 416)) throw error;
        return wire.send({ ...request, headers: forRead }, options);
      });
      ofS3(answer, settings);
      const total = /\/(\d+)$/.exec(answer.headers['content-range'] ?? '')?.[1];
      const facts = factsOf(answer);
      // A weak etag (of a gateway that packs) does not promise the same bytes.
      const etag = facts.etag?.startsWith('W/') === true ? undefined : facts.etag;
      return { ...facts, etag, body: answer, total: total === undefined ? facts.size : Number(total) };
    },
    async put(key, body, options) {
      stored(await wire.head({ method: 'PUT', key, headers: forWrite, body }, options), settings);
    },
    async removeMany(keys, options) {
      const objects = keys.map((key) => `<Object><Key>${escaped(key)}</Key></Object>`).join('');
      const body = Buffer.from(`<Delete xmlns="${namespace}"><Quiet>true</Quiet>${objects}</Delete>`);
      const headers = { 'content-md5': createHash('md5').update(body).digest('base64') };
      const request = { method: 'POST', query: { delete: '' }, headers, body } as const;
      const [first] = elements(await wire.xml(request, 'DeleteResult', options), 'Error');
      if (first === undefined) return;
      const [code, message] = [element(first, 'Code'), element(first, 'Message')];
      throw explainS3Error(new S3Failure({ status: 200, code, message }), element(first, 'Key'), settings);
    },
    ...uploads(settings, wire),
    readAddress: (key, seconds, disposition) =>
      wire.address({ method: 'GET', key, query: { 'response-content-disposition': disposition } }, seconds),
    partAddress: (key, uploadId, part, seconds) =>
      wire.address({ method: 'PUT', key, query: { partNumber: String(part), uploadId } }, seconds),
    close: () => wire.close(),
  };
}

const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/';

type Uploads = Pick<
  S3Client,
  'beginUpload' | 'putPart' | 'finishUpload' | 'abortUpload' | 'unfinishedUploads' | 'uploadedParts'
>;

function uploads(settings: S3Settings, wire: S3Wire): Uploads {
  const { forRead, forWrite } = settings;
  return {
    async beginUpload(key, options) {
      const request = { method: 'POST', key, query: { uploads: '' }, headers: forWrite } as const;
      return element(await wire.xml(request, 'InitiateMultipartUploadResult', options), 'UploadId') ?? '';
    },
    async putPart(key, uploadId, number, body, options) {
      const query = { partNumber: String(number), uploadId };
      const answer = await wire.head({ method: 'PUT', key, query, headers: forRead, body }, options);
      return { number, etag: stored(answer, settings), size: body.length };
    },
    async finishUpload(key, uploadId, parts, options) {
      const list = parts.map(
        ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>"${escaped(etag)}"</ETag></Part>`,
      );
      const text = `<CompleteMultipartUpload xmlns="${namespace}">${list.join('')}</CompleteMultipartUpload>`;
      const request = { method: 'POST', key, query: { uploadId }, headers: forRead, body: Buffer.from(text) } as const;
      await wire.xml(request, 'CompleteMultipartUploadResult', options);
    },
    async abortUpload(key, uploadId) {
      await wire.head({ method: 'DELETE', key, query: { uploadId } });
    },
    async unfinishedUploads(key, options) {
      const query = { uploads: '', prefix: key, 'encoding-type': 'url' };
      const xml = await wire.xml({ method: 'GET', query }, 'ListMultipartUploadsResult', options);
      const decode = decoderOf(xml);
      return elements(xml, 'Upload')
        .map((upload) => ({
          key: decode(element(upload, 'Key') ?? ''),
          id: element(upload, 'UploadId') ?? '',
          begun: Date.parse(element(upload, 'Initiated') ?? '') || 0,
        }))
        .filter((upload) => upload.key === key && upload.id !== '')
        .toSorted((a, b) => b.begun - a.begun)
        .map(({ id }) => id);
    },
    async uploadedParts(key, uploadId, options) {
      const parts: S3Part[] = [];
      for (let marker: string | undefined; ;) {
        const query = { uploadId, 'part-number-marker': marker };
        const xml = await wire.xml({ method: 'GET', key, query }, 'ListPartsResult', options);
        for (const part of elements(xml, 'Part')) {
          const etag = unquoted(element(part, 'ETag')) ?? '';
          parts.push({ number: Number(element(part, 'PartNumber')), etag, size: Number(element(part, 'Size') ?? -1) });
        }
        const next = element(xml, 'NextPartNumberMarker');
        if (element(xml, 'IsTruncated') !== 'true' || next === marker) return parts;
        marker = next;
      }
    },
  };
}

function rangeHeaders({ start, end, etag }: S3Range): Record<string, string> {
  return {
    ...(start === undefined && end === undefined ? {} : { range: `bytes=${start ?? 0}-${end ?? ''}` }),
    ...(etag === undefined ? {} : { 'if-match': `"${etag}"` }),
  };
}

function factsOf({ headers }: Pick<IncomingMessage, 'headers'>): S3Object {
  const { 'x-amz-version-id': versionId, 'content-length': length } = headers;
  return {
    size: length === undefined ? undefined : Number(length),
    etag: unquoted(headers.etag),
    versionId: typeof versionId === 'string' ? versionId : undefined,
  };
}

/** S3 gives an etag with every object; a web page without one is somebody else's. */
function ofS3(answer: IncomingMessage, settings: S3Settings): IncomingMessage {
  const { etag, 'content-type': type = '' } = answer.headers;
  if (etag !== undefined || !type.startsWith('text/html')) return answer;
  answer.destroy();
  throw notS3(settings);
}

/** The etag of what was written. Who answers without one is not S3, and has stored nothing. */
function stored(answer: IncomingMessage, settings: S3Settings): string {
  const etag = unquoted(answer.headers.etag);
  if (etag === undefined) throw notS3(settings);
  return etag;
}

function listingOf(xml: XmlElement): S3Listing {
  const decode = decoderOf(xml);
  const objects = elements(xml, 'Contents').map((entry) => ({
    key: decode(element(entry, 'Key') ?? ''),
    size: Number(element(entry, 'Size') ?? 0),
    etag: unquoted(element(entry, 'ETag')),
  }));
  const directories = elements(xml, 'CommonPrefixes').map((entry) => decode(element(entry, 'Prefix') ?? ''));
  const more = element(xml, 'IsTruncated') === 'true';
  return { objects, directories, next: more ? (element(xml, 'NextContinuationToken') ?? '') : undefined };
}

/** Names as they are: in a listing that says so they are escaped as in a query, a space as a plus. */
function decoderOf(xml: XmlElement): (name: string) => string {
  if (element(xml, 'EncodingType') !== 'url') return (name) => name;
  return (name) => {
    if (!/[%+]/.test(name)) return name;
    try {
      return decodeURIComponent(name.replaceAll('+', ' '));
    } catch (error) {
      // Not UTF-8: no name of ours.
      if (error instanceof URIError) return name;
      throw error;
    }
  };
}

function unquoted(etag: string | undefined): string | undefined {
  return etag?.replace(/^"|"$/g, '');
}

function isStatus(error: MlopsError, status: number): boolean {
  return error.cause instanceof S3Failure && error.cause.status === status;
}
