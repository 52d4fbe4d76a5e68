import { listStages } from '../../repo/list-stages.ts';
import type { Command, Verb } from '../command.ts';
import { withRepo } from '../data-session.ts';

const list: Command = {
  name: 'stage list',
  owner: 'dvc',
  summary: 'List stages',
  examples: [
    ['mlops stage list', 'stages of the dvc.yaml here'],
    ['mlops stage list --all', 'all stages of the project'],
    ['mlops stage list --name-only', 'for scripts'],
  ],
  args: [
    {
      name: 'targets',
      summary: 'dvc.yaml or .dvc files, stages, or folders with -R; dvc.yaml by default',
      optional: true,
      variadic: true,
      completes: 'target',
    },
  ],
  flags: [
    { name: 'all', summary: 'all stages of the project' },
    { name: 'fail', summary: 'fail at files that cannot be read instead of leaving them out' },
    { name: 'recursive', short: 'R', summary: 'everything below the folders among the targets' },
    { name: 'name-only', aliases: ['names-only'], summary: 'no descriptions' },
  ],
  run(input, terminal) {
    return withRepo(terminal, async (repo) => {
      const lines = listStages(repo, {
        targets: input.args,
        all: input.on('all'),
        fail: input.on('fail'),
        recursive: input.on('recursive'),
        onError: (file, error) => terminal.log.debug(`stages from ${file} failed to load: ${error.message}`),
      });
      const width = Math.max(0, ...lines.map(({ name }) => [...name].length));
      for (const { name, description } of lines) {
        const padding = ' '.repeat(width - [...name].length + 2);
        terminal.print(input.on('name-only') ? name : `${name}${padding}${description}`.trimEnd());
      }
    });
  },
};

export const verb: Verb = { name: 'stage', summary: 'List and make stages', commands: [list] };
