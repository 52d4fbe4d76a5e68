import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, isSystemError } from '../../base/index.ts';
import { isSameProcess, processBirth, type Executor } from '../../execute/index.ts';
import type { Stage } from '../../project/index.ts';
import { privateSubfolder, type OutputPlaces } from '../../trust/index.ts';
import type { TreePath } from '../../git/index.ts';
import { namesIn, readNote } from './note-file.ts';
import { hasOrphans } from './running-stages.ts';

interface Moved {
  /** Absolute. */
  readonly from: string;
  readonly to: string;
}

/** Outputs moved out of the way while a stage makes new ones. */
export interface SetAside {
  /** Brings the old outputs back; what the stage left in their place is deleted. */
  restore(): void;
  /** The stage succeeded: the old outputs are deleted. */
  drop(): void;
}

interface Project {
  readonly root: string;
  readonly stateDir: string;
  readonly places: OutputPlaces;
}

/**
 * Moves outputs away before a stage runs, so that a run that fails, or is interrupted, loses nothing. Which
 * file went where is written down first: after a crash `recoverAside` brings them back.
 */
export function setAside({ root, stateDir }: Project, targets: readonly string[]): SetAside {
  const present = targets.filter((target) => fs.lstatSync(target, { throwIfNoEntry: false }) !== undefined);
  if (present.length === 0) return { restore: () => undefined, drop: () => undefined };
  const folder = fs.mkdtempSync(path.join(privateSubfolder(stateDir, 'aside', { make: true }), `${process.pid}-`));
  const moved = present.map((from, index): Moved => ({ from, to: path.join(folder, String(index)) }));
  const note: Note = {
    pid: process.pid,
    born: processBirth(process.pid),
    outs: moved.map(({ from }) => path.relative(root, from).split(path.sep).join('/')),
  };
  fs.writeFileSync(path.join(folder, noteName), JSON.stringify(note), { mode: 0o600 });
  for (const { from, to } of moved) move(from, to);
  return {
    restore() {
      bringBack(moved);
      fs.rmSync(folder, { recursive: true, force: true });
    },
    drop: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * Brings back what killed runs left aside, where there is any. A project whose files cannot be read keeps it for the
 * command that comes after they are mended.
 *
 * @param executor knows what still runs.
 */
export function recoverOuts(repo: Project & { stages(): readonly Stage[] }, executor: Executor): void {
  if (namesIn(privateSubfolder(repo.stateDir, 'aside')).length === 0) return;
  try {
    const outs = repo.stages().flatMap((stage) => stage.outs.flatMap((out) => out.path ?? []));
    recoverAside(repo, executor, new Set(outs));
  } catch (error) {
    if (!isMlopsError(error)) throw error;
  }
}

/**
 * Brings back what runs left aside that were killed, unless a command that they started still runs. Called by
 * whoever has the project locked. A note can only name outputs that the project has now, where outputs may lie; what
 * else it names stays aside.
 * @param executor knows what still runs.
 * @param outs tree paths of the project's outputs.
 */
function recoverAside(project: Project, executor: Executor, outs: ReadonlySet<TreePath>): void {
  const { root, stateDir, places } = project;
  const base = privateSubfolder(stateDir, 'aside');
  for (const name of namesIn(base)) {
    const folder = path.join(base, name);
    if (fs.lstatSync(folder).isDirectory() !== true) continue;
    // Without a note it was killed before anything was moved.
    const { pid, born, outs: named } = noteIn(folder) ?? nothingMoved;
    if (pid !== undefined && (isSameProcess(pid, born) || hasOrphans(stateDir, pid, executor))) continue;
    const moved = named.map((out, index): Moved & { out: TreePath } => ({
      out,
      from: path.join(root, out),
      to: path.join(folder, String(index)),
    }));
    const mayReturn = moved.filter(({ out, from }) => outs.has(out) && places.allows(from));
    // What a killed stage wrote may be half of it; what it replaced was whole.
    bringBack(mayReturn);
    if (namesIn(folder).every((left) => left === noteName)) fs.rmSync(folder, { recursive: true, force: true });
  }
}

function bringBack(moved: readonly Moved[]): void {
  for (const { from, to } of moved) {
    if (fs.lstatSync(to, { throwIfNoEntry: false }) === undefined) continue;
    fs.rmSync(from, { recursive: true, force: true });
    fs.mkdirSync(path.dirname(from), { recursive: true });
    move(to, from);
  }
}

/** Renames; across file systems copies and deletes. */
function move(from: string, to: string): void {
  try {
    fs.renameSync(from, to);
  } catch (error) {
    if (!isSystemError(error, 'EXDEV')) throw error;
    fs.cpSync(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    fs.rmSync(from, { recursive: true, force: true });
  }
}

const noteName = 'moved.json';

interface Note {
  readonly pid: number | undefined;
  readonly born: string | undefined;
  /** Where the outputs were, relative to the project: the file `0` beside the note is the first, and so on. */
  readonly outs: readonly TreePath[];
}

const nothingMoved: Note = { pid: undefined, born: undefined, outs: [] };

function noteIn(folder: string): Note | undefined {
  const note = readNote(path.join(folder, noteName)) as Partial<Note> | null | undefined;
  if (!Array.isArray(note?.outs) || !note.outs.every((out) => typeof out === 'string')) return undefined;
  return { pid: Number.isSafeInteger(note.pid) ? note.pid : undefined, born: note.born, outs: note.outs };
}
