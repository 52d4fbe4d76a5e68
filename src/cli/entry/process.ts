import * as os from 'node:os';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';

/**
 * The command line of this process: signals become an abort, a closed pipe ends quietly, and the exit
 * status is set in this one place.
 */
export async function runProcess(): Promise<void> {
  const aborter = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(aborter, signal));
  process.stdout.on('error', onBrokenPipe);
  process.stderr.on('error', onBrokenPipe);
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
  process.exit(status);
}

function interrupt(aborter: AbortController, signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void {
  // The second signal does not wait for a clean end.
  if (aborter.signal.aborted) process.exit(128 + os.constants.signals[signal]);
  const message = signal === 'SIGINT' ? 'interrupted by the user' : `interrupted by ${signal}`;
  aborter.abort(new MlopsError('interrupted', message, { data: { signal } }));
}

/** `mlops list | head` is no failure: end as a program killed by SIGPIPE does, as DVC ends. */
function onBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(141);
  throw error;
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0) resolve();
    else stream.write('', () => resolve());
  });
}
