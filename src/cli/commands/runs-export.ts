import * as fs from 'node:fs';
import * as path from 'node:path';

import { experimentNamed } from '../../app/places/find-runs.ts';
import { plural } from '../../base/index.ts';
import { everything, runToJson, type Run } from '../../mlflow/index.ts';
import type { Command } from '../parse/command.ts';
import { withStore } from '../session/with-store.ts';
import { csvText } from '../tables/csv.ts';

export const exportCommand: Command = {
  name: 'runs export',
  owner: 'mlops',
  summary: 'Write all runs into a file, for spreadsheets and programs',
  description:
    'CSV has a row per run: its facts, and a column per metric (the last value), param and tag. JSON lines hold runs as the REST API gives them. To take histories, models and files along as well: `mlops migrate to-mlflow`.',
  examples: [
    ['mlops runs export -o runs.csv', 'all runs of all experiments'],
    ['mlops runs export --format jsonl --filter "metrics.accuracy > 0.9"', 'some of them, on stdout'],
  ],
  flags: [
    { name: 'out', short: 'o', value: 'FILE', summary: 'write here instead of stdout', completes: 'path' },
    {
      name: 'format',
      value: 'FORMAT',
      choices: ['csv', 'jsonl'],
      summary: 'default: by the name of the file, else csv',
    },
    { name: 'experiment', value: 'NAME', summary: 'only of this experiment', completes: 'experiment' },
    { name: 'filter', value: 'FILTER', summary: "only these: 'metrics.accuracy > 0.9'" },
    { name: 'deleted', summary: 'only deleted runs' },
  ],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const experiment = input.text('experiment');
        const experiments =
          experiment === undefined
            ? await everything((pageToken) => store.searchExperiments({ view: 'ALL', pageToken }))
            : [await experimentNamed(store, experiment)];
        const search = {
          experimentIds: experiments.map(({ id }) => id),
          filter: input.text('filter'),
          view: input.on('deleted') ? 'DELETED_ONLY' : 'ACTIVE_ONLY',
          maxResults: 1000,
        } as const;
        const runs = await everything((pageToken) => store.searchRuns({ ...search, pageToken }));
        const out = input.text('out');
        const format = input.text('format') ?? (/\.(?:jsonl|ndjson)$/.test(out ?? '') ? 'jsonl' : 'csv');
        const text = format === 'csv' ? csvOf(runs) : runs.map((run) => `${JSON.stringify(runToJson(run))}\n`).join('');
        if (out === undefined) return terminal.write(text);
        fs.writeFileSync(path.resolve(terminal.cwd, out), text);
        terminal.note(`${plural(runs.length, 'run')} in ${out}`);
      },
      { create: false },
    ),
};

/** Times are ISO 8601, and what a run lacks is empty. */
function csvOf(runs: readonly Run[]): string {
  const names = (of: (run: Run) => readonly { readonly key: string }[]): string[] =>
    [...new Set(runs.flatMap((run) => of(run).map(({ key }) => key)))].sort();
  const metrics = names((run) => run.metrics);
  const params = names((run) => run.params);
  const tags = names((run) => run.tags);
  const header = [
    ...['run_id', 'experiment_id', 'run_name', 'status', 'start_time', 'end_time', 'artifact_uri'],
    ...metrics.map((key) => `metrics.${key}`),
    ...params.map((key) => `params.${key}`),
    ...tags.map((key) => `tags.${key}`),
  ];
  const lines = runs.map((run) => {
    const { info } = run;
    const [metric, param, tag] = [run.metrics, run.params, run.tags].map(
      (list) => new Map(list.map(({ key, value }) => [key, String(value)])),
    );
    return [
      ...[
        info.id,
        info.experimentId,
        info.name,
        info.status,
        time(info.startTime),
        time(info.endTime),
        info.artifactUri,
      ],
      ...metrics.map((key) => metric?.get(key) ?? ''),
      ...params.map((key) => param?.get(key) ?? ''),
      ...tags.map((key) => tag?.get(key) ?? ''),
    ];
  });
  return csvText([header, ...lines]);
}

function time(milliseconds: number | undefined): string {
  return milliseconds === undefined || milliseconds === 0 ? '' : new Date(milliseconds).toISOString();
}
