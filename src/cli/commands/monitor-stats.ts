import { estimates, performance, performanceJson } from '../../app/monitor/predictions.ts';
import {
  bucketKinds,
  logStats,
  tasks,
  type Estimate,
  type ModelStats,
  type Performance,
  type StatsOptions,
  type Summary,
} from '../../monitor/index.ts';
import type { Command, Input } from '../parse/command.ts';
import { textTable } from '../tables/text-table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { logOf, selectionFlags, selectionOf } from './monitor-input.ts';

const kinds = [...bucketKinds, 'version'] as const;

export const bucketFlags = [
  { name: 'by', value: 'KIND', summary: 'a row for each of these', choices: kinds },
  { name: 'tz', value: 'ZONE', summary: 'time zone of hours, days and weeks (UTC)' },
] as const;

export const positiveFlag = {
  name: 'positive',
  value: 'LABEL',
  summary: 'the positive one of two classes (the last)',
} as const;

/** What is to be counted, and in which buckets. */
export function windowOf(input: Input): StatsOptions {
  return { ...selectionOf(input), by: kinds.find((kind) => kind === input.text('by')), zone: input.text('tz') };
}

async function statsFor(input: Input, terminal: Terminal): Promise<ModelStats[]> {
  return logStats(logOf(input, terminal), windowOf(input));
}

export const statusCommand: Command = {
  name: 'monitor status',
  owner: 'mlops',
  summary: 'Show what was predicted, and how fast, a line per model',
  examples: [['mlops monitor status --since 24h', 'of the last day']],
  flags: [...selectionFlags, ...bucketFlags],
  async run(input, terminal) {
    const models = await statsFor(input, terminal);
    if (input.on('json')) return terminal.json(models);
    if (models.length === 0) return terminal.note('no predictions are logged');
    const rows = models.flatMap((model) => [
      [model.model, ...cells(model)],
      ...Object.entries(input.text('by') === 'version' ? model.versions : model.buckets).map(([name, summary]) => [
        `  ${name}`,
        ...cells(summary),
      ]),
    ]);
    for (const line of textTable(header, rows, terminal.columns)) terminal.print(line);
  },
};

const header = [
  { title: 'Model', drop: 0 },
  { title: 'Predictions', align: 'right', drop: 0 },
  { title: 'Errors', align: 'right' },
  { title: 'p50 ms', align: 'right' },
  { title: 'p95 ms', align: 'right' },
  { title: 'p99 ms', align: 'right', drop: 2 },
  { title: 'Last', drop: 3 },
] as const;

function cells({ predictions, errors, latency_ms: latency, last }: Summary): string[] {
  return [
    String(predictions),
    String(errors),
    short(latency.p50),
    short(latency.p95),
    short(latency.p99),
    last?.slice(0, 19).replace('T', ' ') ?? '',
  ];
}

const short = (value: number | null): string => (value === null ? '-' : String(Number(value.toPrecision(4))));

export const statsCommand: Command = {
  name: 'monitor stats',
  owner: 'mlops',
  summary: 'Show the distribution of predictions and inputs',
  examples: [
    ['mlops monitor stats --model skin --by day', 'a day each'],
    ['mlops monitor stats --json', 'for scripts'],
  ],
  flags: [...selectionFlags, ...bucketFlags],
  async run(input, terminal) {
    const models = await statsFor(input, terminal);
    if (input.on('json')) return terminal.json(models);
    if (models.length === 0) return terminal.note('no predictions are logged');
    for (const model of models) {
      terminal.print(model.model);
      printSummary(model, terminal);
      const parts = input.text('by') === 'version' ? model.versions : model.buckets;
      for (const [name, summary] of Object.entries(parts)) {
        terminal.print(`${model.model} ${name}`);
        printSummary(summary, terminal);
      }
    }
  },
};

