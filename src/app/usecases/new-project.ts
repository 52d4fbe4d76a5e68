import * as fs from 'node:fs';
import * as path from 'node:path';

import { findGitRoot, gitIdentity, headCommit, initRepository, listBranches, runGit } from '../../git/index.ts';
import { createProjectFiles } from '../../project/index.ts';
import { checkInit, initProject, type InitOptions } from '../../repo/setup/init.ts';
import { renderTemplate } from '../../scaffold/index.ts';

export interface NewProjectOptions extends InitOptions {
  /** Name of a project template. */
  readonly template?: string | undefined;
  /** Branches to make; the first one is checked out. */
  readonly branches?: readonly string[];
}

export interface NewProject {
  readonly root: string;
  /** True when the Git repository was made here. */
  readonly gitCreated: boolean;
  /** The first commit, undefined when none was made. */
  readonly commit: string | undefined;
  /** Git had no name and address to commit with. */
  readonly identityMissing: boolean;
  readonly branches: readonly string[];
  /** Files of the template, relative to the folder. */
  readonly files: readonly string[];
  /** Commands to type next, as the template says. */
  readonly next: readonly string[];
}

/**
 * Makes a folder (made if need be) a project, with a Git repository, a `.gitignore`, a template's files, a
 * first commit and branches as asked for. In a repository that is there already nothing is committed.
 *
 * @throws MlopsError those of `initProject`, `renderTemplate` and of git.
 */
export async function createProject(folder: string, options: NewProjectOptions = {}): Promise<NewProject> {
  const root = path.resolve(folder);
  const { template, branches = [], noScm = false, force = false } = options;
  // A template that does not fit must fail before anything is made.
  if (template !== undefined) renderTemplate(template, root, { dryRun: true, force, variables: variables(root) });
  fs.mkdirSync(root, { recursive: true });
  const inRepository = findGitRoot(root) === root || (options.subdir === true && findGitRoot(root) !== undefined);
  const makeGit = !noScm && !inRepository && !fs.existsSync(path.join(root, '.dvc'));
  if (!makeGit) checkInit(root, options);
  // Before the project's own files: the template's `.dvcignore` and `.gitignore` stay.
  const rendered =
    template === undefined ? undefined : renderTemplate(template, root, { force, variables: variables(root) });
  if (makeGit) createProjectFiles(root, false);
  else initProject(root, options);
  const git = makeGit ? await foundRepository(root, branches) : addBranches(root, noScm ? [] : branches);
  return {
    root,
    gitCreated: makeGit,
    commit: git.commit,
    identityMissing: !noScm && git.commit === undefined && gitIdentity(root) === undefined,
    branches: noScm ? [] : branches,
    files: rendered?.files ?? [],
    next: rendered?.next ?? [],
  };
}

function variables(root: string): Readonly<Record<string, string>> {
  return { project: path.basename(root) };
}

async function foundRepository(root: string, branches: readonly string[]): Promise<{ commit: string | undefined }> {
  const ignore = path.join(root, '.gitignore');
  if (!fs.existsSync(ignore)) fs.writeFileSync(ignore, '/.mlops\nnode_modules/\n__pycache__/\n');
  return initRepository(root, 'Start the project', branches);
}

/** Branches in a repository with commits point to its HEAD; those that exist stay. */
function addBranches(root: string, branches: readonly string[]): { commit: undefined } {
  if (branches.length > 0 && headCommit(root) !== undefined) {
    const known = new Set(listBranches(root));
    for (const branch of branches) if (!known.has(branch)) runGit(root, ['branch', branch]);
  }
  return { commit: undefined };
}
