import { spawn } from 'node:child_process';

import { didYouMean, isSystemError, MlopsError } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Made by the command table, which knows all others. */
export interface ManSource {
  readonly commands: readonly Command[];
  readonly page: (command: Command) => string;
  readonly main: (commands: readonly Command[]) => string;
}

export const manVerb = (source: () => Promise<ManSource>): Command => ({
  name: 'man',
  owner: 'mlops',
  summary: 'Show the manual page of a command',
  description: 'On a terminal by `man`, in a pipe as the roff text. The package brings the same pages for `man mlops`.',
  examples: [
    ['mlops man push', 'the page of one command'],
    ['mlops man serve > mlops-serve.1', 'to install it somewhere'],
  ],
  args: [{ name: 'command', summary: 'words of the command; none: the whole program', optional: true, variadic: true }],
  async run(input, terminal) {
    const { commands, page, main } = await source();
    if (input.args.length === 0) return show(main(commands), terminal);
    const wanted = input.args.join(' ');
    const found = commands.filter(({ name, aliases }) => name === wanted || aliases?.includes(wanted) === true);
    const group = found.length > 0 ? found : commands.filter(({ name }) => name.startsWith(`${wanted} `));
    if (group.length === 0) {
      throw new MlopsError('usage', `there is no command '${wanted}'`, {
        hint:
          didYouMean(
            wanted,
            commands.map(({ name }) => name),
          ) ?? 'see all commands with `mlops --help`',
      });
    }
    await show(group.map(page).join(''), terminal);
  },
});

/** `man` reads a page from its stdin; where there is none, the text itself is better than nothing. */
async function show(text: string, terminal: Terminal): Promise<void> {
  if (!terminal.stdoutIsTty) return terminal.write(text);
  const shown = await new Promise<boolean>((resolve, reject) => {
    const child = spawn('man', ['-l', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
    child.on('error', (error) => (isSystemError(error, 'ENOENT') ? resolve(false) : reject(error)));
    child.on('close', () => resolve(true));
    child.stdin.on('error', () => undefined);
    child.stdin.end(text);
  });
  if (!shown) terminal.write(text);
}
