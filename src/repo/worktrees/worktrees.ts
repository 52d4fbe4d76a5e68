import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { isSameProcess, localExecutor, processBirth } from '../../execute/index.ts';
import { findGitRoot, resolveRevision, runGit, type TreePath } from '../../git/index.ts';
import { ProjectConfig } from '../../project/index.ts';
import { makePrivateFolder, privateFolder, privateSubfolder } from '../../trust/index.ts';
import { namesIn, readNote } from '../guard/note-file.ts';
import { endOrphans } from '../guard/running-stages.ts';
import { mirror } from './mirror.ts';

export interface WorktreesOptions {
  /** The project's folder, absolute. */
  readonly root: string;
  /** Files and folders that are written in worktrees; they begin without them. */
  readonly writes: readonly TreePath[];
  /** Files and folders outside of the project that commands read, relative to `root`: they begin with `../`. */
  readonly outside?: readonly string[];
  /** A commit instead of the workspace as it is; one of `snapshotCommit` is a revision with its uncommitted changes. */
  readonly revision?: string | undefined;
}

/** A folder with a state of the project, in which commands run without touching the workspace. */
export interface Worktree {
  /** Absolute. */
  readonly root: string;
  remove(): void;
}

const noteName = 'owner.json';

/**
 * Copies of a project to work in, in `.mlops/worktrees`. The state is taken once, when they are opened; each worktree
 * is then made from that one, so that edits of the workspace do not get into a search that goes on for hours. They
 * share the project's cache. A process that was killed leaves its worktrees; the next one that opens some removes them.
 */
export class Worktrees {
  readonly #folder: string;
  /** Holds the worktrees: so deep below `#folder` that all that is outside of the project can be linked between them. */
  readonly #home: string;
  readonly #writes: readonly TreePath[];
  #count = 0;

