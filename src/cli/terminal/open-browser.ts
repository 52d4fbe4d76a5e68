import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';

import type { Terminal } from './terminal.ts';

/** Opens a file in the user's browser; where that fails, says so and leaves the address to be opened by hand. */
export function openInBrowser(file: string, terminal: Terminal): void {
  const address = pathToFileURL(file).href;
  const [program, ...args] = opener(address);
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  child.on('error', () => terminal.warn('no browser could be opened: open the address by hand'));
  child.unref();
}

function opener(address: string): [string, ...string[]] {
  if (process.platform === 'darwin') return ['open', address];
  if (process.platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler', address];
  return ['xdg-open', address];
}
