import * as fs from 'node:fs';
import * as path from 'node:path';

import { gitText, runGit } from './run.ts';

export interface SnapshotOptions {
  readonly parent: string;
  readonly message: string;
  /** Files that Git does not track yet but that belong to the state, absolute; ignored ones are left out. */
  readonly add: readonly string[];
  /** A folder for the temporary index. */
  readonly tempDir: string;
}

/**
 * A commit of the work tree as it is (tracked files, and those named) on top of another commit. Neither the
 * branch nor the index of the user is touched.
 *
 * @returns its hash.
 */
export function snapshotCommit(root: string, options: SnapshotOptions): string {
  fs.mkdirSync(options.tempDir, { recursive: true });
  const index = path.join(options.tempDir, `index-${process.pid}`);
  const call = { env: { GIT_INDEX_FILE: index } };
  try {
    runGit(root, ['read-tree', options.parent], call);
    runGit(root, ['add', '-u', '--', '.'], call);
    const there = options.add.filter((file) => fs.existsSync(file));
    if (there.length > 0) {
      const input = there.join('\0');
      const ignored = new Set(
        runGit(root, ['check-ignore', '-z', '--stdin'], { input, accept: [0, 1] })
          .stdout.toString('utf8')
          .split('\0'),
      );
      const wanted = there.filter((file) => !ignored.has(file));
      if (wanted.length > 0) runGit(root, ['add', '--', ...wanted], call);
    }
    const tree = gitText(root, ['write-tree'], call);
    return gitText(root, ['commit-tree', tree, '-p', options.parent, '-m', options.message], call);
  } finally {
    fs.rmSync(index, { force: true });
  }
}

/** Points a ref at a commit; undefined deletes it. */
export function updateRef(root: string, ref: string, commit: string | undefined): void {
  runGit(root, commit === undefined ? ['update-ref', '-d', ref] : ['update-ref', ref, commit]);
}

/** Gives tracked files the content that they have in a commit, where it differs from another commit. */
export function restoreFiles(root: string, from: string, to: string): string[] {
  const changed = gitText(root, ['diff', '--name-only', '-z', '--no-renames', from, to])
    .split('\0')
    .filter((name) => name !== '');
  if (changed.length > 0) {
    runGit(root, ['restore', `--source=${to}`, '--worktree', '--pathspec-from-file=-', '--pathspec-file-nul'], {
      input: changed.map((name) => `:(top,literal)${name}`).join('\0'),
    });
  }
  return changed;
}
