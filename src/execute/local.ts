import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { MlopsError, needsCleanEnd } from '../base/index.ts';
import type { Attached, CommandResult, CommandSpec, Execution, Executor } from './executor.ts';
import { endGroup, groupIsAlive, groupMark, hasMark } from './process-group.ts';

export interface LocalExecutorOptions {
  /** Milliseconds between the first signal and SIGKILL. Default 5,000. */
  readonly grace?: number;
  /** Milliseconds that output may still arrive after the command itself has ended. Default 300. */
  readonly drain?: number;
  /** GPUs of this machine. Default 1. */
  readonly gpus?: number | undefined;
}

/**
 * Runs commands as local processes, each in its own process group, so that cancelling ends everything a
 * command started. Own groups also mean that Ctrl-C does not reach the command by itself: whoever starts
 * it cancels it.
 */
export function localExecutor(options: LocalExecutorOptions = {}): Executor {
  const grace = options.grace ?? 5000;
  const drain = options.drain ?? 300;
  return {
    kind: 'local',
    capacity: () => ({ cpus: os.availableParallelism(), gpus: options.gpus ?? 1, memoryBytes: os.totalmem() }),
    start: (spec) => start(spec, grace, drain),
    attach: (id) => attach(id, grace),
  };
}

function start(spec: CommandSpec, grace: number, drain: number): Execution {
  const [program, ...args] = spec.argv;
  const startedAt = Date.now();
  const piped = spec.output === 'pipe';
  needsCleanEnd();
  const child = spawn(program, args, {
    cwd: spec.cwd,
    env: spec.env,
    // A group of its own on POSIX; on Windows `detached` would open a console window.
    detached: process.platform !== 'win32',
    stdio: [piped ? 'ignore' : 'inherit', piped ? 'pipe' : 'inherit', piped ? 'pipe' : 'inherit'],
  });
  if (child.pid === undefined) throw failedStart(child, spec);
  const { pid } = child;
  if (piped) forwardOutput(child, spec);
  const ended = new Promise<CommandResult>((resolve) => settle(child, startedAt, drain, resolve));
  return { id: idOf(pid), done: ended, cancel: (signal = 'SIGTERM') => cancel(pid, ended, signal, grace) };
}

/** A process that could not be started has no pid; why is told by an event that comes a moment later. */
function failedStart(child: ChildProcess, spec: CommandSpec): MlopsError {
  child.on('error', () => undefined);
  if (!fs.existsSync(spec.cwd)) {
    return new MlopsError('program_missing', `cannot run '${spec.argv[0]}': the folder '${spec.cwd}' does not exist`);
  }
  return new MlopsError('program_missing', `cannot run '${spec.argv[0]}': not found or not executable`, {
    hint: 'check the spelling and the PATH',
  });
}

function forwardOutput(child: ChildProcess, spec: CommandSpec): void {
  child.stdout?.on('data', (chunk: Uint8Array) => spec.onOutput?.(chunk, 'stdout'));
  child.stderr?.on('data', (chunk: Uint8Array) => spec.onOutput?.(chunk, 'stderr'));
}

/**
 * `close` comes when the pipes are closed too. A process left in the background holds them open, for ever
 * perhaps; the command has ended nevertheless, so its pipes are only waited for briefly.
 */
function settle(child: ChildProcess, startedAt: number, drain: number, resolve: (result: CommandResult) => void): void {
  let timer: NodeJS.Timeout | undefined;
  const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
    clearTimeout(timer);
    const background = groupIsAlive(child.pid);
    resolve({ code, signal, startedAt, endedAt: Date.now(), ...(background ? { background } : {}) });
  };
  child.once('close', finish);
  child.once('exit', (code, signal) => {
    timer = setTimeout(() => {
      child.off('close', finish);
      child.stdout?.destroy();
      child.stderr?.destroy();
      finish(code, signal);
    }, drain);
  });
}

async function cancel(
  pid: number,
  ended: Promise<CommandResult>,
  signal: NodeJS.Signals,
  grace: number,
): Promise<void> {
  endGroup(pid, signal);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), grace);
  });
  const first = await Promise.race([ended, late]);
  clearTimeout(timer);
  // Whatever of the group is left by now, also after a polite end of the command itself, is ended for good.
  endGroup(pid, 'SIGKILL');
  if (first === 'late') await ended;
}

/** The process group, and what tells it from others that have its number. */
function idOf(pid: number): string {
  return `${pid}:${groupMark(pid)}`;
}

function attach(id: string, grace: number): Attached | undefined {
  const [, digits = '', mark = ''] = /^(\d{1,10}):(.+)$/.exec(id) ?? [];
  const group = Number(digits);
  if (group < 2 || !groupIsAlive(group) || !hasMark(group, mark)) return undefined;
  // Not our child: nobody tells of its end.
  const poll = async (deadline: number): Promise<void> => {
    while (groupIsAlive(group) && Date.now() < deadline) await sleep(20);
  };
  let ended: Promise<void> | undefined;
  return {
    shown: `process group ${group}`,
    get ended() {
      return (ended ??= poll(Number.POSITIVE_INFINITY));
    },
    async cancel(signal = 'SIGTERM') {
      endGroup(group, signal);
      await poll(Date.now() + grace);
      endGroup(group, 'SIGKILL');
      await poll(Date.now() + grace);
    },
  };
}
