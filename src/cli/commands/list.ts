import { MlopsError } from '../../base/index.ts';
import { list, listTree } from '../../repo/imports/list.ts';
import type { Command } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { dvcJson, say, sayAll } from '../session/data-session.ts';
import { foreignFlags, foreignOptions } from '../parse/foreign-flags.ts';
import { listLines, treeLines, type ListStyle } from '../tables/list-output.ts';

export const verb: Command = {
  name: 'list',
  aliases: ['ls'],
  owner: 'dvc',
  summary: 'List what a repository holds, files of Git and of DVC',
  examples: [
    ['mlops list .', 'the project here'],
    ['mlops list . -R --dvc-only', 'all tracked data, also what is not checked out'],
    ['mlops list https://github.com/iterative/example-get-started data', 'a folder of another repository'],
    ['mlops list . -T -L 2 --size', 'two levels as a tree, with sizes'],
  ],
  args: [
    { name: 'url', summary: 'path or Git URL of the repository' },
    { name: 'path', summary: 'folder or file in it', optional: true },
  ],
  flags: [
    { name: 'recursive', short: 'R', summary: 'go into folders' },
    { name: 'tree', short: 'T', summary: 'go into folders, shown as a tree' },
    { name: 'level', short: 'L', value: 'DEPTH', integer: true, summary: 'levels to go down' },
    { name: 'dvc-only', summary: 'only outputs of DVC' },
    { name: 'json', summary: 'as JSON' },
    { name: 'size', summary: 'with sizes' },
    { name: 'show-hash', summary: 'with hashes' },
    ...foreignFlags,
  ],
  failure: 1,
  async run(input, terminal) {
    if (input.on('tree') && input.on('json')) {
      throw new MlopsError('usage', 'Cannot use --tree and --json options together.', { exit: 255 });
    }
    const command = {
      ...foreignOptions(input, terminal),
      url: input.args[0] ?? '',
      path: input.args[1],
      recursive: input.on('recursive'),
      dvcOnly: input.on('dvc-only'),
      level: input.number('level'),
    };
    const style = listStyle(terminal, input.on('size'), input.on('show-hash'));
    if (input.on('tree')) {
      const top = await terminal.spin(`listing ${command.url}`, listTree(terminal.cwd, command));
      sayAll(terminal, treeLines(top, style));
      return;
    }
    const entries = await terminal.spin(`listing ${command.url}`, list(terminal.cwd, command));
    if (input.on('json')) say(terminal, dvcJson(entries));
    // DVC leaves plain names out with -q, and shows tables.
    else if (style.size || style.hash) for (const line of listLines(entries, style)) terminal.print(line);
    else sayAll(terminal, listLines(entries, style));
  },
};

export function listStyle(terminal: Terminal, size: boolean, hash: boolean): ListStyle {
  return { size, hash, colors: terminal.stdoutIsTty ? (terminal.env['LS_COLORS'] ?? '') : undefined };
}
