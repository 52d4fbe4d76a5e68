import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { findGitRoot, ignoredByGit, stageFiles } from '../../git/index.ts';
import { createProjectFiles } from '../../project/index.ts';

export interface InitOptions {
  /** Leave Git alone. */
  readonly noScm?: boolean;
  /** Replace an existing project, its cache included. */
  readonly force?: boolean;
  /** The folder is below the top of its Git repository. */
  readonly subdir?: boolean;
}

/**
 * Makes a folder a project: the files of `dvc init`, staged in Git.
 *
 * @throws MlopsError `usage`, `not_a_git_repo`, `files_in_the_way` with DVC's texts.
 */
export function initProject(folder: string, options: InitOptions = {}): void {
  const root = path.resolve(folder);
  const gitRoot = checkInit(folder, options);
  fs.rmSync(path.join(root, '.dvc'), { recursive: true, force: true });
  const files = createProjectFiles(root, options.noScm === true);
  // Where templates of one's own go; Git does not see it while it is empty.
  fs.mkdirSync(path.join(root, '.dvc', 'plots'), { recursive: true });
  if (gitRoot !== undefined) stageFiles(gitRoot, files);
}

/** Throws what `initProject` would throw, without writing. Returns the top of the Git work tree. */
export function checkInit(folder: string, options: InitOptions): string | undefined {
  const { noScm = false, force = false, subdir = false } = options;
  if (noScm && subdir) {
    throw new MlopsError('usage', 'Cannot initialize repo with `--no-scm` and `--subdir`', { exit: 255 });
  }
  const root = path.resolve(folder);
  const dvcDir = path.join(root, '.dvc');
  const gitRoot = noScm ? undefined : gitRootFor(root, subdir);
  if (gitRoot !== undefined && ignoredByGit(gitRoot, [`${dvcDir}/`]).size > 0) {
    throw new MlopsError('files_in_the_way', `${dvcDir} is ignored by your SCM tool.`, {
      hint: "make sure that it's tracked, for example by adding '!.dvc' to .gitignore",
    });
  }
  if (!force && fs.existsSync(dvcDir)) {
    throw new MlopsError('files_in_the_way', `'${path.relative(process.cwd(), dvcDir)}' exists. Use \`-f\` to force.`, {
      hint: 'this folder is a project already; -f empties it, its cache included',
    });
  }
  return gitRoot;
}

function gitRootFor(root: string, subdir: boolean): string {
  const gitRoot = findGitRoot(root);
  if (gitRoot !== undefined && (subdir || gitRoot === root)) return gitRoot;
  const hint =
    gitRoot === undefined
      ? 'run `git init` first, or `mlops init DIR`, which does it for you'
      : `this folder is inside of the repository '${gitRoot}': use --subdir`;
  throw new MlopsError(
    'not_a_git_repo',
    `failed to initiate DVC - ${root} is not tracked by any supported SCM tool (e.g. Git). Use \`--no-scm\` if you don't want to use any SCM ` +
      'or `--subdir` if initializing inside a subdirectory of a parent SCM repository.',
    { hint },
  );
}
