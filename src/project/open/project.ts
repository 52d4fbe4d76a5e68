import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { findGitRoot, worktreeTree, type Tree, type TreePath } from '../../git/index.ts';
import { privateFolder, requireTrusted } from '../../trust/index.ts';
import { ProjectConfig } from '../config/config.ts';
import { IgnoreRules } from '../ignore/ignore.ts';

/** An opened project: its places and its configuration. Nothing else was read yet. */
export interface Project {
  /** Absolute path of the folder that holds `.dvc`. */
  readonly root: string;
  readonly dvcDir: string;
  /** `.dvc/tmp`: locks and scratch files, shared with DVC. */
  readonly tmpDir: string;
  /** `cache.dir`, by default `.dvc/cache`. */
  readonly cacheDir: string;
  /** `.mlops`: our private settings, stores and indexes; it ignores itself. */
  readonly stateDir: string;
  /** True with `core.no_scm`: Git is left alone. */
  readonly noScm: boolean;
  /** Top of the Git work tree, undefined without Git. */
  readonly gitRoot: string | undefined;
  readonly config: ProjectConfig;
  /** The files as they are now. */
  readonly tree: Tree;
  /** The rules of `.dvcignore`, read when first asked. */
  readonly ignore: IgnoreRules;
}

/**
 * Opens the project that a directory is in.
 *
 * @throws MlopsError `not_a_project` with DVC's text, `bad_config`.
 */
export function findProject(cwd: string): Project {
  return openProject(findProjectRoot(cwd));
}

/** As `findProject`, undefined where there is none. */
export function tryFindProject(cwd: string): Project | undefined {
  const root = searchRoot(path.resolve(cwd)).root;
  return root === undefined ? undefined : openProject(root);
}

/** The folder that holds `.dvc`, without reading any configuration. */
export function findProjectRoot(cwd: string): string {
  const directory = path.resolve(cwd);
  if (fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new MlopsError('not_a_project', `directory '${cwd}' does not exist`);
  }
  const { root, top } = searchRoot(directory);
  if (root !== undefined) return root;
  throw new MlopsError('not_a_project', `you are not inside of a DVC repository (checked up to mount point '${top}')`, {
    hint: 'go to a project, or make this folder one: `git init && mlops init`',
  });
}

/** Opens the project at its root. @throws MlopsError `bad_config`, `untrusted_state`. */
export function openProject(root: string): Project {
  requireTrusted(root);
  const dvcDir = path.join(root, '.dvc');
  const config = new ProjectConfig(dvcDir);
  const noScm = config.flag('core', 'no_scm', false);
  const tree = worktreeTree(root);
  return {
    root,
    dvcDir,
    tmpDir: path.join(dvcDir, 'tmp'),
    cacheDir: config.text('cache', 'dir') ?? path.join(dvcDir, 'cache'),
    stateDir: privateFolder(root),
    noScm,
    gitRoot: noScm ? undefined : findGitRoot(root),
    config,
    tree,
    ignore: new IgnoreRules(tree),
  };
}

/** A path given on a command line, relative to `cwd`, as a tree path; undefined outside of the project. */
export function toTreePath(project: Pick<Project, 'root'>, cwd: string, given: string): TreePath | undefined {
  const relative = path.relative(project.root, path.resolve(cwd, given));
  if (relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)) return undefined;
  return relative.split(path.sep).join('/');
}

/** Goes up to the next `.dvc` folder, within one file system as DVC does. */
function searchRoot(start: string): { root: string | undefined; top: string } {
  let current = start;
  for (;;) {
    if (fs.statSync(path.join(current, '.dvc'), { throwIfNoEntry: false })?.isDirectory() === true) {
      return { root: current, top: current };
    }
    const parent = path.dirname(current);
    if (parent === current || fs.statSync(parent).dev !== fs.statSync(current).dev)
      return { root: undefined, top: current };
    current = parent;
  }
}
