import { parseAge, purgeRuns } from '../../app/runs/purge-runs.ts';
import { MlopsError, plural } from '../../base/index.ts';
import { ownPlace } from '../../app/places/tracking-home.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import type { Command, Input } from '../parse/command.ts';
import { withStore } from '../session/with-store.ts';
import type { Terminal } from '../terminal/terminal.ts';

export const gc: Command = {
  name: 'runs gc',
  owner: 'mlops',
  summary: 'Remove deleted runs, experiments and models for good',
  examples: [
    ['mlops runs gc --dry-run', 'what would go'],
    ['mlops runs gc --older-than 30d --yes', 'what was deleted more than 30 days ago'],
    [
      'mlops runs gc --backend-store-uri postgresql://mlops@db/mlops --artifacts-destination s3://models --yes',
      'of a server, whose artifacts are in a bucket',
    ],
  ],
  flags: [
    { name: 'older-than', value: 'AGE', summary: 'only what was deleted that long ago: 30d, 12h, 1d12h' },
    {
      name: 'backend-store-uri',
      value: 'URI',
      summary: 'the store of a server, as it is started with',
      env: 'MLFLOW_BACKEND_STORE_URI',
      completes: 'path',
    },
    {
      name: 'artifacts-destination',
      value: 'PLACE',
      summary: 'where that server keeps artifacts, as it is started with',
      env: 'MLFLOW_ARTIFACTS_DESTINATION',
      completes: 'path',
    },
    { name: 'dry-run', aliases: ['dry'], summary: 'remove nothing' },
    { name: 'yes', short: 'y', summary: 'do not ask' },
    { name: 'json', summary: 'print JSON' },
  ],
  run: async (input, terminal) => {
    const backend = input.text('backend-store-uri');
    if (backend === undefined)
      return withStore(terminal, (store) => collect(store, input, terminal), { create: false });
    const { openServedStore } = await import('../../app/endpoint/served-store.ts');
    const { cwd, env } = terminal;
    const artifacts = input.text('artifacts-destination');
    const store = await openServedStore({ place: ownPlace(cwd, env), cwd, backend, artifacts, env });
    try {
      return await collect(store, input, terminal);
    } finally {
      await store.close();
    }
  },
};

async function collect(store: TrackingStore, input: Input, terminal: Terminal): Promise<number> {
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
}
