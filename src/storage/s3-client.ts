import type { Readable } from 'node:stream';

import type * as Sdk from '@aws-sdk/client-s3';

import type { TransferOptions } from './blob-store.ts';
import { explainS3Error } from './s3-errors.ts';
import type { S3Settings } from './s3-settings.ts';

/** Facts of an object; the etag without its quotes. */
export interface S3Object {
  readonly size: number;
  readonly etag: string | undefined;
  readonly versionId: string | undefined;
}

export interface S3Listing {
  readonly objects: readonly { readonly key: string; readonly size: number; readonly etag: string | undefined }[];
  /** With a delimiter: the common prefixes, each ending in `/`. */
  readonly directories: readonly string[];
  readonly next: string | undefined;
}

export interface S3Part {
  readonly number: number;
  readonly etag: string;
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
  get(key: string, range: S3Range, options?: TransferOptions): Promise<S3Object & { body: Readable; total: number }>;
  put(key: string, body: Uint8Array, options?: TransferOptions): Promise<void>;
  removeMany(keys: readonly string[], options?: TransferOptions): Promise<void>;
  beginUpload(key: string, options?: TransferOptions): Promise<string>;
  putPart(key: string, upload: string, part: number, body: Uint8Array, options?: TransferOptions): Promise<S3Part>;
  finishUpload(key: string, upload: string, parts: readonly S3Part[], options?: TransferOptions): Promise<void>;
  abortUpload(key: string, upload: string): Promise<void>;
  /** Unfinished uploads of exactly this key, newest first. */
  unfinishedUploads(key: string, options?: TransferOptions): Promise<string[]>;
  uploadedParts(key: string, upload: string, options?: TransferOptions): Promise<S3Part[]>;
  close(): void;
}

/** The only user of the S3 SDK, which is loaded at the first request. */
export function s3Client(settings: S3Settings): S3Client {
  const { bucket: Bucket, forRead, forWrite } = settings;
  let loaded: Promise<{ sdk: typeof Sdk; client: Sdk.S3Client }> | undefined;
  const call = async <T>(
    key: string | undefined,
    options: TransferOptions | undefined,
    work: (client: Sdk.S3Client, sdk: typeof Sdk, http: { abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T> => {
    options?.signal?.throwIfAborted();
    const { sdk, client } = await (loaded ??= load(settings));
    try {
      return await work(client, sdk, options?.signal === undefined ? {} : { abortSignal: options.signal });
    } catch (error) {
      options?.signal?.throwIfAborted();
      throw explainS3Error(error, key, settings);
    }
  };
  return {
    head: (Key, VersionId, options) =>
      call(Key, options, async (client, sdk, http) => {
        const found = await client.send(
          new sdk.HeadObjectCommand({ Bucket, Key, ...forRead, ...(VersionId === undefined ? {} : { VersionId }) }),
          http,
        );
        return factsOf(found);
      }),
    list: (Prefix, page, options) =>
      call(undefined, options, async (client, sdk, http) => {
        const delimiter = page.flat ? {} : { Delimiter: '/' };
        const next = page.next === undefined ? {} : { ContinuationToken: page.next };
        return listingOf(
          await client.send(new sdk.ListObjectsV2Command({ Bucket, Prefix, ...delimiter, ...next }), http),
        );
      }),
    get: (Key, range, options) =>
      call(Key, options, async (client, sdk, http) => {
        const request = { Bucket, Key, ...forRead };
        const found = await client
          .send(new sdk.GetObjectCommand({ ...request, ...rangeOf(range) }), http)
          .catch((error) => {
            // An empty object has no first byte.
            if (range.start !== 0 || !(error instanceof Error) || error.name !== 'InvalidRange') throw error;
            return client.send(new sdk.GetObjectCommand(request), http);
          });
        const total = /\/(\d+)$/.exec(found.ContentRange ?? '')?.[1];
        const facts = factsOf(found);
        return { ...facts, body: found.Body as Readable, total: total === undefined ? facts.size : Number(total) };
      }),
    put: (Key, Body, options) =>
      call(Key, options, async (client, sdk, http) => {
        await client.send(new sdk.PutObjectCommand({ Bucket, Key, Body, ...writeParameters(forWrite) }), http);
      }),
    removeMany: (keys, options) =>
      call(undefined, options, async (client, sdk, http) => {
        const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
        const { Errors = [] } = await client.send(new sdk.DeleteObjectsCommand({ Bucket, Delete }), http);
        const [first] = Errors;
        if (first !== undefined) throw Object.assign(new Error(first.Message), { name: first.Code ?? 'Error' });
      }),
    ...uploads(settings, call),
    close: () => void loaded?.then(({ client }) => client.destroy()).catch(() => undefined),
  };
}

type Call = <T>(
  key: string | undefined,
  options: TransferOptions | undefined,
  work: (client: Sdk.S3Client, sdk: typeof Sdk, http: { abortSignal?: AbortSignal }) => Promise<T>,
) => Promise<T>;

type Uploads = Pick<
  S3Client,
  'beginUpload' | 'putPart' | 'finishUpload' | 'abortUpload' | 'unfinishedUploads' | 'uploadedParts'
>;

function uploads({ bucket: Bucket, forRead, forWrite }: S3Settings, call: Call): Uploads {
  return {
    beginUpload: (Key, options) =>
      call(Key, options, async (client, sdk, http) => {
        const command = new sdk.CreateMultipartUploadCommand({ Bucket, Key, ...writeParameters(forWrite) });
        return (await client.send(command, http)).UploadId ?? '';
      }),
    putPart: (Key, UploadId, PartNumber, Body, options) =>
      call(Key, options, async (client, sdk, http) => {
        const command = new sdk.UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...forRead });
        const { ETag } = await client.send(command, http);
        return { number: PartNumber, etag: unquoted(ETag) ?? '', size: Body.length };
      }),
    finishUpload: (Key, UploadId, parts, options) =>
      call(Key, options, async (client, sdk, http) => {
        const Parts = parts.map((part) => ({ PartNumber: part.number, ETag: `"${part.etag}"` }));
        const MultipartUpload = { Parts };
        await client.send(
          new sdk.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload, ...forRead }),
          http,
        );
      }),
    abortUpload: (Key, UploadId) =>
      call(Key, undefined, async (client, sdk) => {
        await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
      }),
    unfinishedUploads: (Key, options) =>
      call(Key, options, async (client, sdk, http) => {
        const { Uploads = [] } = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: Key }), http);
        const own = Uploads.filter((upload) => upload.Key === Key);
        own.sort((a, b) => (b.Initiated?.getTime() ?? 0) - (a.Initiated?.getTime() ?? 0));
        return own.flatMap((upload) => upload.UploadId ?? []);
      }),
    uploadedParts: (Key, UploadId, options) =>
      call(Key, options, async (client, sdk, http) => {
        const parts: S3Part[] = [];
        for (let marker: string | undefined; ;) {
          const page = marker === undefined ? {} : { PartNumberMarker: marker };
          const found = await client.send(new sdk.ListPartsCommand({ Bucket, Key, UploadId, ...page }), http);
          for (const part of found.Parts ?? []) {
            parts.push({ number: part.PartNumber ?? 0, etag: unquoted(part.ETag) ?? '', size: part.Size ?? -1 });
          }
          if (found.IsTruncated !== true || found.NextPartNumberMarker === marker) return parts;
          marker = found.NextPartNumberMarker;
        }
      }),
  };
}

