import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError } from '../../base/index.ts';
import { isSameProcess, processBirth, type Executor } from '../../execute/index.ts';
import { namesIn, readNote } from './note-file.ts';
import { hasOrphans } from './running-stages.ts';

interface Moved {
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

/**
 * Moves outputs away before a stage runs, so that a run that fails, or is interrupted, loses nothing. Which
 * file went where is written down first: after a crash `recoverAside` brings them back.
 */
export function setAside(stateDir: string, targets: readonly string[]): SetAside {
  const present = targets.filter((target) => fs.lstatSync(target, { throwIfNoEntry: false }) !== undefined);
  if (present.length === 0) return { restore: () => undefined, drop: () => undefined };
  const base = path.join(stateDir, 'aside');
  fs.mkdirSync(base, { recursive: true });
  const folder = fs.mkdtempSync(path.join(base, `${process.pid}-`));
  const moved = present.map((from, index): Moved => ({ from, to: path.join(folder, String(index)) }));
  fs.writeFileSync(
    path.join(folder, 'moved.json'),
    JSON.stringify({ pid: process.pid, born: processBirth(process.pid), moved }),
  );
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
 * Brings back what runs left aside that were killed, unless a command that they started still runs. Called by
 * whoever has the project locked.
 *
 * @param executor knows what still runs
 */
export function recoverAside(stateDir: string, executor: Executor): string[] {
  const base = path.join(stateDir, 'aside');
  const recovered: string[] = [];
  for (const name of namesIn(base)) {
    const folder = path.join(base, name);
    // Without a note it was killed before anything was moved.
    const { pid, born, moved } = (readNote(path.join(folder, 'moved.json')) as Note | undefined) ?? nothingMoved;
    if (pid !== undefined && (isSameProcess(pid, born) || hasOrphans(stateDir, pid, executor))) continue;
    // What a killed stage wrote may be half of it; what it replaced was whole.
    bringBack(moved);
    recovered.push(...moved.map(({ from }) => from));
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return recovered;
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

interface Note {
  readonly pid: number | undefined;
  readonly born?: string;
  readonly moved: readonly Moved[];
}

const nothingMoved: Note = { pid: undefined, moved: [] };
