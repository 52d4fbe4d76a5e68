import * as fs from 'node:fs';
import * as path from 'node:path';

import { findGitRoot, gitText, headCommit, onlyOwnRepositories, tryResolveRevision } from '../../git/index.ts';
import type { Dep } from '../../project/index.ts';

/**
 * Whether the repository that something was imported from stands at another commit than the recorded one, as
 * DVC sees it. A repository elsewhere is asked for its refs only, not cloned.
 * @param cwd where a relative path of the source is taken from.
 * @throws MlopsError `git_failed` when it cannot be asked.
 */
export function updateAvailable(cwd: string, dep: Dep): boolean {
  const { url, rev, revLock } = dep.repo ?? {};
  if (url === undefined || revLock === undefined) return false;
  const now = commitOf(cwd, url, rev);
  return now !== undefined && now !== revLock;
}

function commitOf(cwd: string, url: string, rev: string | undefined): string | undefined {
  const folder = path.resolve(cwd, url);
  const isHere = !/^[a-z][a-z0-9+.-]+:\/\//i.test(url) && fs.existsSync(folder);
  if (isHere) {
    const root = findGitRoot(folder);
    if (root === undefined) return undefined;
    return rev === undefined ? headCommit(root) : tryResolveRevision(root, rev);
  }
  const wanted = rev === undefined ? ['HEAD'] : [`refs/heads/${rev}`, `refs/tags/${rev}`, `refs/tags/${rev}^{}`];
  const refs = new Map(
    gitText(cwd, ['ls-remote', '--quiet', '--', url, ...wanted], { env: onlyOwnRepositories() })
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t').reverse() as [string, string]),
  );
  // An annotated tag is an object of its own; what it points to is the commit. What is no ref is a commit, and stays.
  const found = [...wanted].reverse().find((name) => refs.has(name));
  return found === undefined ? undefined : refs.get(found);
}
