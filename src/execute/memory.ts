import * as fs from 'node:fs';

import { MlopsError } from '../base/index.ts';
import type { CommandResult, CommandSpec, Execution, Executor, Resources } from './executor.ts';

/** What a program in memory is given. */
export interface MemoryCall {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Aborted when the command is cancelled; the program should end then, and is not waited for. */
  readonly signal: AbortSignal;
}

/** Gives its exit code, or the signal that ended it. One that throws ends with 1 and its message on stderr. */
export type MemoryProgram = (call: MemoryCall) => Promise<number | NodeJS.Signals> | number | NodeJS.Signals;

/**
 * Runs functions of this process instead of programs, for tests of what starts commands and for trying out a
 * pipeline without its programs. A command line of a stage reaches the program that has the shell's name.
 */
export function memoryExecutor(programs: Readonly<Record<string, MemoryProgram>>, capacity: Resources = {}): Executor {
  let count = 0;
  const running = new Map<string, Execution>();
  return {
    kind: 'memory',
    capacity: () => capacity,
    attach(id) {
      const execution = running.get(id);
      if (execution === undefined) return undefined;
      return { shown: id, ended: execution.done.then(() => undefined), cancel: (signal) => execution.cancel(signal) };
    },
    start(spec) {
      const [name, ...args] = spec.argv;
      const program = Object.hasOwn(programs, name) ? programs[name] : undefined;
      if (program === undefined) {
        throw new MlopsError('program_missing', `cannot run '${name}': not found or not executable`, {
          hint: 'it is none of the programs in memory',
        });
      }
      if (!fs.existsSync(spec.cwd)) {
        throw new MlopsError('program_missing', `cannot run '${name}': the folder '${spec.cwd}' does not exist`);
      }
      const execution = startProgram(`memory-${++count}`, program, args, spec);
      running.set(execution.id, execution);
      void execution.done.then(() => running.delete(execution.id));
      return execution;
    },
  };
}

function startProgram(id: string, program: MemoryProgram, args: readonly string[], spec: CommandSpec): Execution {
  const startedAt = Date.now();
  const abort = new AbortController();
  const tell = (stream: 'stdout' | 'stderr') => (text: string) => {
    if (!abort.signal.aborted) spec.onOutput?.(Buffer.from(text), stream);
  };
  const call: MemoryCall = {
    args,
    cwd: spec.cwd,
    env: spec.env,
    stdout: tell('stdout'),
    stderr: tell('stderr'),
    signal: abort.signal,
  };
  const cancelled = new Promise<NodeJS.Signals>((resolve) => {
    abort.signal.addEventListener('abort', () => resolve(abort.signal.reason as NodeJS.Signals), { once: true });
  });
  const done = Promise.race([run(program, call), cancelled]).then((end): CommandResult => {
    const code = typeof end === 'number' ? end : null;
    return { code, signal: typeof end === 'number' ? null : end, startedAt, endedAt: Date.now() };
  });
  return {
    id,
    done,
    async cancel(signal = 'SIGTERM') {
      abort.abort(signal);
      await done;
    },
  };
}

async function run(program: MemoryProgram, call: MemoryCall): Promise<number | NodeJS.Signals> {
  // The caller has the execution in hand before the program begins, as with a process.
  await Promise.resolve();
  try {
    return await program(call);
  } catch (error) {
    call.stderr(`${String(error)}\n`);
    return 1;
  }
}
