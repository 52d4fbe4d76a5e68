import { activeExperiments, experimentNamed } from '../../app/places/find-runs.ts';
import { plural } from '../../base/index.ts';
import { everything, experimentToJson, type Experiment } from '../../mlflow/index.ts';
import type { Command, FlagSpec, Input, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { textTable } from '../tables/text-table.ts';
import { withStore } from '../session/with-store.ts';
import { pair } from './models-input.ts';
import { when } from './runs-tables.ts';

const json: FlagSpec = { name: 'json', summary: 'print JSON' };
const nameArgument = { name: 'name', summary: 'name or id', completes: 'experiment' } as const;

const create: Command = {
  name: 'experiments create',
  owner: 'mlops',
  summary: 'Create an experiment',
  examples: [['mlops experiments create ablation', 'prints its id']],
  args: [{ name: 'name', summary: 'the name', optional: true }],
  flags: [
    { name: 'experiment-name', short: 'n', value: 'NAME', summary: 'the name' },
    { name: 'artifact-location', short: 'l', value: 'URI', summary: 'where its artifacts go' },
    { name: 'tag', value: 'KEY=VALUE', repeat: 'each', summary: 'a tag' },
    json,
  ],
  run: (input, terminal) =>
    withStore(terminal, async (store) => {
      const name = input.args[0] ?? input.text('experiment-name') ?? '';
      const tags = input.list('tag').map((text) => pair(text, '--tag'));
      const artifactLocation = input.text('artifact-location');
      const id = await store.createExperiment({ name, artifactLocation, tags });
      if (input.on('json')) terminal.json({ experiment_id: id });
      else terminal.print(`Created experiment '${name}' with id ${id}`);
    }),
};

function printExperiments(found: readonly Experiment[], input: Input, terminal: Terminal): void {
  if (input.on('json')) return terminal.json(found.map(experimentToJson));
  const header = [
    { title: 'ID', align: 'right' as const, drop: 0 },
    { title: 'EXPERIMENT', drop: 0 },
    { title: 'STATE', drop: 2 },
    { title: 'CREATED', drop: 3 },
    { title: 'ARTIFACTS', drop: 4 },
  ];
  const rows = found.map((one) => [one.id, one.name, one.lifecycle, when(one.creationTime), one.artifactLocation]);
  for (const line of textTable(header, rows, terminal.columns)) terminal.print(line);
}

const views: Readonly<Record<string, 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL'>> = {
  active_only: 'ACTIVE_ONLY',
  deleted_only: 'DELETED_ONLY',
  all: 'ALL',
};
const view: FlagSpec = {
  name: 'view',
  value: 'VIEW',
  choices: Object.keys(views),
  default: 'active_only',
  summary: 'which experiments',
};

const list: Command = {
  name: 'experiments list',
  aliases: ['ls'],
  owner: 'mlops',
  summary: 'List experiments',
  examples: [['mlops experiments list', 'all that are not deleted']],
  flags: [view, json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const wanted = views[input.text('view') ?? ''] ?? 'ACTIVE_ONLY';
        const found = await everything((pageToken) => store.searchExperiments({ view: wanted, pageToken }));
        printExperiments(found, input, terminal);
      },
      { create: false },
    ),
};

const search: Command = {
  name: 'experiments search',
  owner: 'mlops',
  summary: "Find experiments by MLflow's search grammar",
  examples: [['mlops experiments search "name LIKE \'abl%\'"', 'by name']],
  args: [{ name: 'filter', summary: 'clauses joined by AND', optional: true }],
  flags: [view, { name: 'order-by', value: 'KEY', repeat: 'each', summary: "e.g. 'name ASC'" }, json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const wanted = views[input.text('view') ?? ''] ?? 'ACTIVE_ONLY';
        const [filter] = input.args;
        const orderBy = input.list('order-by');
        const found = await everything((pageToken) =>
          store.searchExperiments({ view: wanted, filter, orderBy, pageToken }),
        );
        printExperiments(found, input, terminal);
      },
      { create: false },
    ),
};

const show: Command = {
  name: 'experiments show',
  owner: 'mlops',
  summary: 'Show one experiment, or list all',
  description: 'The table of experiments on pipeline parameters is `mlops exp show`.',
  examples: [['mlops experiments show digits', 'its facts, tags and number of runs']],
  args: [{ ...nameArgument, optional: true }],
  flags: [json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const [name] = input.args;
        if (name === undefined) return printExperiments(await activeExperiments(store), input, terminal);
        const found = await experimentNamed(store, name);
        if (input.on('json')) return terminal.json(experimentToJson(found));
        const { items } = await store.searchRuns({ experimentIds: [found.id], maxResults: 50_000 });
        const facts = [
          ['id', found.id],
          ['name', found.name],
          ['state', found.lifecycle],
          ['created', when(found.creationTime)],
          ['artifacts', found.artifactLocation],
          ['runs', String(items.length)],
          ...found.tags.map(({ key, value }) => [key, value]),
        ];
        for (const [key = '', value = ''] of facts) terminal.print(`${key.padEnd(10)}  ${value}`);
      },
      { create: false },
    ),
};

function lifecycle(word: 'delete' | 'restore'): Command {
  return {
    name: `experiments ${word}`,
    owner: 'mlops',
    summary: word === 'delete' ? 'Delete an experiment with its runs, restorably' : 'Bring a deleted experiment back',
    examples: [[`mlops experiments ${word} ablation`, 'by name or id']],
    args: [{ ...nameArgument, optional: true }],
    flags: [
      { name: 'experiment-id', short: 'x', value: 'ID', summary: 'its id' },
      ...(word === 'delete' ? [{ name: 'dry-run', summary: 'only say what would be deleted' }] : []),
    ],
    run: (input, terminal) =>
      withStore(
        terminal,
        async (store) => {
          const { id, name } = await experimentNamed(store, input.args[0] ?? input.text('experiment-id') ?? '');
          if (word === 'delete' && input.on('dry-run')) {
            const { items } = await store.searchRuns({ experimentIds: [id], maxResults: 50_000 });
            return terminal.print(`would delete experiment '${name}' with ${plural(items.length, 'run')}`);
          }
          await (word === 'delete' ? store.deleteExperiment(id) : store.restoreExperiment(id));
          terminal.print(`Experiment '${name}' with id ${id} has been ${word}d.`);
        },
        { create: false },
      ),
  };
}

const rename: Command = {
  name: 'experiments rename',
  owner: 'mlops',
  summary: 'Rename an experiment',
  examples: [['mlops experiments rename ablation ablation-2', 'by its name']],
  args: [
    { ...nameArgument, optional: true },
    { name: 'new-name', summary: 'the new name', optional: true },
  ],
  flags: [
    { name: 'experiment-id', short: 'x', value: 'ID', summary: 'its id' },
    { name: 'new-name', value: 'NAME', summary: 'the new name' },
  ],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const [first, second] = input.args;
        const { id } = await experimentNamed(store, input.text('experiment-id') ?? first ?? '');
        const name = input.text('new-name') ?? second ?? '';
        await store.renameExperiment(id, name);
        terminal.print(`Experiment with id ${id} has been renamed to '${name}'.`);
      },
      { create: false },
    ),
};

export const verb: Verb = {
  name: 'experiments',
  summary: 'Create, list, rename and delete tracking experiments',
  commands: [create, list, search, show, rename, lifecycle('delete'), lifecycle('restore')],
};
