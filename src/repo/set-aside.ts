import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, processIsAlive } from '../base/index.ts';

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
  fs.writeFileSync(path.join(folder, 'moved.json'), JSON.stringify({ pid: process.pid, moved }));
  for (const { from, to } of moved) move(from, to);
  return {
    restore() {
      bringBack(moved);
      fs.rmSync(folder, { recursive: true, force: true });
    },
    drop: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

/** Brings back what runs left aside that were killed; called before stages run. */
export function recoverAside(stateDir: string): string[] {
  const base = path.join(stateDir, 'aside');
  const recovered: string[] = [];
  for (const name of namesIn(base)) {
    const folder = path.join(base, name);
    const { pid, moved } = readNote(path.join(folder, 'moved.json'));
    if (pid !== undefined && processIsAlive(pid)) continue;
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

function readNote(file: string): { pid: number | undefined; moved: readonly Moved[] } {
  try {
    const note = JSON.parse(fs.readFileSync(file, 'utf8')) as { pid: number; moved: readonly Moved[] };
    return { pid: note.pid, moved: note.moved };
  } catch (error) {
    // Killed before anything was moved.
    if (isSystemError(error, 'ENOENT') || error instanceof SyntaxError) return { pid: undefined, moved: [] };
    throw error;
  }
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
}
