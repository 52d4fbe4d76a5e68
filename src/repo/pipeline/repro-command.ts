import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { commandLines, shellArgv, type Executor } from '../../execute/index.ts';
import type { Stage } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import type { OnReproEvent } from './repro-events.ts';
import type { RunningStages } from '../guard/running-stages.ts';
import { resourcesOf } from './resources.ts';

export interface CommandContext {
  readonly executor: Executor;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent: OnReproEvent;
  /** Added to the user's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** `inherit` gives the terminal to the command; its output is then not seen by anyone else. */
  readonly output: 'inherit' | 'pipe';
  readonly onTail: (chunk: Uint8Array) => void;
  /** Told which commands run. */
  readonly running: RunningStages;
}

/**
 * Runs the command lines of a stage, each in a shell of its own, until one fails.
 *
 * @throws MlopsError `command_failed` in DVC's words, `interrupted`, `program_missing`.
 */
export async function runCommands(repo: DataRepo, stage: Stage, context: CommandContext): Promise<void> {
  const cwd = path.join(repo.root, stage.wdir);
  refuseFaultyCommand(stage);
  const [first] = commandLines(stage.cmd ?? '');
  if (first !== undefined && !fs.existsSync(cwd)) context.onEvent({ kind: 'command', stage, line: first });
  if (!fs.existsSync(cwd)) {
    throw new MlopsError('bad_path', `stage working dir '${stage.wdir}' does not exist`, {
      hint: `it is the wdir of ${stage.address}`,
    });
  }
  const env = {
    ...repo.env,
    DVC_ROOT: repo.env['DVC_ROOT'] ?? repo.root,
    DVC_STAGE: stage.address,
    ...context.env,
  };
  for (const line of commandLines(stage.cmd ?? '')) {
    context.onEvent({ kind: 'command', stage, line });
    await runLine(line, cwd, env, stage, context);
  }
}

/** Throws `bad_template` when the command was resolved to something that no shell takes. */
export function refuseFaultyCommand(stage: Stage): void {
  const fault = stage.faults?.get('cmd');
  if (fault === undefined) return;
  throw new MlopsError('bad_template', fault, {
    hint: 'a `cmd` that is one ${...} takes the type of its value; write `cmd: program ${...}`',
  });
}

async function runLine(
  line: string,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  stage: Stage,
  context: CommandContext,
): Promise<void> {
  throwIfInterrupted(context.signal);
  const resources = resourcesOf(stage);
  const execution = context.executor.start({
    argv: shellArgv(line, env),
    cwd,
    env,
    output: context.output,
    ...(resources === undefined ? {} : { resources }),
    onOutput(chunk, stream) {
      context.onTail(chunk);
      context.onEvent({ kind: 'output', stage, chunk, stream });
    },
  });
  const { id } = execution;
  context.running.started({ stage: stage.address, executor: context.executor.kind, id });
  let cancelled: Promise<void> | undefined;
  const stop = (): void => void (cancelled ??= execution.cancel('SIGINT'));
  context.signal?.addEventListener('abort', stop, { once: true });
  const result = await execution.done;
  context.signal?.removeEventListener('abort', stop);
  await cancelled;
  context.running.ended(id);
  throwIfInterrupted(context.signal);
  if (result.background === true) {
    context.onEvent({ kind: 'warning', message: `stage '${stage.address}' left a process running in the background` });
  }
  if (result.code === 0) return;
  throw new MlopsError(
    'command_failed',
    `failed to run: ${line}, exited with ${exitText(result.code, result.signal)}`,
    {
      data: { stage: stage.address, code: result.code, signal: result.signal },
      hint: failureHint(result.code, result.signal),
    },
  );
}

function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw new MlopsError('interrupted', 'interrupted by the user', {
      hint: 'finished stages are kept; run the same command again to go on',
    });
  }
}

function failureHint(code: number | null, signal: NodeJS.Signals | null): string | undefined {
  if (code === 127) return 'a command in it was not found: check the spelling and the PATH';
  if (code === 126) return 'a command in it cannot be executed: check its permissions';
  if (signal === 'SIGKILL') return 'the command was killed (SIGKILL), perhaps for want of memory';
  return signal === null ? undefined : `the command was ended by ${signal}`;
}

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** The exit code, or as Python shows it the negative number of the signal. */
function exitText(code: number | null, signal: NodeJS.Signals | null): string {
  if (code !== null) return String(code);
  return signal === null ? 'an unknown status' : `-${signalNumbers[signal] ?? signal}`;
}
