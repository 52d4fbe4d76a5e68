import * as fs from 'node:fs';
import * as path from 'node:path';

import { compareRuns } from '../../app/runs/compare-runs.ts';
import { findRuns, runNamed } from '../../app/places/find-runs.ts';
import { modelsOfRun } from '../../app/registry/run-model.ts';
import { getArtifact, listArtifacts } from '../../app/runs/run-artifacts.ts';
import { MlopsError, plural } from '../../base/index.ts';
import { runToJson } from '../../mlflow/index.ts';
import type { Command, FlagSpec, Input, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { textTable } from '../tables/text-table.ts';
import { withStore } from '../session/with-store.ts';
import { exportCommand } from './runs-export.ts';
import { gc } from './runs-gc.ts';
import { compareTable, orderedKey, runDetails, runTable } from './runs-tables.ts';

const json: FlagSpec = { name: 'json', summary: 'print JSON' };
const experiment: FlagSpec = {
  name: 'experiment',
  value: 'NAME',
  summary: 'only runs of this experiment',
  completes: 'experiment',
};
const listFlags: readonly FlagSpec[] = [
  experiment,
  { name: 'limit', short: 'n', value: 'N', integer: true, default: '20', summary: 'at most N runs' },
  { name: 'order-by', value: 'KEY', repeat: 'each', summary: "e.g. 'metrics.accuracy DESC'" },
  { name: 'children', summary: 'also the runs of single stages and other child runs' },
  { name: 'deleted', summary: 'only deleted runs' },
  { name: 'all', summary: 'also params that are the same in all runs' },
  json,
];

async function printRuns(input: Input, terminal: Terminal, filter: string | undefined): Promise<void> {
  await withStore(
    terminal,
    async (store) => {
      const runs = await findRuns(store, {
        experiment: input.text('experiment'),
        filter,
        orderBy: input.list('order-by'),
        maxResults: input.number('limit') ?? 20,
        view: input.on('deleted') ? 'DELETED_ONLY' : 'ACTIVE_ONLY',
        children: input.on('children'),
      });
      if (input.on('json')) return terminal.json(runs.map(runToJson));
      if (runs.length === 0) return terminal.note('no runs');
      const ordered = input.list('order-by').flatMap((order) => orderedKey(order) ?? []);
      for (const line of runTable(runs, terminal.columns, input.on('all'), ordered)) terminal.print(line);
    },
    { create: false },
  );
}

const list: Command = {
  name: 'runs list',
  aliases: ['ls'],
  owner: 'mlops',
  summary: 'List recorded runs, newest first',
  examples: [
    ['mlops runs list', 'the last 20 runs of all experiments'],
    ["mlops runs list --order-by 'metrics.accuracy DESC' -n 5", 'the best five'],
  ],
  flags: listFlags,
  run: (input, terminal) => printRuns(input, terminal, undefined),
};

const search: Command = {
  name: 'runs search',
  owner: 'mlops',
  summary: "Find runs by MLflow's search grammar",
  examples: [['mlops runs search "metrics.accuracy > 0.9 and params.lr = \'0.01\'"', 'runs that are good enough']],
  args: [{ name: 'filter', summary: 'clauses joined by AND' }],
  flags: listFlags,
  run: (input, terminal) => printRuns(input, terminal, input.args[0]),
};

const show: Command = {
  name: 'runs show',
  owner: 'mlops',
  summary: 'Show one run: params, metrics, inputs, tags',
  examples: [
    ['mlops runs show latest', 'the newest run'],
    ['mlops runs show 3f2a91c0 --json', 'by the beginning of its id'],
  ],
  args: [{ name: 'run', summary: 'id, beginning of an id, name, or latest', completes: 'run' }],
  flags: [json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const run = await runNamed(store, input.args[0] ?? 'latest');
        if (input.on('json')) return terminal.json(runToJson(run));
        const { name } = await store.getExperiment(run.info.experimentId);
        const models = await modelsOfRun(store, run);
        for (const line of runDetails(run, name, models)) terminal.print(line);
      },
      { create: false },
    ),
};

const compare: Command = {
  name: 'runs compare',
  owner: 'mlops',
  summary: 'Lay runs side by side',
  description: 'Without names, the two newest runs. Only what differs is shown, unless --all.',
  examples: [
    ['mlops runs compare', 'the two newest'],
    ['mlops runs compare 3f2a91c0 8b1f0d77 --all', 'two runs, with all that they have in common'],
  ],
  args: [{ name: 'run', summary: 'runs to compare', optional: true, variadic: true, completes: 'run' }],
  flags: [{ name: 'all', summary: 'also what is the same in all' }, experiment, json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const named = await Promise.all(input.args.map((word) => runNamed(store, word)));
        const newest = (await findRuns(store, { experiment: input.text('experiment'), maxResults: 2 })).toReversed();
        const runs = named.length === 0 ? newest : named;
        if (runs.length < 2) {
          throw new MlopsError('usage', 'two runs are needed to compare', { hint: 'see `mlops runs list --children`' });
        }
        const fields = compareRuns(runs).filter((field) => field.differs || input.on('all'));
        const titles = runs.map((run) => run.info.id.slice(0, 8));
        if (input.on('json')) {
          return terminal.json({ runs: runs.map(({ info }) => ({ run_id: info.id, run_name: info.name })), fields });
        }
        for (const line of compareTable(titles, fields, terminal.columns)) terminal.print(line);
        if (fields.length === 0) terminal.note('the runs do not differ (see --all)');
      },
      { create: false },
    ),
};

