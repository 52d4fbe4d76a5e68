import { splitNul, startGit } from './run.ts';

/** What a work tree has that its commit has not. */
export interface WorkPatch {
  /** Of tracked files, for `git apply`; undefined where it is longer than allowed. */
  readonly patch: Buffer | undefined;
  /** Files that Git neither tracks nor ignores, from the root of the work tree. */
  readonly untracked: readonly string[];
}

/**
 * The uncommitted changes of a work tree, beside other work.
 *
 * @param limit bytes of the longest patch that is given.
 */
export async function startWorkPatch(root: string, limit: number): Promise<WorkPatch> {
  const [diff, others] = await Promise.all([
    startGit(root, ['diff', 'HEAD', '--binary', '--no-color', '--no-ext-diff', '--no-textconv']),
    startGit(root, ['ls-files', '-z', '--others', '--exclude-standard', '--full-name', ':/']),
  ]);
  return { patch: diff.stdout.length > limit ? undefined : diff.stdout, untracked: splitNul(others.stdout) };
}
