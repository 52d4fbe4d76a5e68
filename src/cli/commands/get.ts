import { get, getUrl } from '../../repo/imports/get.ts';
import type { Command } from '../parse/command.ts';
import { jobsFlag } from '../session/data-session.ts';
import { foreignFlags, foreignOptions } from '../parse/foreign-flags.ts';

export const verb: Command = {
  name: 'get',
  owner: 'dvc',
  stream: true,
  summary: 'Copy a file or folder out of a repository',
  description: 'Of any Git repository or DVC project, data included; no project is needed here.',
  examples: [
    ['mlops get https://github.com/iterative/dataset-registry get-started/data.xml', 'a file, into the current folder'],
    ['mlops get ../other models -o their-models --rev v1.2', 'a folder as it was at a tag'],
    ['mlops get ../other model.pkl --show-url', 'where its remote keeps it'],
  ],
  args: [
    { name: 'url', summary: 'path or Git URL of the repository' },
    { name: 'path', summary: 'file or folder in it' },
  ],
  flags: [
    { name: 'out', short: 'o', value: 'PATH', summary: 'where to put it', completes: 'path' },
    { name: 'force', short: 'f', summary: 'replace what is in the way' },
    { name: 'show-url', summary: 'only print where the remote keeps it' },
    jobsFlag,
    ...foreignFlags,
  ],
  failure: 1,
  async run(input, terminal) {
    const command = {
      ...foreignOptions(input, terminal),
      url: input.args[0] ?? '',
      path: input.args[1] ?? '',
      out: input.text('out'),
      force: input.on('force'),
      jobs: input.number('jobs'),
    };
    if (input.on('show-url'))
      terminal.print(await terminal.spin(`reading ${command.url}`, getUrl(terminal.cwd, command)));
    else await terminal.spin(`getting ${command.path}`, get(terminal.cwd, command));
  },
};
