import * as path from 'node:path';

import type { SimpleGit, SimpleGitOptions } from 'simple-git';

import { isSystemError, messageOf, MlopsError } from '../base/index.ts';
import { findGitRoot, gitIdentity } from './repository.ts';

export interface CloneOptions {
  /** Aborting it stops git. */
  readonly signal?: AbortSignal | undefined;
  /** No work tree: only history, for reading revisions. */
  readonly bare?: boolean;
}

/** What `initRepository` did. */
export interface InitResult {
  /** False when the folder was inside a repository of its own already. */
  readonly created: boolean;
  /** Hash of the first commit; undefined without an identity to commit with. */
  readonly commit: string | undefined;
}

/**
 * Clones a repository with all branches and tags, quietly and without prompts.
 *
 * @throws MlopsError `git_failed` with git's message; `program_missing` without git; `bad_path` for an option.
 */
export async function cloneRepository(url: string, folder: string, options: CloneOptions = {}): Promise<void> {
  // A project file may name it.
  if (url.startsWith('-')) throw new MlopsError('bad_path', `'${url}' is no address of a repository`);
  const git = await openGit(undefined, options.signal);
  await explained(`clone '${withoutSecrets(url)}'`, () =>
    git.clone(url, folder, options.bare === true ? ['--bare'] : []),
  );
}

/** Brings branches and tags of a clone up to date, moved tags included. */
export async function fetchRepository(folder: string, signal?: AbortSignal): Promise<void> {
  const git = await openGit(folder, signal);
  await explained('fetch', () => git.fetch(['--all', '--tags', '--force', '--prune', '--quiet']));
}

/**
 * Makes a folder a repository with one commit holding everything in it that is not ignored, and further
 * branches at that commit. Without an identity the files are only staged.
 *
 * @param branches names of the branches; the first is checked out. Default: git's own default branch.
 */
export async function initRepository(
  folder: string,
  message: string,
  branches: readonly string[] = [],
): Promise<InitResult> {
  const git = await openGit(folder);
  const [first, ...others] = branches;
  const created = findGitRoot(folder) !== path.resolve(folder);
  return explained('init', async () => {
    if (created) await git.init(first === undefined ? [] : [`--initial-branch=${first}`]);
    await git.add(['--all', '.']);
    if (gitIdentity(folder) === undefined) return { created, commit: undefined };
    await git.commit(message);
    for (const branch of others) await git.branch([branch]);
    return { created, commit: await git.revparse(['HEAD']) };
  });
}

async function openGit(folder: string | undefined, signal?: AbortSignal): Promise<SimpleGit> {
  const { simpleGit } = await import('simple-git');
  const env = environment();
  const options: Partial<SimpleGitOptions> = { allowEnvironment: Object.keys(env), unsafe: usersOwnChoice };
  if (folder !== undefined) options.baseDir = folder;
  if (signal !== undefined) options.abort = signal;
  return simpleGit(options).env(env);
}

/** simple-git drops what is not named to it; the user's proxies, keys and identity must reach git. */
const usersOwnChoice = {
  allowUnsafeAskPass: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeExec: true,
  allowUnsafeGitProxy: true,
  allowUnsafeSshCommand: true,
  allowUnsafeTemplateDir: true,
};

/**
 * Without what git sets while it runs a hook (it would point every call at the repository of that hook),
 * and without editors and pagers, which nothing here opens.
 */
function environment(): Record<string, string> {
  const dropped =
    /^(GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|OBJECT_DIRECTORY|EXTERNAL_DIFF)|.*(EDITOR|PAGER)|VISUAL|PREFIX)$/i;
  const kept = Object.entries(process.env).flatMap(([key, value]): [string, string][] =>
    value === undefined || dropped.test(key) ? [] : [[key, value]],
  );
  return { ...Object.fromEntries(kept), LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' };
}

async function explained<T>(action: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isSystemError(error, 'ENOENT') || /spawn git ENOENT/.test(messageOf(error))) {
      throw new MlopsError('program_missing', 'git is not on the PATH', { cause: error });
    }
    throw new MlopsError('git_failed', `git ${action}: ${withoutSecrets(messageOf(error).trim())}`, { cause: error });
  }
}

/** `https://user:secret@host/` without the secret. */
function withoutSecrets(text: string): string {
  return text.replace(/(:\/\/)[^/\s'"@]*@/g, '$1');
}
