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
  readonly #writes: readonly TreePath[];
  #count = 0;

  /** @throws MlopsError `unknown_revision`, `not_a_git_repo`. */
  static async open(options: WorktreesOptions): Promise<Worktrees> {
    const { root, writes, revision } = options;
    const home = privateSubfolder(privateFolder(root), 'worktrees', { make: true });
    await removeLeft(home);
    const folder = path.join(home, randomBytes(4).toString('hex'));
    fs.mkdirSync(folder, { mode: 0o700 });
    fs.writeFileSync(
      path.join(folder, noteName),
      JSON.stringify({ pid: process.pid, born: processBirth(process.pid) }),
    );
    const base = path.join(folder, 'base');
    try {
      if (revision === undefined) mirror(root, base, writes);
      else takeRevision(root, base, revision, folder);
      if (fs.existsSync(path.join(root, '.dvc'))) {
        joinCache(root, base);
        copyIndex(root, base);
      }
      return new Worktrees(folder, writes);
    } catch (error) {
      fs.rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(folder: string, writes: readonly TreePath[]) {
    this.#folder = folder;
    this.#writes = writes;
  }

  /** The state that worktrees begin with. */
  get base(): string {
    return path.join(this.#folder, 'base');
  }

  make(): Worktree {
    const root = path.join(this.#folder, String(this.#count++));
    mirror(this.base, root, this.#writes, { fileSize: Infinity });
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

/** Removes worktrees of processes that are gone, after ending what they left running. */
async function removeLeft(home: string): Promise<void> {
  for (const name of namesIn(home)) {
    const folder = path.join(home, name);
    const { pid, born } = (readNote(path.join(folder, noteName)) ?? {}) as { pid?: unknown; born?: string };
    if (typeof pid === 'number' && isSameProcess(pid, born)) continue;
    const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
    // One that is just being made has no note yet.
    if (pid === undefined && stat !== undefined && Date.now() - stat.mtimeMs < 60_000) continue;
    for (const tree of namesIn(folder).filter((each) => each !== noteName)) {
      await endOrphans(privateFolder(path.join(folder, tree)), localExecutor(), () => undefined);
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
