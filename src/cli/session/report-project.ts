import * as path from 'node:path';

import { findGitRoot, type TreePath } from '../../git/index.ts';
import { tryFindProject, type ProjectConfig } from '../../project/index.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** The project that metrics, params and plots are shown of, and where in it the user stands. */
export interface ReportPlace {
  readonly root: string;
  readonly cacheDir: string;
  /** The project's `.dvc` folder; undefined outside of projects, where DVC shows files all the same. */
  readonly dvcDir: string | undefined;
  readonly config: ProjectConfig | undefined;
  /** The current directory as a path inside the project. */
  readonly directory: TreePath;
  /** A path as the user types it, inside the project. */
  readonly inside: (target: string) => TreePath;
}

/**
 * The project around the current directory; a bare Git repository or folder will do.
 *
 * @throws MlopsError `bad_config`.
 */
export function findReportPlace(terminal: Terminal): ReportPlace {
  const project = tryFindProject(terminal.cwd);
  const root = project?.root ?? findGitRoot(terminal.cwd) ?? terminal.cwd;
  const toTree = (file: string): TreePath => path.relative(root, file).split(path.sep).join('/');
  return {
    root,
    cacheDir: project?.cacheDir ?? path.join(root, '.dvc', 'cache'),
    dvcDir: project?.dvcDir,
    config: project?.config,
    directory: toTree(terminal.cwd),
    inside: (target) => toTree(path.resolve(terminal.cwd, target)),
  };
}
