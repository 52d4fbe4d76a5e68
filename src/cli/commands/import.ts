import { importFromRepo } from '../../repo/imports/import.ts';
import type { Command } from '../parse/command.ts';
import { jobsFlag, say, sayGitAdd, withRepo } from '../session/data-session.ts';
import { foreignFlags, foreignOptions } from '../parse/foreign-flags.ts';
import { importFlags, importOptions, refuseBoth } from '../parse/import-flags.ts';

export const verb: Command = {
  name: 'import',
  owner: 'dvc',
  stream: true,
  summary: 'Copy a file or folder out of a repository and track where it comes from',
  description:
    'The .dvc file records the repository and its commit, so that `mlops update` can bring newer data and anybody can fetch the same again.',
  examples: [
    ['mlops import https://github.com/iterative/dataset-registry get-started/data.xml', 'a file, into this folder'],
    ['mlops import ../other models -o their-models --rev v1.2', 'a folder as it is at a tag'],
  ],
  args: [
    { name: 'url', summary: 'path or Git URL of the repository' },
    { name: 'path', summary: 'file or folder in it' },
  ],
  flags: [
    { name: 'out', short: 'o', value: 'PATH', summary: 'where to put it', completes: 'path' },
    ...importFlags,
    jobsFlag,
    ...foreignFlags,
  ],
  failure: 1,
  async run(input, terminal) {
    refuseBoth(input);
    const files = await withRepo(terminal, (repo) =>
      importFromRepo(repo, {
        ...foreignOptions(input, terminal),
        ...importOptions(input),
        url: input.args[0] ?? '',
        path: input.args[1] ?? '',
        out: input.text('out'),
        jobs: input.number('jobs'),
        onImport: (from, to) => say(terminal, `Importing '${from}' -> '${to}'`),
      }),
    );
    sayGitAdd(terminal, files);
  },
};
