import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { findGitRoot, indexEntries, type IndexEntry } from '../git/index.ts';

/**
 * Whether a file or folder belongs to who runs this: the same user, or who called `sudo`. Folders that the user named to
 * Git as safe (`safe.directory`, or `*`) count as theirs, as they do for Git. Always true where files have no owners.
 * @param folder the folder that would have to be named.
 */
export function isOurs(stat: Pick<fs.Stats, 'uid'>, folder: string): boolean {
  const me = process.geteuid?.();
  if (me === undefined || stat.uid === me) return true;
  if (me === 0 && process.env['SUDO_UID'] === String(stat.uid)) return true;
  return isSafeDirectory(folder);
}

/** Git reads this setting from the user's and the machine's configuration only, never from a repository's. */
function isSafeDirectory(folder: string): boolean {
  const named = ['--global', '--system'].flatMap((level) => {
    const { stdout } = spawnSync('git', ['config', level, '--get-all', 'safe.directory'], {
      encoding: 'utf8',
      cwd: '/',
    });
    return (stdout ?? '').split('\n').filter((line) => line !== '');
  });
  // An empty value forgets what was named before it; a folder's name ending in `/*` names all below it.
  return named.some(
    (item) =>
      item === '*' || path.resolve(item) === folder || (item.endsWith('/*') && folder.startsWith(item.slice(0, -1))),
  );
}

/** Whether a file in `.dvc` is the user's own: no link, theirs, and not tracked by Git. */
export function isOwnFile(root: string, file: string): boolean {
  const full = path.join(root, file);
  const stat = fs.lstatSync(full, { throwIfNoEntry: false });
  if (stat?.isFile() !== true || !isOurs(stat, root)) return false;
  return !trackedByClone(root).some((entry) => entry.path.toLowerCase() === file.toLowerCase());
}

/** On file systems that do not tell case apart, a name in another case is the same folder. */
const hasOneCase = process.platform === 'darwin' || process.platform === 'win32';

/**
 * What Git tracks at or below one of a project's own folders (`.dvc`, `.mlops`): it came with the repository.
 * `core.no_scm` does not count here, which the repository sets itself.
 */
export function trackedByClone(root: string): readonly IndexEntry[] {
  const gitRoot = findGitRoot(root);
  if (gitRoot === undefined) return [];
  const base = path.relative(fs.realpathSync(gitRoot), fs.realpathSync(root)).split(path.sep).join('/');
  const prefix = base === '' ? '' : `${base}/`;
  const [first, last] = hasOneCase ? ['', '\u{10ffff}'] : ['.dvc', '.mlops0'];
  return indexEntries(gitRoot, `${prefix}${first}`, `${prefix}${last}`).map((entry) => ({
    ...entry,
    path: entry.path.slice(prefix.length),
  }));
}
