import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../base/index.ts';
import { gitText, runGit, splitNul, startGit } from './run.ts';

/** Commit, branch and cleanliness of a work tree, from one call of git. */
export interface GitState {
  /** Full hash of HEAD, undefined before the first commit. */
  readonly commit: string | undefined;
  /** Name of the branch, undefined when HEAD is detached. */
  readonly branch: string | undefined;
  /** True when a tracked file differs from HEAD, in the index or in the work tree. */
  readonly dirty: boolean;
}

/** The top of the Git work tree that holds a directory, found without starting git. */
export function findGitRoot(directory: string): string | undefined {
  let current = path.resolve(directory);
  for (;;) {
    if (fs.existsSync(path.join(current, '.git'))) return current;
    const parent = path.dirname(current);
    if (parent === current) return undefined;
    current = parent;
  }
}

/** As `findGitRoot`, but throws `not_a_git_repo`. */
export function requireGitRoot(directory: string): string {
  const root = findGitRoot(directory);
  if (root !== undefined) return root;
  throw new MlopsError('not_a_git_repo', `'${directory}' is not inside a Git repository`, {
    hint: 'run `git init` first',
  });
}

/** Full hash of HEAD, or undefined in a repository without commits. */
export function headCommit(root: string): string | undefined {
  const result = runGit(root, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { accept: [0, 1, 128] });
  return result.status === 0 ? result.stdout.toString('utf8').trim() : undefined;
}

const stateArgs = ['status', '--porcelain=v2', '--branch', '-z', '--untracked-files=no'];

/** What a recorded run says about the code it ran. Untracked files do not count as dirty. */
export function gitState(root: string): GitState {
  return parseState(runGit(root, stateArgs).stdout);
}

/** As `gitState`, beside other work. */
export async function startGitState(root: string): Promise<GitState> {
  return parseState((await startGit(root, stateArgs)).stdout);
}

function parseState(output: Buffer): GitState {
  let commit: string | undefined;
  let branch: string | undefined;
  let dirty = false;
  for (const line of splitNul(output)) {
    if (line.startsWith('# branch.oid ')) commit = line === '# branch.oid (initial)' ? undefined : line.slice(13);
    else if (line.startsWith('# branch.head '))
      branch = line === '# branch.head (detached)' ? undefined : line.slice(14);
    else if (!line.startsWith('#')) dirty = true;
  }
  return { commit, branch, dirty };
}

/**
 * Full commit hash of a revision as a user writes it: branch, tag, (short) hash, `HEAD~2`, `@{yesterday}`.
 *
 * @throws MlopsError `unknown_revision` with DVC's text.
 */
export function resolveRevision(root: string, revision: string): string {
  const hash = tryResolveRevision(root, revision);
  if (hash !== undefined) return hash;
  throw new MlopsError('unknown_revision', `unknown Git revision '${revision}'`, {
    hint: 'see `git branch -a` and `git tag`; `git fetch` gets what is only on the server',
  });
}

export function tryResolveRevision(root: string, revision: string): string | undefined {
  // A leading dash would be read as an option.
  if (revision === '' || revision.startsWith('-')) return undefined;
  const args = ['rev-parse', '--verify', '--quiet', `${revision}^{commit}`];
  const result = runGit(root, args, { accept: [0, 1, 128] });
  return result.status === 0 ? result.stdout.toString('utf8').trim() : undefined;
}

/** Local branch names in code point order. */
export function listBranches(root: string): string[] {
  return listRefs(root, 'refs/heads/');
}

/** Tag names in code point order. */
export function listTags(root: string): string[] {
  return listRefs(root, 'refs/tags/');
}

/** Hashes of every commit reachable from HEAD, branches, remote branches and tags, newest first. */
export function listCommits(root: string): string[] {
  const head = headCommit(root) === undefined ? [] : ['HEAD'];
  const text = gitText(root, ['rev-list', '--date-order', ...head, '--branches', '--remotes', '--tags']);
  return text === '' ? [] : text.split('\n');
}

/** The last `count` commits reachable from a revision, newest first; the revision itself included. */
export function recentCommits(root: string, revision: string, count: number): string[] {
  const text = gitText(root, ['rev-list', `--max-count=${count}`, resolveRevision(root, revision)]);
  return text === '' ? [] : text.split('\n');
}

/** Full names of refs below a prefix (`refs/exps/`) with the hashes they hold. */
export function listRefHashes(root: string, prefix: string): Map<string, string> {
  const text = gitText(root, ['for-each-ref', '--format=%(objectname) %(refname)', prefix]);
  const lines = text === '' ? [] : text.split('\n');
  return new Map(lines.map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]));
}

function listRefs(root: string, prefix: string): string[] {
  return [...listRefHashes(root, prefix).keys()].map((name) => name.slice(prefix.length)).sort();
}

/**
 * Which of the given paths Git tracks: the path itself is in the index, or something below it is.
 * Paths are absolute or relative to `root`; the answer holds them as they were given.
 */
export function trackedByGit(root: string, paths: readonly string[]): Set<string> {
  const tracked = new Set<string>();
  for (const part of chunks(paths)) {
    const listed = splitNul(runGit(root, ['--literal-pathspecs', 'ls-files', '-z', '--', ...part]).stdout);
    if (listed.length === 0) continue;
    const known = new Set<string>();
    for (const file of listed) addWithParents(known, file);
    for (const given of part) {
      const relative = path.relative(root, path.resolve(root, given)).split(path.sep).join('/');
      if (known.has(relative)) tracked.add(given);
    }
  }
  return tracked;
}

/** The symbolic links that Git tracks, as absolute paths. */
export function trackedLinks(root: string): string[] {
  const listed = splitNul(runGit(root, ['ls-files', '--stage', '-z']).stdout);
  return listed.flatMap((line) =>
    line.startsWith('120000 ') ? [path.join(root, line.slice(line.indexOf('\t') + 1))] : [],
  );
}

/** Stages files, as `git add` does; ignored ones are staged too. */
export function stageFiles(root: string, paths: readonly string[]): void {
  for (const part of chunks(paths)) runGit(root, ['--literal-pathspecs', 'add', '--force', '--', ...part]);
}

/** Name and address that a commit would be made with, undefined when Git has none. */
export function gitIdentity(root: string): string | undefined {
  const result = runGit(root, ['var', 'GIT_AUTHOR_IDENT'], { accept: [0, 1, 128] });
  const match = /^(.*>) \d+ [+-]\d+$/.exec(result.stdout.toString('utf8').trim());
  return result.status === 0 ? match?.[1] : undefined;
}

function addWithParents(known: Set<string>, file: string): void {
  for (let name = file; name !== '' && !known.has(name); name = name.slice(0, Math.max(0, name.lastIndexOf('/')))) {
    known.add(name);
  }
  known.add('');
}

/** A command line holds some 100 kB safely on every system. */
function chunks(paths: readonly string[]): string[][] {
  const parts: string[][] = [];
  let part: string[] = [];
  let size = 0;
  for (const item of paths) {
    if (size + item.length > 60_000 && part.length > 0) {
      parts.push(part);
      part = [];
      size = 0;
    }
    part.push(item);
    size += item.length + 1;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}
