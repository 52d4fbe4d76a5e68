import { remove } from '../../repo/workspace/remove.ts';
import type { Command } from '../parse/command.ts';
import { withRepo } from '../session/data-session.ts';

export const verb: Command = {
  name: 'remove',
  aliases: ['rm'],
  owner: 'dvc',
  summary: 'Stop tracking data, or drop a stage',
  description: 'The data itself stays in the workspace, as plain files, and in the cache.',
  examples: [
    ['mlops remove data/images.dvc', 'stop tracking a folder'],
    ['mlops remove train', 'drop a stage from dvc.yaml'],
    ['mlops remove old.csv.dvc --outs', 'delete the data from the workspace too'],
  ],
  args: [{ name: 'targets', summary: '.dvc files and stages', variadic: true, completes: 'target' }],
  flags: [{ name: 'outs', summary: 'delete the outputs from the workspace too' }],
  failure: 1,
  async run(input, terminal) {
    await withRepo(terminal, async (repo) => remove(repo, input.args, { outs: input.on('outs') }));
  },
};
