import type { Readable } from 'node:stream';

/** A key inside a store: `/`-separated, no empty, `.` or `..` segment. */
export type BlobKey = string;

export interface BlobInfo {
  readonly key: BlobKey;
  /** Bytes. */
  readonly size: number;
  readonly etag?: string;
}

/** What a store knows of a blob without reading it; what `import-url` records of a source. */
export interface BlobFacts {
  /** Bytes; undefined where a web server does not say. */
  readonly size?: number;
  /** Without quotes (S3). */
  readonly etag?: string;
  /** In buckets with versioning. */
  readonly versionId?: string;
  /** Web servers: the ETag as it is, else Content-MD5. */
  readonly checksum?: string;
}

/** An entry of one level of a listing; directories without a trailing slash. */
export type LevelEntry = BlobInfo | { readonly directory: BlobKey };

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes that moved since the last call; negative where a try broke off and begins anew. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export interface ListOptions extends TransferOptions {
  /** Only names that go on like this behind the prefix are needed. A kind that cannot use it lists all of them. */
  readonly beginning?: string | undefined;
}

export interface DownloadOptions extends TransferOptions {
  /** Told the size of the blob, where the store says it, before its bytes come; a second try tells it again. */
  readonly onSize?: ((bytes: number) => void) | undefined;
  readonly observe?: (() => (chunk: Uint8Array) => void) | undefined;
}

/** A part of an upload that somebody else sent; the etag without its quotes. */
export interface SentPart {
  readonly number: number;
  readonly etag: string;
}

/** Addresses by which somebody without keys moves a blob's bytes past this program, for some seconds. */
export interface DirectAccess {
  /** Where a blob is read, also in ranges; a browser saves it under `name`. */
  readAddress(key: BlobKey, seconds: number, name: string): Promise<string>;
  /** @returns the id of an upload in parts. */
  beginUpload(key: BlobKey): Promise<string>;
  /** Where a part is put, numbered from 1; the answer has its etag. */
  partAddress(key: BlobKey, upload: string, part: number, seconds: number): Promise<string>;
  /** The parts that are there, with their bytes. */
  uploadedParts(key: BlobKey, upload: string): Promise<readonly (SentPart & { readonly size: number })[]>;
  /** Makes the parts one blob. @throws MlopsError when one is not there, or another one than said. */
  finishUpload(key: BlobKey, upload: string, parts: readonly SentPart[]): Promise<void>;
  abortUpload(key: BlobKey, upload: string): Promise<void>;
}

/**
 * Port: a flat store of blobs by key. Kinds: memory, local folder, S3, HTTP (read only), more later.
 *
 * Duties of a kind:
 * - `write`/`upload` are atomic: a reader sees the whole blob or none, and an interrupted call leaves
 *   nothing under the key. Writing a key again replaces it; two writers of one key do not harm each other.
 * - Absent keys: `read`, `open`, `download` throw `blob_not_found`; `exists` is false; `remove` is silent.
 * - Errors: `remote_unreachable` for what may pass (time-outs, resets, 5xx, throttling: retried by the
 *   wrapper), `remote_denied` for credentials and permissions, both without secrets in the text.
 * - All methods may be called concurrently; the caller bounds the number in flight.
 */
export interface BlobStore {
  readonly kind: string;
  /** For messages: without credentials. */
  readonly url: string;
  /**
   * Kinds that are a plain folder with a file per key say where it is, so that bulk transfers can list and
   * copy in threads instead of going through the methods below.
   */
  readonly directory?: string;
  /** Kinds that can give addresses away. */
  readonly direct?: DirectAccess;
  exists(key: BlobKey, options?: TransferOptions): Promise<boolean>;
  /** All blobs under a prefix (a directory: `files/md5/` lists what is below it), in no promised order. */
  list(prefix: BlobKey, options?: ListOptions): AsyncIterable<BlobInfo>;
  /** Facts of a blob, undefined when it is absent. Kinds that have more to say than the size. */
  stat?(key: BlobKey, options?: TransferOptions & { versionId?: string | undefined }): Promise<BlobFacts | undefined>;
  /** What is directly below a directory. Kinds that can do so without listing everything below. */
  listLevel?(prefix: BlobKey, options?: TransferOptions): AsyncIterable<LevelEntry>;
  read(key: BlobKey, options?: TransferOptions): Promise<Uint8Array>;
  /** A stream of the blob, or of bytes `start`..`end` (inclusive). */
  open(
    key: BlobKey,
    options?: TransferOptions & { start?: number; end?: number },
  ): Promise<{ stream: Readable; size: number; etag?: string }>;
  write(key: BlobKey, content: Uint8Array, options?: TransferOptions): Promise<void>;
  /** Streams content of unknown or known size into a key. */
  writeStream(key: BlobKey, content: Readable, options?: TransferOptions & { size?: number }): Promise<void>;
  /** From a local file; large ones in resumable parts where the kind can. */
  upload(file: string, key: BlobKey, options?: TransferOptions): Promise<void>;
  /**
   * Into a new local file, which must not exist; the caller gives a temporary name and renames.
   * `observe` is called at the start of every attempt and gives the receiver of its bytes in order, for
   * verification while streaming.
   */
  download(key: BlobKey, file: string, options?: DownloadOptions): Promise<void>;
  remove(keys: readonly BlobKey[], options?: TransferOptions): Promise<void>;
  close(): Promise<void>;
}
