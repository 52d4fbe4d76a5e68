import type { Readable } from 'node:stream';

import type { DirectAccess } from '../../storage/index.ts';

/** Names that begin so are of files under way: no listing shows them. */
export const temporaryPrefix = '.mlops-tmp-';

export interface ArtifactFile {
  /** Relative to the root of the store, `/`-separated. */
  readonly path: string;
  readonly isDirectory: boolean;
  /** Bytes; undefined for directories. */
  readonly size: number | undefined;
}

export interface OpenArtifact {
  readonly stream: Readable;
  /** Bytes of the whole file. */
  readonly size: number;
  readonly etag: string | undefined;
}

export interface ByteRange {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

/**
 * Port: the files of one run or model. Paths are relative and `/`-separated; anything that would leave the
 * root throws `invalid_value` (`Invalid path`). Writes are whole or not at all. Absent files throw
 * `resource_missing`; removing them is silent.
 */
export interface ArtifactStore {
  readonly uri: string;
  /** What lies directly in a directory, by name; empty when there is none. */
  list(directory?: string): Promise<readonly ArtifactFile[]>;
  open(path: string, range?: ByteRange): Promise<OpenArtifact>;
  get(path: string): Promise<Uint8Array>;
  put(path: string, content: Uint8Array | Readable): Promise<void>;
  /** A file, or a directory with all below it. */
  remove(path: string): Promise<void>;
  /** Addresses by which clients move files past this server; only where that is wanted and the kind can. */
  readonly direct?: DirectAccess;
  /** The path on this machine's disk, where the kind has one. */
  localPath?(path: string): string;
  /** Removes what uploads that were killed this long ago (milliseconds) left behind; only where such can be. */
  sweep?(olderThan: number): Promise<number>;
}
