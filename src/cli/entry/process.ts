import * as fs from 'node:fs';
import * as path from 'node:path';

import {
  errorCodes,
  explainSystemError,
  isMlopsError,
  messageOf,
  MlopsError,
  needsCleanEnd,
  onCleanEndNeeded,
} from '../../base/index.ts';

/**
 * The command line of this process: signals become an abort, a closed pipe ends quietly, and the exit
 * status is set in this one place.
 */
export async function runProcess(): Promise<void> {
  const aborter = new AbortController();
  // While a command only reads and computes, before it first waits for something, nothing could hear a signal: it has
  // the system's effect, and ends the process at once.
  const listen = (): void => {
    for (const signal of signals) process.on(signal, () => interrupt(aborter, signal));
  };
  onCleanEndNeeded(listen);
  setImmediate(needsCleanEnd);
  process.stdout.on('error', endUnheard);
  process.stderr.on('error', endUnheard);
  const { stdin, stdout, stderr, env } = process;
  // A chunk of its own, whose name tells its text: compiled code can be kept for it.
  const { main } = await import('./main.ts');
  const status = await main(process.argv.slice(2), {
    stdin,
    stdout,
    stderr,
    cwd: process.cwd(),
    env,
    signal: aborter.signal,
    asDvc: path.parse(process.argv[1] ?? '').name === 'dvc',
  });
  await Promise.all([drained(stdout), drained(stderr)]);
  // A write that failed is told in a turn of its own.
  if (stdout.errored !== null) await new Promise((resolve) => void setImmediate(resolve));
  process.exit(status);
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function interrupt(aborter: AbortController, signal: (typeof signals)[number]): void {
  // The second signal does not wait for a clean end, whatever is computed: the system ends the process.
  for (const each of signals) process.removeAllListeners(each);
  const message = signal === 'SIGINT' ? 'interrupted by the user' : `interrupted by ${signal}`;
  aborter.abort(new MlopsError('interrupted', message, { data: { signal } }));
}

/**
 * Nobody hears what is said. `mlops list | head` is no failure: it ends as a program killed by SIGPIPE does, as DVC
 * ends. A full disk behind `> file` is one.
 */
function endUnheard(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(141);
  const known = explainSystemError(error);
  try {
    fs.writeSync(2, `ERROR: the output cannot be written: ${messageOf(known)}\n`);
  } catch {
    // Nor can this.
  }
  process.exit(isMlopsError(known) ? errorCodes[known.code].exit : 1);
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0) resolve();
    else stream.write('', () => resolve());
  });
}