function lifecycle(word: 'delete' | 'restore'): Command {
  return {
    name: `runs ${word}`,
    owner: 'mlops',
    summary: word === 'delete' ? 'Delete runs, restorably until `runs gc`' : 'Bring deleted runs back',
    examples: [[`mlops runs ${word} 3f2a91c0`, `${word} one run`]],
    args: [{ name: 'run', summary: `runs to ${word}`, variadic: true, completes: 'run' }],
    flags: word === 'delete' ? [{ name: 'dry-run', summary: 'only say what would be deleted' }] : [],
    run: (input, terminal) =>
      withStore(
        terminal,
        async (store) => {
          const runs = await Promise.all(input.args.map((name) => runNamed(store, name)));
          if (word === 'delete' && input.on('dry-run')) {
            for (const { info } of runs) terminal.print(`would delete ${info.id} ${info.name}`);
            return;
          }
          for (const { info } of runs) await (word === 'delete' ? store.deleteRun(info.id) : store.restoreRun(info.id));
          terminal.note(`${word}d ${plural(runs.length, 'run')}`);
          if (word === 'delete') terminal.next(`to take it back: mlops runs restore ${runs[0]?.info.id.slice(0, 8)}`);
        },
        { create: false },
      ),
  };
}

const runArgument = { name: 'run', summary: 'id, beginning of an id, name, or latest', completes: 'run' } as const;

const artifacts: readonly Command[] = [
  {
    name: 'runs artifacts list',
    owner: 'mlops',
    summary: 'List the files of a run',
    examples: [['mlops runs artifacts list latest plots', 'what the newest run keeps in plots/']],
    args: [runArgument, { name: 'path', summary: 'a folder among them', optional: true }],
    flags: [json],
    run: (input, terminal) =>
      withStore(terminal, async (store) => {
        const files = await listArtifacts(store, await runNamed(store, input.args[0] ?? 'latest'), input.args[1]);
        if (input.on('json')) return terminal.json(files);
        const rows = files.map((file) => [file.path + (file.isDirectory ? '/' : ''), String(file.size ?? '')]);
        for (const line of textTable(
          [
            { title: 'PATH', drop: 0 },
            { title: 'BYTES', align: 'right' },
          ],
          rows,
          terminal.columns,
        ))
          terminal.print(line);
      }),
  },
  {
    name: 'runs artifacts get',
    owner: 'mlops',
    summary: 'Write one file of a run to stdout or into a file',
    examples: [['mlops runs artifacts get latest metrics.json -o metrics.json', 'into a file']],
    args: [runArgument, { name: 'path', summary: 'the file' }],
    flags: [{ name: 'out', short: 'o', value: 'FILE', summary: 'write here', completes: 'path' }],
    run: (input, terminal) =>
      withStore(terminal, async (store) => {
        const run = await runNamed(store, input.args[0] ?? 'latest');
        const content = await getArtifact(store, run, input.args[1] ?? '');
        const out = input.text('out');
        if (out === undefined) terminal.write(terminal.stdoutIsTty ? Buffer.from(content).toString() : content);
        else fs.writeFileSync(path.resolve(terminal.cwd, out), content);
      }),
  },
  {
    name: 'runs artifacts put',
    owner: 'mlops',
    summary: 'Add a file to a run',
    examples: [['mlops runs artifacts put latest report.html reports/report.html', 'under another name']],
    args: [
      runArgument,
      { name: 'file', summary: 'the file to add', completes: 'path' },
      { name: 'path', summary: "its name in the run; default: the file's", optional: true },
    ],
    run: (input, terminal) =>
      withStore(terminal, async (store) => {
        const [word = '', file = '', name = path.basename(file)] = input.args;
        const { info } = await runNamed(store, word);
        await store.artifacts(info.artifactUri).put(name, fs.createReadStream(path.resolve(terminal.cwd, file)));
      }),
  },
];

export const verb: Verb = {
  name: 'runs',
  summary: 'List, show, compare and search recorded runs',
  commands: [list, show, compare, search, lifecycle('delete'), lifecycle('restore'), exportCommand, gc, ...artifacts],
};
