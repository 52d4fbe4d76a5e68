import { MlopsError } from '../../base/index.ts';
import type { TuneFlags } from '../../app/tuning/read-tune.ts';
import type { FlagSpec, Input } from '../parse/command.ts';

export const studyArg = {
  name: 'study',
  summary: 'the study; the only one where it is not named',
  optional: true,
} as const;

/** All keys of tune.yaml. */
export const tuneFlags: readonly FlagSpec[] = [
  { name: 'file', value: 'FILE', summary: 'the file that describes the study (tune.yaml)', completes: 'path' },
  { name: 'study', value: 'NAME', summary: 'the name of the study; one that is there goes on' },
  {
    name: 'set-param',
    short: 'S',
    value: '[FILE:]KEY=DOMAIN',
    repeat: 'each',
    summary: 'a parameter: log(1e-5,1e-1), float(0,1), int(1,9), choice(a,b), or a sweep: 1,2,3',
  },
  { name: 'trials', short: 'n', value: 'N', integer: true, summary: 'trials in all (100)' },
  { name: 'parallel', short: 'j', aliases: ['jobs'], value: 'N', integer: true, summary: 'trials at a time (1)' },
  {
    name: 'metric',
    value: 'FILE:KEY',
    repeat: 'each',
    summary: 'what is searched for; also tracking:KEY, stdout:KEY; :max or :min behind it where there are several',
  },
  { name: 'max', aliases: ['maximize'], summary: 'more of the metric is better' },
  { name: 'min', aliases: ['minimize'], summary: 'less of the metric is better (default)' },
  { name: 'target', value: 'NUMBER', summary: 'stop when a trial is this good' },
  { name: 'constraint', value: 'FILE:KEY<=X', repeat: 'each', summary: 'what a trial must keep to be feasible; or >=' },
  {
    name: 'sampler',
    value: 'NAME',
    summary: 'tpe, random, grid, qmc, cma-es, gp, nsga2, optuna:CLASS; NAME,KEY=VALUE',
  },
  { name: 'seed', value: 'N', integer: true, summary: 'what is suggested follows from it' },
  { name: 'pruner', value: 'NAME', summary: 'median, percentile, asha, hyperband...; NAME,KEY=VALUE' },
  { name: 'progress', value: 'FILE:KEY', summary: 'the values that the pruner sees' },
  { name: 'timeout', value: 'TIME', summary: 'no trial begins after so long: 30m, 2h' },
  { name: 'cost', value: 'FILE:KEY<=X', summary: 'a budget: no trial begins when the sum is above' },
  { name: 'no-improvement', value: 'N', integer: true, summary: 'stop after so many trials without a better one' },
  { name: 'terminator', negatable: true, summary: 'stop when a model expects little more' },
  { name: 'trial-timeout', value: 'TIME', summary: 'a trial that takes longer has failed' },
  { name: 'retries', value: 'N', integer: true, summary: 'a trial that failed is run again so often' },
  { name: 'max-failed', value: 'N', integer: true, summary: 'stop when more trials than this failed' },
  { name: 'dedupe', negatable: true, summary: 'no setting twice' },
  { name: 'enqueue', value: 'JSON', repeat: 'each', summary: `params of the first trials: '{"train.lr": 0.001}'` },
  { name: 'warm-start', value: 'STUDY', repeat: 'each', summary: 'begin with the trials of another study' },
  { name: 'from-runs', value: 'SEARCH', summary: `begin with recorded runs: "experiment = 'x' and metrics.acc > 0.5"` },
  { name: 'params', value: 'FILE', summary: 'the file with the parameters (params.yaml)', completes: 'path' },
  { name: 'pipeline', value: 'FILE', summary: 'the pipeline file (dvc.yaml)', completes: 'path' },
  { name: 'outs', value: 'PATH', repeat: 'each', summary: 'what a command writes besides its metrics' },
  { name: 'join', negatable: true, summary: "MLflow's clients log into the trial's own run (default)" },
  { name: 'experiment', value: 'NAME', summary: 'the experiment of the runs', completes: 'experiment' },
];

export function flagsOf(input: Input, targets: readonly string[]): TuneFlags {
  return {
    file: input.text('file'),
    study: input.text('study'),
    space: input.list('set-param'),
    metrics: input.list('metric'),
    goal: input.on('max') ? 'maximize' : input.on('min') ? 'minimize' : undefined,
    target: numberFlag(input, 'target'),
    trials: countFlag(input, 'trials'),
    parallel: countFlag(input, 'parallel'),
    timeout: timeFlag(input, 'timeout'),
    trialTimeout: timeFlag(input, 'trial-timeout'),
    retries: input.number('retries'),
    maxFailed: input.number('max-failed'),
    noImprovement: countFlag(input, 'no-improvement'),
    terminator: input.choice('terminator'),
    sampler: input.text('sampler'),
    seed: input.number('seed'),
    pruner: input.text('pruner'),
    progress: input.text('progress'),
    dedupe: input.choice('dedupe'),
    enqueue: input.list('enqueue'),
    constraints: input.list('constraint'),
    cost: input.text('cost'),
    warmStart: input.list('warm-start'),
    fromRuns: input.text('from-runs'),
    params: input.text('params'),
    pipeline: input.text('pipeline'),
    outs: input.list('outs'),
    join: input.choice('join'),
    experiment: input.text('experiment'),
    targets,
    command: input.rest,
  };
}

export function countFlag(input: Input, flag: string): number | undefined {
  const count = input.number(flag);
  if (count === undefined || count > 0) return count;
  throw new MlopsError('usage', `--${flag} is a whole number from 1, not ${count}`);
}

function numberFlag(input: Input, flag: string): number | undefined {
  const text = input.text(flag);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new MlopsError('usage', `--${flag} takes a number, got '${text}'`);
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `30m`, `2h`, `1d`; a bare number are seconds. In milliseconds. */
export function timeFlag(input: Input, flag: string): number | undefined {
  const text = input.text(flag);
  if (text === undefined) return undefined;
  const [, count, unit = 's'] = /^(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * (units[unit] ?? 1000);
  throw new MlopsError('usage', `--${flag} takes a time such as 30s, 15m or 2h, got '${text}'`);
}