function printSummary(summary: Summary, terminal: Terminal): void {
  const { predictions, errors, latency_ms: latency, classes, prediction, inputs } = summary;
  terminal.print(`  predictions  ${predictions}, ${errors} with an error`);
  terminal.print(
    `  latency ms   ${short(latency.p50)} (p50), ${short(latency.p95)} (p95), ${short(latency.p99)} (p99)`,
  );
  if (prediction !== undefined) {
    const { mean, std, min, median, max } = prediction;
    terminal.print(
      `  prediction   ${short(mean)} ± ${short(std)}, from ${short(min)} over ${short(median)} to ${short(max)}`,
    );
  }
  for (const [label, count] of Object.entries(classes)) terminal.print(`  class        ${label}: ${count}`);
  for (const [name, input] of Object.entries(inputs)) {
    const missing = `${short(100 * input.missing_share)} % missing`;
    const what =
      'values' in input
        ? Object.entries(input.values)
            .slice(0, 5)
            .map(([value, count]) => `${value}: ${count}`)
            .join(', ')
        : `${short(input.mean)} ± ${short(input.std)}`;
    terminal.print(`  input        ${name}: ${what}, ${missing}`);
  }
}

export const performanceCommand: Command = {
  name: 'monitor performance',
  owner: 'mlops',
  summary: 'Show how good predictions were, by the labels that came since',
  description:
    'Accuracy, precision, recall, F1, ROC AUC, average precision, log loss, Brier and calibration error for classes; R², MAE, RMSE, MAPE and quantile loss for numbers; mAP for boxes. The numbers are scikit-learn’s and COCO’s, each with a seeded 95 % bootstrap interval.',
  examples: [
    ['mlops monitor performance --model skin --since 7d', 'of the last week'],
    ['mlops monitor performance --by version', 'a table for each version too'],
  ],
  flags: [
    ...selectionFlags,
    ...bucketFlags,
    { name: 'task', value: 'NAME', summary: 'what the model does, where the labels do not tell', choices: tasks },
    positiveFlag,
    { name: 'seed', value: 'N', integer: true, summary: 'of the bootstrap (0)' },
    { name: 'estimate', summary: 'without labels: what the scores let expect (CBPE)' },
  ],
  async run(input, terminal) {
    if (input.on('estimate')) return showEstimates(input, terminal);
    const models = await performance(logOf(input, terminal), windowOf(input), {
      task: tasks.find((task) => task === input.text('task')),
      positive: input.text('positive'),
      seed: input.number('seed'),
    });
    if (input.on('json')) return terminal.json(performanceJson(models));
    const found = Object.entries(models).map(([model, report]) => ({ model, ...report }));
    if (found.length === 0) return terminal.note('no predictions are logged');
    for (const { model, buckets, versions, ...report } of found) {
      printPerformance(model, report, terminal);
      for (const [name, part] of Object.entries(buckets ?? versions ?? {})) {
        printPerformance(`${model} ${name}`, part, terminal);
      }
    }
  },
};

function printPerformance(title: string, { metrics, labelled, predictions }: Performance, terminal: Terminal): void {
  terminal.print(`${title}: ${labelled} of ${predictions} predictions have a label`);
  const rows = Object.entries(metrics).map(([name, { value, low, high, reason }]) => [
    `  ${name}`,
    value === null ? (reason ?? '-') : short(value),
    value === null ? '' : `${short(low)} to ${short(high)}`,
  ]);
  const columns = [{ title: '  Metric', drop: 0 }, { title: 'Value', drop: 0 }, { title: '95 %' }] as const;
  if (rows.length > 0) for (const line of textTable(columns, rows, terminal.columns)) terminal.print(line);
}

async function showEstimates(input: Input, terminal: Terminal): Promise<void> {
  const models = await estimates(logOf(input, terminal), windowOf(input), input.text('positive'));
  const found = Object.entries(models).map(([model, estimate]) => ({ model, ...estimate }));
  if (input.on('json')) return terminal.json(found.length === 1 ? found[0] : found);
  if (found.length === 0) return terminal.note('no predictions are logged');
  for (const { model, buckets, versions, ...estimate } of found) {
    printEstimate(model, estimate, terminal);
    for (const [name, part] of Object.entries(buckets ?? versions ?? {})) {
      printEstimate(`${model} ${name}`, part, terminal);
    }
  }
}

function printEstimate(title: string, estimate: Estimate, terminal: Terminal): void {
  const { n, n_reference: labelled, calibrated, confusion_matrix: _, ...metrics } = estimate;
  const how = calibrated ? `, calibrated by ${labelled} labelled ones` : '';
  terminal.print(`${title}: expected of ${n} predictions with scores${how}`);
  for (const [name, value] of Object.entries(metrics)) {
    terminal.print(`  ${name.padEnd(16)} ${typeof value === 'number' ? short(value) : value}`);
  }
}
