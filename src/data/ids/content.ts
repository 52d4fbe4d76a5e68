/** `md5` is DVC 3's hash of raw bytes; `md5-dos2unix` is DVC 2's, which folds CRLF in text files. */
export type HashName = 'md5' | 'md5-dos2unix';

/**
 * The address of some content and what is known of it. The same shape as `ContentInfo` of a project's
 * files, with the digest present.
 */
export interface Content {
  /** 32 hex digits, with the suffix `.dir` for a directory manifest. */
  readonly md5: string;
  readonly hashName: HashName;
  /** Bytes; for a directory the sum of its files. */
  readonly size?: number;
  /** Directories only. */
  readonly nfiles?: number;
  /** True for a file with the owner's x-bit; never set for directories. */
  readonly isexec?: boolean;
}

/** A file of a directory: path relative to it (`/`-separated), and the digest of its content. */
export interface TreeFile {
  readonly relpath: string;
  /** 32 hex digits. */
  readonly md5: string;
}

export function isDirectoryId(md5: string): boolean {
  return md5.endsWith('.dir');
}
