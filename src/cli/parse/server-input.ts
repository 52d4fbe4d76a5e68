import { MlopsError } from '../../base/index.ts';
import type { Input } from './command.ts';

/** The port of `--port` or another flag. @throws MlopsError `usage` */
export function portOf(input: Input, fallback: number, flag = 'port'): number {
  const port = input.number(flag) ?? fallback;
  if (port >= 0 && port <= 65_535) return port;
  throw new MlopsError('usage', `${port} is no port`, { hint: 'ports are 0 to 65535' });
}

/** How long requests under way may take once the server is told to stop, in milliseconds. */
export function drainOf(input: Input): number {
  return (input.number('drain') ?? 10) * 1000;
}

/** Comes when a signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
