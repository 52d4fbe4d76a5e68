import type { PyMap, PyValue } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';

/**
 * Which hash an entry carries. `md5` is DVC 3's (raw bytes, `hash: md5` in the file); `md5-dos2unix` is
 * DVC 2's (text with CRLF folded, no `hash` key, objects in the legacy layout).
 */
export type HashName = 'md5' | 'md5-dos2unix';

/** Content facts of a dep or out, as `.dvc` and `dvc.lock` keep them. */
export interface ContentInfo {
  /** Hex digest, with the suffix `.dir` for a directory manifest. */
  readonly md5?: string;
  readonly hashName: HashName;
  /** Bytes; for a directory the sum of its files. */
  readonly size?: number;
  /** Number of files, directories only. */
  readonly nfiles?: number;
  readonly isexec?: boolean;
  /** S3, GCS, Azure and HTTP sources. */
  readonly etag?: string;
  readonly versionId?: string;
  readonly checksum?: string;
  /** Everything else the file holds (`files`, `cloud`, `fs_config`, ...): kept and written back as it is. */
  readonly extra?: PyMap;
}

/** One entry of `deps` or `outs` in `dvc.lock`: the path as written in dvc.yaml, with its content. */
export interface LockEntry {
  readonly path: string;
  readonly info: ContentInfo;
}

/** A stage's entry in `dvc.lock`. */
export interface LockedStage {
  readonly cmd: string | readonly string[] | undefined;
  readonly deps: readonly LockEntry[];
  /** File (as written) to key to value, in the file's order. */
  readonly params: ReadonlyMap<string, PyMap>;
  readonly outs: readonly LockEntry[];
}

/** Where an imported dep comes from (`mlops import`). */
export interface RepoSource {
  readonly url: string;
  readonly rev?: string;
  readonly revLock?: string;
  readonly extra?: PyMap;
}

export interface Dep {
  /** As written: relative to the stage's wdir, absolute, or a URL. */
  readonly defPath: string;
  /** Path inside the project, undefined for what lies outside (absolute paths, URLs). */
  readonly path: TreePath | undefined;
  readonly repo?: RepoSource;
  /** Recorded content (from `.dvc` or `dvc.lock`), undefined when never recorded. */
  readonly info: ContentInfo | undefined;
}

/** Parameters of one file that a stage depends on. */
export interface ParamsDep {
  /** As written, relative to wdir. */
  readonly defPath: string;
  readonly path: TreePath;
  /** Dotted keys in the order written; `undefined` = the whole file. */
  readonly keys: readonly string[] | undefined;
  /** Values recorded in dvc.lock, undefined when never recorded. */
  readonly recorded: PyMap | undefined;
}

export interface Out {
  readonly defPath: string;
  readonly path: TreePath | undefined;
  /** False: not in the cache and not git-ignored, but hashed. */
  readonly cache: boolean;
  readonly persist: boolean;
  readonly push: boolean;
  /** Name of the only remote it goes to. */
  readonly remote: string | undefined;
  readonly metric: boolean;
  /** Plot properties (an empty map for a bare plot), undefined when not a plot. */
  readonly plot: PyMap | undefined;
  readonly desc?: string;
  readonly type?: string;
  readonly labels?: readonly string[];
  readonly meta?: PyValue;
  readonly info: ContentInfo | undefined;
}

/** A stage of a pipeline or the single pseudo-stage of a `.dvc` file, resolved and joined with its lock. */
export interface Stage {
  /** How users address it: `train`, `sub/dvc.yaml:train`, `data/raw.dvc`. */
  readonly address: string;
  /** `pipeline` from dvc.yaml; `data` from a `.dvc` file (add, import). */
  readonly kind: 'pipeline' | 'data';
  /** Name inside dvc.yaml (`train@us`); undefined for `.dvc` files. */
  readonly name: string | undefined;
  /** Tree path of its dvc.yaml or `.dvc` file. */
  readonly file: TreePath;
  /** Tree path of the directory that its paths are relative to. */
  readonly wdir: TreePath;
  /** The resolved command: a string (may have several lines) or a list, exactly as in dvc.lock. */
  readonly cmd: string | readonly string[] | undefined;
  readonly deps: readonly Dep[];
  readonly params: readonly ParamsDep[];
  readonly outs: readonly Out[];
  readonly frozen: boolean;
  readonly alwaysChanged: boolean;
  readonly desc: string | undefined;
  readonly meta: PyValue | undefined;
  /** `md5` of a `.dvc` import (the stage checksum). */
  readonly md5: string | undefined;
  /** What is wrong with a value that was resolved to another type than a text, told where the value is used. */
  readonly faults?: ReadonlyMap<'cmd' | 'desc', string>;
  /** The lock entry, undefined when the stage never ran. `.dvc` files have none. */
  readonly locked: LockedStage | undefined;
}
