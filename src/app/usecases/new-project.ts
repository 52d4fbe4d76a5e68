import * as fs from 'node:fs';
import * as path from 'node:path';

import { findGitRoot, gitIdentity, headCommit, initRepository, listBranches, runGit } from '../../git/index.ts';
import { createProjectFiles } from '../../project/index.ts';
import { checkInit, initProject, type InitOptions } from '../../repo/setup/init.ts';
import { addRemote } from '../../repo/setup/remotes.ts';
import { openConfig } from '../../repo/setup/config.ts';
import {
  completeValues,
  namesFolder,
  openTemplate,
  renderTemplate,
  templateContents,
  templatesFolder,
} from '../../scaffold/index.ts';
import { writeRecord } from './template-record.ts';
import { withTemplate } from './template-source.ts';

export interface NewProjectOptions extends InitOptions {
  /** A project template: its name, a folder, or a Git address. */
  readonly template?: string | undefined;
  /** Answers to what the template asks: `lang`, `ci`, `containers` and variables of its own. */
  readonly values?: Readonly<Record<string, string>>;
  /** Keep files that are there already, and a project that is. */
  readonly into?: boolean;
  /** URL of the default remote, relative to `cwd`. */
  readonly remote?: string | undefined;
  /** Say what would be written, and write nothing. */
  readonly dryRun?: boolean;
  readonly cwd?: string;
  readonly signal?: AbortSignal | undefined;
  /** Branches to make; the first one is checked out. With a template `main` and `dev` where nothing is said. */
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
  /** Files of the template that were there already with other content, and stayed. */
  readonly kept: readonly string[];
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
  const { template, cwd = process.cwd(), signal } = options;
  if (template === undefined) return create(root, options);
  return withTemplate(template, cwd, signal, (source) => create(root, { ...options, source }));
}

async function create(root: string, options: NewProjectOptions & { readonly source?: string }): Promise<NewProject> {
  const { source, noScm = false, force = false, into = false, dryRun = false } = options;
  const branches = options.branches ?? (source === undefined ? [] : ['main', 'dev']);
  const variables = source === undefined ? {} : valuesFor(root, source, options.values ?? {});
  const render = (dry: boolean) =>
    source === undefined ? undefined : renderTemplate(source, root, { dryRun: dry, force, keep: into, variables });
  // A template that does not fit must fail before anything is made.
  const planned = render(true);
  if (dryRun) {
    const { files = [], kept = [], next = [] } = planned ?? {};
    return { root, gitCreated: false, commit: undefined, identityMissing: false, branches, files, kept, next };
  }
  fs.mkdirSync(root, { recursive: true });
  const isProject = fs.existsSync(path.join(root, '.dvc'));
  const inRepository = findGitRoot(root) === root || (options.subdir === true && findGitRoot(root) !== undefined);
  const makeGit = !noScm && !inRepository && !isProject;
  const makeFiles = !(into && isProject);
  if (!makeGit && makeFiles) checkInit(root, options);
  // Before the project's own files: the template's `.dvcignore` and `.gitignore` stay.
  const rendered = render(false);
  if (source !== undefined) {
    const from = options.template === source || !path.isAbsolute(source) ? source : fromProject(root, options);
    writeRecord(root, from, variables, templateContents(source, variables));
  }
  if (makeGit) createProjectFiles(root, false);
  else if (makeFiles) initProject(root, options);
  if (options.remote !== undefined) {
    const place = { ...openConfig(root), cwd: options.cwd ?? root };
    addRemote(place, 'storage', options.remote, { isDefault: true, force: into });
  }
  const git = makeGit ? await foundRepository(root, branches) : addBranches(root, noScm ? [] : branches);
  return {
    root,
    gitCreated: makeGit,
    commit: git.commit,
    identityMissing: !noScm && git.commit === undefined && gitIdentity(root) === undefined,
    branches: noScm ? [] : branches,
    files: rendered?.files ?? [],
    kept: rendered?.kept ?? [],
    next: rendered?.next ?? [],
  };
}

/** What stands for the template in the project's record: an address as it is, a folder by its way from the project. */
function fromProject(root: string, { template = '', cwd = process.cwd() }: NewProjectOptions): string {
  const folder = path.resolve(cwd, template);
  if (!namesFolder(template) || !fs.existsSync(folder)) return template;
  const way = path.relative(root, folder).split(path.sep).join('/');
  return namesFolder(way) ? way : `./${way}`;
}

function valuesFor(
  root: string,
  source: string,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const project = { project: path.basename(root), ...given };
  const template = openTemplate(templatesFolder(), source);
  const { lang, ci, containers } = completeValues(template, project);
  const usual = {
    ...(template.languages.length > 0 && lang !== undefined ? { lang } : {}),
    ci: ci ?? '',
    containers: containers ?? '',
  };
  return { ...usual, ...project };
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
