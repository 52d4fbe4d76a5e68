import { spawn } from 'node:child_process';

import type { Command, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { serverFlags, startServer, untilStopped } from './server.ts';

export const verb: Verb & Command = {
  name: 'ui',
  owner: 'mlflow',
  summary: 'Look at runs and models in the browser',
  description: 'Starts the tracking server and opens its pages in the browser. Ctrl-C stops it.',
  examples: [
    ['mlops ui', "this project's experiments, runs and models"],
    ['mlops ui -p 0 --no-browser', 'print the address only, on a free port'],
  ],
  flags: [...serverFlags, { name: 'browser', negatable: true, summary: 'open the browser (default on a terminal)' }],
  async run(input, terminal) {
    const server = await startServer(input, terminal);
    terminal.note(`Pages on ${server.url} (${server.store.url})`);
    terminal.next('stop with Ctrl-C');
    if (input.choice('browser') ?? terminal.stderrIsTty) openBrowser(server.url, terminal);
    return untilStopped(server, input, terminal);
  },
};

/** Asks the desktop to show a page; where there is none, the address on the screen has to do. */
function openBrowser(url: string, terminal: Terminal): void {
  const [program, ...args]: [string, ...string[]] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler', url]
        : ['xdg-open', url];
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  child.on('error', () => terminal.log.debug(`${program} is not here to open ${url}`));
  child.unref();
}
