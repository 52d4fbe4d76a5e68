import { parseAge, purgeRuns } from '../../app/runs/purge-runs.ts';
import { MlopsError, plural } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';
import { withStore } from '../session/with-store.ts';

export const gc: Command = {
  name: 'runs gc',
  owner: 'mlops',
  summary: 'Remove deleted runs, experiments and models for good',
  examples: [
    ['mlops runs gc --dry-run', 'what would go'],
    ['mlops runs gc --older-than 30d --yes', 'what was deleted more than 30 days ago'],
  ],
  flags: [
    { name: 'older-than', value: 'AGE', summary: 'only what was deleted that long ago: 30d, 12h, 1d12h' },
    { name: 'dry-run', aliases: ['dry'], summary: 'remove nothing' },
    { name: 'yes', short: 'y', summary: 'do not ask' },
    { name: 'json', summary: 'print JSON' },
  ],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const age = input.text('older-than');
        const olderThan = age === undefined ? 0 : parseAge(age);
        if (olderThan === undefined) {
          throw new MlopsError('usage', `'${age}' is no age`, { hint: 'write 30d, 12h or 1d12h' });
        }
        const plan = await purgeRuns(store, { olderThan, dryRun: true });
        const what = [
          plural(plan.runs.length, 'run'),
          plural(plan.experiments.length, 'experiment'),
          plural(plan.models.length, 'logged model'),
        ].join(', ');
        const dry = input.on('dry-run');
        if (!dry && plan.artifactUris.length > 0 && !input.on('yes')) {
          if (!(await terminal.confirm(`remove ${what} for good?`, { must: true }))) return 1;
        }
        const done = dry ? plan : await purgeRuns(store, { olderThan });
        if (input.on('json')) terminal.json({ ...done, dry_run: dry });
        else terminal.print(`${dry ? 'would remove' : 'removed'} ${what}`);
        return 0;
      },
      { create: false },
    ),
};
