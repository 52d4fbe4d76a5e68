import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { isSystemError } from '../../base/index.ts';
import { endGroup, groupIsAlive, isSameProcess, processBirth } from '../../execute/index.ts';
import { namesIn, readNote } from './note-file.ts';

interface RunningCommand {
  readonly stage: string;
  /** The process group, which is the id of the process that leads it. */
  readonly group: number;
  readonly born: string | undefined;
}

interface Note {
  readonly pid: number;
  readonly born: string | undefined;
  readonly commands: readonly RunningCommand[];
}

/** A command whose `repro` is gone. */
export interface Orphan {
  readonly stage: string;
  readonly group: number;
}

/**
 * Writes down which process groups this repro has started. When it is killed (SIGKILL leaves no time to end
 * them) the next command knows what still runs. One small file a process, in `.mlops/running`.
 */
export class RunningStages {
  readonly #file: string;
  readonly #commands = new Map<number, RunningCommand>();

  constructor(stateDir: string) {
    this.#file = path.join(folderOf(stateDir), `${process.pid}.json`);
  }

  started(stage: string, group: number): void {
    this.#commands.set(group, { stage, group, born: processBirth(group) });
    this.#write();
  }

  ended(group: number): void {
    this.#commands.delete(group);
  }

  /** Nothing runs any more. */
  close(): void {
    fs.rmSync(this.#file, { force: true });
  }

  #write(): void {
    const { pid } = process;
    const note: Note = { pid, born: processBirth(pid), commands: [...this.#commands.values()] };
    const text = JSON.stringify(note);
    try {
      fs.writeFileSync(this.#file, text);
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
      fs.mkdirSync(path.dirname(this.#file), { recursive: true });
      fs.writeFileSync(this.#file, text);
    }
  }
}

/** Commands that go on although the repro that started them is gone. */
export function findOrphans(stateDir: string): Orphan[] {
  return deadNotes(stateDir).flatMap(({ note }) => (note?.commands ?? []).filter(stillRuns));
}

/** True when such a command was started by this process. */
export function hasOrphans(stateDir: string, pid: number): boolean {
  return deadNotes(stateDir).some(({ note }) => note?.pid === pid && note.commands.some(stillRuns));
}

/**
 * Ends the process groups that a killed repro left behind: what they make is nobody's any more, and the stage
 * is about to run again. SIGTERM, after five seconds SIGKILL.
 */
export async function endOrphans(stateDir: string, onOrphan: (orphan: Orphan) => void): Promise<void> {
  for (const orphan of findOrphans(stateDir)) {
    onOrphan(orphan);
    endGroup(orphan.group, 'SIGTERM');
    const deadline = Date.now() + 5000;
    while (groupIsAlive(orphan.group) && Date.now() < deadline) await sleep(20);
    endGroup(orphan.group, 'SIGKILL');
  }
  for (const { file } of deadNotes(stateDir)) fs.rmSync(file, { force: true });
}

function stillRuns({ group, born }: RunningCommand): boolean {
  // Its leader may be gone while others of the group go on; a leader of another birth is another group.
  const now = processBirth(group);
  return groupIsAlive(group) && (born === undefined || now === undefined || now === born);
}

function deadNotes(stateDir: string): { file: string; note: Note | undefined }[] {
  const folder = folderOf(stateDir);
  return namesIn(folder)
    .map((name) => path.join(folder, name))
    .map((file) => ({ file, note: readNote(file) as Note | undefined }))
    .filter(({ note }) => note === undefined || !isSameProcess(note.pid, note.born));
}

function folderOf(stateDir: string): string {
  return path.join(stateDir, 'running');
}
