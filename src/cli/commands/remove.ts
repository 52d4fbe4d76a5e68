import { remove, stagesToRemove } from '../../repo/workspace/remove.ts';
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
  flags: [
    { name: 'outs', summary: 'delete the outputs from the workspace too' },
    { name: 'dry-run', ours: true, summary: 'only say what would be removed' },
  ],
  failure: 1,
  async run(input, terminal) {
    await withRepo(terminal, async (repo) => {
      const outs = input.on('outs');
      if (!input.on('dry-run')) return remove(repo, input.args, { outs });
      for (const stage of input.args.flatMap((target) => stagesToRemove(repo, target))) {
        terminal.print(`would remove ${stage.kind === 'data' ? stage.file : `stage '${stage.address}'`}`);
        if (outs) for (const out of stage.outs) terminal.print(`would delete ${repo.display(out.path ?? out.defPath)}`);
      }
    });
  },
};
