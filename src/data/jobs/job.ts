import type { HashName } from '../ids/content.ts';
import { smallFile } from '../index/limits.ts';
import type { LinkType } from './links.ts';

/** How new objects of the cache are made from the files they come from. */
export interface StorePlan {
  readonly cacheDir: string;
  readonly how: 'copy' | 'reflink' | 'hardlink';
  /** Permission bits of objects: 0o444. */
  readonly mode: number;
  /** Where small objects are made whose pair of first digits is marked; see `Staging`. */
  readonly staging?: { readonly directory: string; readonly pairs: Uint8Array } | undefined;
}

/** Hash these files, and put them into the cache when a plan says how. */
export interface DigestJob {
  readonly kind: 'digest';
  readonly hashName: HashName;
  readonly store: StorePlan | undefined;
  readonly files: readonly string[];
  /** The facts that the walk saw, if it looked: what was hashed must still have them afterwards. */
  readonly facts: Float64Array;
}

/** Copy these files out of the cache or into it; what arrives must have the given digest. */
export interface CopyJob {
  readonly kind: 'copy';
  readonly hashName: HashName;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly digests: readonly string[];
  /** 1: the source is known to have its digest, and is not hashed. */
  readonly verified?: Uint8Array | undefined;
  /** Where large files that are hashed get a second copy, by the way. */
  readonly spares?: readonly (string | undefined)[] | undefined;
  /** Private copies that may be moved to the target instead. */
  readonly ready?: readonly (string | undefined)[] | undefined;
  /** Which side is an object of the cache. */
  readonly cached: 'from' | 'to';
  readonly mode: number;
  /** `fresh`: the target's folder is private, write straight to it. `replace`: write elsewhere, then rename. */
  readonly target: 'fresh' | 'replace';
  /** Folder of the files to be renamed, on the same device; without it they begin beside the target. */
  readonly tempDir?: string | undefined;
  /** Whether the facts of the copies made are asked for. */
  readonly wantsFacts: boolean;
  /** What is not copied is not read, and so not verified. Where blocks cannot be shared, `reflink` copies. */
  readonly how: LinkType;
}

export type Job = DigestJob | CopyJob;

export interface JobFailure {
  readonly index: number;
  /** `changed`: kept changing while read. `vanished`: it is gone. `corrupt`: content and name disagree. Otherwise a system error code. */
  readonly code: string;
  readonly message: string;
  readonly path: string;
}

export interface JobResult {
  /** 16 bytes a file for digest jobs, empty for copies. */
  readonly digests: Uint8Array;
  /** Facts of the hashed files, or of the copies made, afterwards. */
  readonly facts: Float64Array;
  readonly failures: readonly JobFailure[];
  /** Of large files that were hashed: their index, and the facts of the cached object with that content. */
  readonly large: readonly LargeObject[];
  /** Bytes read. */
  readonly bytes: number;
}

export interface LargeObject {
  readonly index: number;
  readonly facts: Float64Array;
}

let held: Buffer | undefined;
/** This thread's buffer for whole small files and chunks of large ones. */
export const buffer = (): Buffer => (held ??= Buffer.allocUnsafeSlow(smallFile));

/** What a running job has to show so far. */
export interface JobState {
  digests: Buffer;
  facts: Float64Array;
  failures: JobFailure[];
  large: LargeObject[];
  bytes: number;
  /** Told how far a large file is, while it is read. */
  moved: (bytes: number) => void;
  cancelled: () => boolean;
}

export class FileFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Lets signals and the progress line through. */
export async function breathe(state: JobState): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (state.cancelled()) throw new FileFailure('cancelled', 'cancelled');
}
