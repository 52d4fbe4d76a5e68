import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSameProcess, processBirth, type Attached, type Executor } from '../../execute/index.ts';
import { privateSubfolder } from '../../trust/index.ts';
import { namesIn, readNote } from './note-file.ts';

interface RunningCommand {
  readonly stage: string;
  /** The kind of its executor, and its id there. */
  readonly executor: string;
  readonly id: string;
}

interface Note {
  readonly pid: number;
  readonly born: string | undefined;
  readonly commands: readonly RunningCommand[];
}

/** A command whose `repro` is gone. */
export interface Orphan {
  readonly stage: string;
  /** What runs, for people. */
  readonly shown: string;
}

/**
 * Writes down which commands this repro has started. When it is killed (SIGKILL leaves no time to end
 * them) the next command knows what still runs. One small file a process, in `.mlops/running`.
 */
export class RunningStages {
  readonly #stateDir: string;
  readonly #commands = new Map<string, RunningCommand>();

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  started(command: RunningCommand): void {
    this.#commands.set(command.id, command);
    this.#write();
  }

  ended(id: string): void {
    this.#commands.delete(id);
  }

  /** Nothing runs any more. */
  close(): void {
    fs.rmSync(this.#file(), { force: true });
  }

  #write(): void {
    const { pid } = process;
    const note: Note = { pid, born: processBirth(pid), commands: [...this.#commands.values()] };
    fs.writeFileSync(this.#file({ make: true }), JSON.stringify(note), { mode: 0o600 });
  }

  #file(options?: { readonly make: boolean }): string {
    return path.join(privateSubfolder(this.#stateDir, 'running', options), `${process.pid}.json`);
  }
}

/** True when a command goes on that was started by this process, which is gone. */
export function hasOrphans(stateDir: string, pid: number, executor: Executor): boolean {
  return orphans(stateDir, executor).some(({ by }) => by === pid);
}

/**
 * Ends the commands that a killed repro left behind: what they make is nobody's any more, and the stage
 * is about to run again.
 */
export async function endOrphans(
  stateDir: string,
  executor: Executor,
  onOrphan: (orphan: Orphan) => void,
): Promise<void> {
  for (const { stage, shown, attached } of orphans(stateDir, executor)) {
    onOrphan({ stage, shown });
    await attached.cancel();
  }
  for (const { file } of deadNotes(stateDir)) fs.rmSync(file, { force: true });
}

/** Commands that go on although the repro that started them (`by`) is gone. */
function orphans(stateDir: string, executor: Executor): (Orphan & { by: number; attached: Attached })[] {
  return deadNotes(stateDir).flatMap(({ note }) =>
    (note?.commands ?? []).flatMap(({ stage, executor: kind, id }) => {
      const attached = kind === executor.kind ? executor.attach(id) : undefined;
      return attached === undefined ? [] : [{ stage, shown: attached.shown, by: note?.pid ?? 0, attached }];
    }),
  );
}

function deadNotes(stateDir: string): { file: string; note: Note | undefined }[] {
  const folder = privateSubfolder(stateDir, 'running');
  return namesIn(folder)
    .map((name) => path.join(folder, name))
    .map((file) => ({ file, note: noteIn(file) }))
    .filter(({ note }) => note === undefined || !isSameProcess(note.pid, note.born));
}

/** Whether a command is still what was noted, its executor knows by the id. */
function noteIn(file: string): Note | undefined {
  const { pid, born, commands } = (readNote(file) ?? {}) as Partial<Note>;
  if (typeof pid !== 'number' || !Array.isArray(commands)) return undefined;
  return { pid, born, commands: commands.filter(({ id }) => typeof id === 'string') };
}
