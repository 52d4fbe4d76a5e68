import { listUrl, listUrlTree } from '../../repo/imports/get.ts';
import type { Command } from '../parse/command.ts';
import { sayAll } from '../session/data-session.ts';
import { fsConfigFlag, pairsOf } from '../parse/foreign-flags.ts';
import { listLines, treeLines } from '../tables/list-output.ts';
import { listStyle } from './list.ts';

export const verb: Command = {
  name: 'list-url',
  aliases: ['ls-url'],
  owner: 'dvc',
  summary: 'List what is at a path or URL',
  examples: [
    ['mlops list-url s3://bucket/raw', 'one level'],
    ['mlops list-url s3://bucket/raw -R --size', 'everything below, with sizes'],
  ],
  args: [{ name: 'url', summary: 'path, s3://, http(s):// or remote://NAME/path' }],
  flags: [
    { name: 'recursive', short: 'R', summary: 'go into folders' },
    { name: 'tree', short: 'T', summary: 'go into folders, shown as a tree' },
    { name: 'level', short: 'L', value: 'DEPTH', integer: true, summary: 'levels to go down' },
    { name: 'size', summary: 'with sizes' },
    { name: 'json', ours: true, summary: 'as JSON' },
    fsConfigFlag,
  ],
  async run(input, terminal) {
    const command = {
      url: input.args[0] ?? '',
      recursive: input.on('recursive'),
      level: input.number('level'),
      options: pairsOf(input.list('fs-config'), 'fs-config'),
      signal: terminal.signal,
    };
    if (input.on('json')) {
      const entries = input.on('tree')
        ? await listUrlTree(terminal.cwd, command)
        : await listUrl(terminal.cwd, command);
      return terminal.json(entries);
    }
    const style = listStyle(terminal, input.on('size'), false);
    const lines = input.on('tree')
      ? treeLines(await listUrlTree(terminal.cwd, command), style)
      : listLines(await listUrl(terminal.cwd, command), style);
    sayAll(terminal, lines);
  },
};
