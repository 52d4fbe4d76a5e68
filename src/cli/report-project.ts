import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../base/index.ts';
import { findGitRoot, type TreePath } from '../git/index.ts';
import type { Terminal } from './command.ts';

/** The project that metrics, params and plots are shown of, and where in it the user stands. */
export interface ReportPlace {
  readonly root: string;
  readonly cacheDir: string;
  /** The project's `.dvc` folder; undefined outside of projects, where DVC shows files all the same. */
  readonly dvcDir: string | undefined;
  /** The current directory as a path inside the project. */
  readonly directory: TreePath;
  /** A path as the user types it, inside the project. */
  readonly inside: (target: string) => TreePath;
}

/** The project around the current directory; a bare Git repository or folder will do. */
export function findReportPlace(terminal: Terminal): ReportPlace {
  const found = findUp(terminal.cwd);
  const root = found ?? findGitRoot(terminal.cwd);
  if (root === undefined) {
    throw new MlopsError('not_a_project', `you are not inside of a DVC repository (checked up to mount point '/')`, {
      hint: 'go into a project, or make one with `mlops init`',
    });
  }
  const toTree = (file: string): TreePath => path.relative(root, file).split(path.sep).join('/');
  return {
    root,
    cacheDir: path.join(root, '.dvc', 'cache'),
    dvcDir: found === undefined ? undefined : path.join(root, '.dvc'),
    directory: toTree(terminal.cwd),
    inside: (target) => toTree(path.resolve(terminal.cwd, target)),
  };
}

function findUp(directory: string): string | undefined {
  for (let current = directory; ; current = path.dirname(current)) {
    if (fs.existsSync(path.join(current, '.dvc'))) return current;
    if (path.dirname(current) === current) return undefined;
  }
}