  /** @throws MlopsError `unknown_revision`, `not_a_git_repo`, `bad_path` for what cannot be linked. */
  static async open(options: WorktreesOptions): Promise<Worktrees> {
    const { root, writes, revision, outside = [] } = options;
    const home = privateSubfolder(privateFolder(root), 'worktrees', { make: true });
    await removeLeft(home);
    const folder = path.join(home, randomBytes(4).toString('hex'));
    fs.mkdirSync(folder, { mode: 0o700 });
    const up = Math.max(0, ...outside.map((file) => upwards(file) - 1));
    fs.writeFileSync(
      path.join(folder, noteName),
      JSON.stringify({ pid: process.pid, born: processBirth(process.pid), up }),
    );
    const inner = homeBelow(folder, up);
    const base = path.join(inner, 'base');
    try {
      fs.mkdirSync(inner, { recursive: true });
      linkOutside(root, inner, outside);
      if (revision === undefined) mirror(root, base, writes);
      else takeRevision(root, base, revision, folder);
      if (fs.existsSync(path.join(root, '.dvc'))) {
        joinCache(root, base);
        copyIndex(root, base);
      }
      return new Worktrees(folder, inner, writes);
    } catch (error) {
      fs.rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(folder: string, home: string, writes: readonly TreePath[]) {
    this.#folder = folder;
    this.#home = home;
    this.#writes = writes;
  }

  /** The state that worktrees begin with. */
  get base(): string {
    return path.join(this.#home, 'base');
  }

  make(): Worktree {
    const root = path.join(this.#home, `tree-${this.#count++}`);
    mirror(this.base, root, this.#writes, Infinity);
    const config = path.join(this.base, '.dvc/config.local');
    if (fs.existsSync(config)) fs.copyFileSync(config, path.join(root, '.dvc/config.local'));
    copyIndex(this.base, root);
    return { root, remove: () => fs.rmSync(root, { recursive: true, force: true }) };
  }

  /** Removes all worktrees. */
  close(): void {
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Where worktrees lie in a folder of them. */
function homeBelow(folder: string, up: number): string {
  return path.join(folder, ...Array.from({ length: up }, () => 'up'));
}

/** How often a normal path begins with `..`. */
function upwards(file: string): number {
  const parts = path.posix.normalize(file).split('/');
  const first = parts.findIndex((part) => part !== '..');
  return first === -1 ? parts.length : first;
}

/** Links what lies beside and above the project beside and above its worktrees: `../data` leads to the same there. */
function linkOutside(root: string, home: string, outside: readonly string[]): void {
  for (const file of outside) {
    const parts = path.posix.normalize(file).split('/');
    const linked = parts.slice(0, upwards(file) + 1).join('/');
    const target = path.resolve(root, linked);
    const link = path.resolve(home, 'base', linked);
    const known = fs.lstatSync(link, { throwIfNoEntry: false });
    if (known?.isSymbolicLink() === true && fs.readlinkSync(link) === target) continue;
    if (known !== undefined || parts.length === upwards(file) || path.basename(link) === 'base') {
      throw new MlopsError('bad_path', `'${file}' is outside of the project, and cannot be had in a worktree`, {
        hint: 'let commands read what is inside of the project, or name it by its whole path',
      });
    }
    fs.symlinkSync(target, link);
  }
}

/** Removes worktrees of processes that are gone, after ending what they left running. */
async function removeLeft(home: string): Promise<void> {
  for (const name of namesIn(home)) {
    const folder = path.join(home, name);
    const note = (readNote(path.join(folder, noteName)) ?? {}) as { pid?: unknown; born?: string; up?: unknown };
    const { pid, born, up } = note;
    if (typeof pid === 'number' && isSameProcess(pid, born)) continue;
    const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
    // One that is just being made has no note yet.
    if (pid === undefined && stat !== undefined && Date.now() - stat.mtimeMs < 60_000) continue;
    const inner = homeBelow(folder, typeof up === 'number' && up < 100 ? up : 0);
    for (const tree of namesIn(inner).filter((each) => each.startsWith('tree-'))) {
      await endOrphans(privateFolder(path.join(inner, tree)), localExecutor(), () => undefined);
    }
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Digests that are known need not be found out again: links lead to the same files. */
function copyIndex(from: string, to: string): void {
  const files = ['index.sqlite', 'index.sqlite-wal'].map((name) => path.join(privateFolder(from), name));
  for (const file of files.filter((each) => fs.existsSync(each))) {
    makePrivateFolder(privateFolder(to));
    fs.copyFileSync(file, path.join(privateFolder(to), path.basename(file)), fs.constants.COPYFILE_FICLONE);
  }
}

function takeRevision(root: string, base: string, revision: string, folder: string): void {
  const gitRoot = findGitRoot(root);
  if (gitRoot === undefined) {
    throw new MlopsError('not_a_git_repo', `'${root}' is in no Git repository, so it has no revision '${revision}'`);
  }
  const commit = resolveRevision(gitRoot, revision);
  const whole = path.join(folder, 'revision');
  const call = { env: { GIT_INDEX_FILE: path.join(folder, 'index') } };
  runGit(gitRoot, ['read-tree', commit], call);
  runGit(gitRoot, ['checkout-index', '-a', '-q', `--prefix=${whole}/`], call);
  fs.renameSync(path.join(whole, path.relative(gitRoot, root)), base);
  fs.rmSync(whole, { recursive: true, force: true });
}

/** The project's cache, by links, and nothing of Git: a worktree lies in a folder that Git ignores. */
function joinCache(root: string, base: string): void {
  const config = new ProjectConfig(path.join(root, '.dvc'));
  const local = path.join(root, '.dvc/config.local');
  const target = path.join(base, '.dvc/config.local');
  fs.mkdirSync(path.dirname(target), { recursive: true });
  if (fs.existsSync(local)) fs.copyFileSync(local, target);
  const cache = path.resolve(config.text('cache', 'dir') ?? path.join(root, '.dvc/cache'));
  const types = config.text('cache', 'type') ?? 'reflink,hardlink,symlink,copy';
  new ProjectConfig(path.join(base, '.dvc'), { validate: false }).edit(
    'local',
    [
      { section: 'cache', option: 'dir', value: cache },
      { section: 'cache', option: 'type', value: types },
      { section: 'core', option: 'no_scm', value: 'true' },
    ],
    base,
  );
}
