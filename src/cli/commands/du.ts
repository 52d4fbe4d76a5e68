import { du } from '../../repo/imports/list.ts';
import type { Command } from '../parse/command.ts';
import { dvcSize, listTable } from '../tables/list-table.ts';
import { foreignFlags, foreignOptions } from '../parse/foreign-flags.ts';

export const verb: Command = {
  name: 'du',
  owner: 'dvc',
  summary: 'Show how much space a repository takes, data included',
  examples: [
    ['mlops du .', 'each entry here, and all together'],
    ['mlops du -s . data', 'one folder alone'],
  ],
  args: [
    { name: 'url', summary: 'path or Git URL of the repository' },
    { name: 'path', summary: 'folder or file in it', optional: true },
  ],
  flags: [
    { name: 'summarize', short: 's', summary: 'only the sum' },
    { name: 'json', ours: true, summary: 'as JSON' },
    ...foreignFlags,
  ],
  async run(input, terminal) {
    const options = foreignOptions(input, terminal);
    const rows = await du(terminal.cwd, {
      ...options,
      url: input.args[0] ?? '',
      path: input.args[1],
      summarize: input.on('summarize'),
    });
    if (input.on('json')) return terminal.json(rows.map(({ path, size }) => ({ path, size })));
    for (const line of listTable(rows.map(({ size, path }) => [dvcSize(size), path]))) terminal.print(line);
  },
};
