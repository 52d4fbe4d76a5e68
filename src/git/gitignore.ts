import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, keepingLineEnds, MlopsError, writeFileAtomic } from '../base/index.ts';
import { runGit, splitNul, startGit, type GitCall } from './run.ts';

/**
 * Which of the given paths the ignore rules of the repository cover, whether tracked or not. Paths are
 * absolute or relative to `root`; the answer holds them as they were given.
 */
export function ignoredByGit(root: string, paths: readonly string[]): Set<string> {
  if (paths.length === 0) return new Set();
  return new Set(splitNul(runGit(root, checkArgs, checkCall(paths)).stdout));
}

/** As `ignoredByGit`, beside other work. */
export async function startIgnoredByGit(root: string, paths: readonly string[]): Promise<Set<string>> {
  if (paths.length === 0) return new Set();
  return new Set(splitNul((await startGit(root, checkArgs, checkCall(paths))).stdout));
}

const checkArgs = ['check-ignore', '--no-index', '-z', '--stdin'];

function checkCall(paths: readonly string[]): GitCall {
  return { input: `${paths.join('\0')}\0`, accept: [0, 1] };
}

/**
 * Makes Git ignore the given absolute paths: each one that no rule covers yet gets a line `/name` at the
 * end of the `.gitignore` beside it, as DVC writes it.
 *
 * @returns the `.gitignore` files that changed, absolute, in the order of the paths, and the paths that were added.
 * @throws MlopsError `bad_path` for a path outside the repository.
 */
export function addToGitignore(root: string, paths: readonly string[]): { files: string[]; added: string[] } {
  const ignored = ignoredByGit(root, paths);
  const added = paths.filter((item) => !ignored.has(item));
  return { files: appendToGitignore(root, added), added };
}

/** As `addToGitignore`, for paths of which it is known that no rule covers them. */
export function appendToGitignore(root: string, paths: readonly string[]): string[] {
  return editFiles(root, paths, (content, names) => {
    const start = content.length === 0 || content.endsWith('\n') ? content : `${content}\n`;
    const known = new Set(content.split(/(?<=\n)/));
    const fresh = names.map((name) => `${escapePattern(`/${name}`)}\n`).filter((line) => !known.has(line));
    return fresh.length === 0 ? content : start + fresh.join('');
  });
}

/**
 * Removes the lines that `addToGitignore` wrote for the given absolute paths, but not those that it had to escape
 * (`/\\[a\\]`): DVC leaves these, and the file is to be the same. A `.gitignore` that becomes empty is deleted.
 *
 * @returns the `.gitignore` files that changed and still exist.
 */
export function removeFromGitignore(root: string, paths: readonly string[]): string[] {
  const changed = editFiles(root, paths, (content, names) => {
    const entries = new Set(names.map((name) => `/${name}`.trim()));
    const lines = content.split(/(?<=\n)/);
    return lines.filter((line) => !entries.has(line.trim())).join('');
  });
  return changed.filter((file) => fs.existsSync(file));
}

/** Applies an edit once per `.gitignore`. Bytes that are not UTF-8 survive, as Latin-1 is one to one. */
function editFiles(
  root: string,
  paths: readonly string[],
  edit: (content: string, names: readonly string[]) => string,
): string[] {
  const changed: string[] = [];
  for (const [file, names] of groupByFile(root, paths)) {
    const before = readIfThere(file);
    const edited = keepingLineEnds(before?.toString('latin1') ?? '', (content) => edit(content, names));
    const after = Buffer.from(edited, 'latin1');
    if (before === undefined ? after.length === 0 : before.equals(after)) continue;
    if (after.length === 0) fs.rmSync(file);
    else writeIgnoreFile(file, after);
    changed.push(file);
  }
  return changed;
}

function writeIgnoreFile(file: string, content: Buffer): void {
  // Git itself does not read one that is a link, and it may lead anywhere.
  if (fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    throw new MlopsError('forbidden_place', `'${file}' is a link`, { hint: 'Git reads no such file: remove the link' });
  }
  fs.mkdirSync(path.dirname(file), { recursive: true });
  writeFileAtomic(file, content);
}

function groupByFile(root: string, paths: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const item of paths) {
    const relative = path.relative(root, item);
    if (relative === '' || relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)) {
      throw new MlopsError('bad_path', `'${item}' is outside of git repository '${root}'`);
    }
    const file = path.join(path.dirname(item), '.gitignore');
    const name = Buffer.from(path.basename(item), 'utf8').toString('latin1');
    const names = groups.get(file);
    if (names === undefined) groups.set(file, [name]);
    else if (!names.includes(name)) names.push(name);
  }
  return groups;
}

/** As `GitWildMatchPattern.escape` of pathspec. */
function escapePattern(text: string): string {
  return text.replace(/[\\[\]!*#?]/g, '\\$&');
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
