/** A path inside a tree: relative to its root, `/`-separated, no leading `./`; the root is ''. */
export type TreePath = string;

export interface TreeEntry {
  readonly name: string;
  readonly kind: 'file' | 'dir' | 'link' | 'other';
  /** Owner's x-bit, files only. */
  readonly executable: boolean;
}

/**
 * Port: a read-only view of a project's files at one moment, the same for the work tree, a Git revision
 * and memory, so that everything that parses a project runs on each of them.
 *
 * Duties of a kind: methods are synchronous (parsing a project is thousands of small reads; an
 * asynchronous port costs three times as much); what is absent is `undefined` or an empty list, never an
 * error; other system errors are thrown. `read` of a link follows it.
 */
export interface Tree {
  readonly kind: 'worktree' | 'revision' | 'memory';
  /** How listings call it: 'workspace', or the revision as the user wrote it. */
  readonly label: string;
  /** Absolute path of the root for a work tree, undefined otherwise. */
  readonly root: string | undefined;
  /** Entries of a directory in code point order; empty when there is no such directory. */
  list(dir: TreePath): readonly TreeEntry[];
  /** Names of the folders in a directory, in any order, where that is cheaper than `list`. */
  folders?(dir: TreePath): readonly string[];
  entry(path: TreePath): TreeEntry | undefined;
  read(path: TreePath): Uint8Array | undefined;
  /** Tells which files will be read, so that a revision can fetch them in one batch. Optional to call. */
  prefetch(paths: readonly TreePath[]): void;
}