/** The SDK tells users of an older Node to upgrade, on every command; which Node we run on is our concern. */
const quiet = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED';

async function load(settings: S3Settings): Promise<{ sdk: typeof Sdk; client: Sdk.S3Client }> {
  process.env[quiet] ??= 'true';
  const sdk = await import('@aws-sdk/client-s3');
  return { sdk, client: new sdk.S3Client(configurationOf(settings)) };
}

function configurationOf(settings: S3Settings): Sdk.S3ClientConfig {
  const agent = { keepAlive: true, maxSockets: 128 };
  const trust =
    settings.trust === true ? {} : settings.trust === false ? { rejectUnauthorized: false } : { ca: settings.trust };
  return {
    region: settings.region ?? 'us-east-1',
    // The bucket says where it is; without a region boto asks as well.
    followRegionRedirects: true,
    forcePathStyle: settings.pathStyle,
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    ...credentialsOf(settings),
    // Further attempts are the retrying wrapper's.
    maxAttempts: 3,
    retryMode: 'standard',
    // The body's SHA-256 is signed already; other stores than Amazon's do not all know the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: settings.connectTimeout,
      socketTimeout: settings.readTimeout,
      // A queue for sockets is the plan here, not a leak to warn of.
      socketAcquisitionWarningTimeout: 2 ** 31 - 1,
      httpAgent: agent,
      httpsAgent: { ...agent, ...trust },
    },
  };
}

/**
 * Keys of the remote's options as they are; otherwise what the SDK finds: environment, profile files (also
 * those the options name), SSO, container, instance. The two file paths are handed to that search as the
 * client's configuration, so that two remotes can have different ones.
 */
function credentialsOf(settings: S3Settings): Sdk.S3ClientConfig {
  if (settings.anonymous) {
    const nobody = { accessKeyId: '', secretAccessKey: '' };
    return { credentials: nobody, signer: { sign: async (request) => request } };
  }
  if (settings.keys !== undefined) return { credentials: settings.keys };
  const search = {
    ...(settings.profile === undefined ? {} : { profile: settings.profile }),
    ...(settings.credentialsFile === undefined ? {} : { filepath: settings.credentialsFile }),
    ...(settings.configFile === undefined ? {} : { configFilepath: settings.configFile }),
  };
  return search;
}

function writeParameters(parameters: Readonly<Record<string, string>>): Partial<Sdk.PutObjectCommandInput> {
  return parameters;
}

function rangeOf(range: S3Range): Partial<Sdk.GetObjectCommandInput> {
  const bytes =
    range.start === undefined && range.end === undefined ? undefined : `bytes=${range.start ?? 0}-${range.end ?? ''}`;
  return {
    ...(bytes === undefined ? {} : { Range: bytes }),
    ...(range.etag === undefined ? {} : { IfMatch: `"${range.etag}"` }),
    ...(range.versionId === undefined ? {} : { VersionId: range.versionId }),
  };
}

function factsOf(found: Pick<Sdk.HeadObjectCommandOutput, 'ContentLength' | 'ETag' | 'VersionId'>): S3Object {
  return { size: found.ContentLength ?? 0, etag: unquoted(found.ETag), versionId: found.VersionId };
}

function listingOf(found: Sdk.ListObjectsV2CommandOutput): S3Listing {
  const objects = (found.Contents ?? []).flatMap(({ Key, Size, ETag }) =>
    Key === undefined ? [] : { key: Key, size: Size ?? 0, etag: unquoted(ETag) },
  );
  const directories = (found.CommonPrefixes ?? []).flatMap(({ Prefix }) => Prefix ?? []);
  return { objects, directories, next: found.IsTruncated === true ? found.NextContinuationToken : undefined };
}

function unquoted(etag: string | undefined): string | undefined {
  return etag?.replace(/^"|"$/g, '');
}
