import * as path from 'node:path';

import type { PyValue } from '../../base/index.ts';
import { setting, type SettingKind, type SettingOf } from '../../project/index.ts';
import type { Params } from '../../tune/index.ts';
import type { Constraint, Job, MetricSource, Objective, TuneSettings } from './settings.ts';

const { fields, optional, required, text, number, integer, flag, duration, choice, listOf, either, checked, plain } =
  setting;

/** One, or a list of them. */
function some<Value>(kind: SettingKind<Value>): SettingKind<Value | Value[]> {
  const list = listOf(kind);
  return {
    words: `${kind.words}, or a list of them`,
    keys: kind.keys,
    read: (value, at) => (Array.isArray(value) ? list.read(value, at) : kind.read(value, at)),
  };
}

const source = {
  file: optional(text(), { about: 'a metrics file (JSON, YAML, TOML)' }),
  key: optional(text(), { about: 'the key in it, dotted' }),
  tracking: optional(text(), { about: 'a metric that the trial logs, instead' }),
  stdout: optional(text(), { about: 'a name that the trial prints with a number, instead' }),
};

const oneSource = (value: {
  readonly file?: string | undefined;
  readonly tracking?: string | undefined;
  readonly stdout?: string | undefined;
}): string | undefined =>
  [value.file, value.tracking, value.stdout].filter((each) => each !== undefined).length === 1
    ? undefined
    : 'name one of file, tracking and stdout';

const metric = checked(
  fields({
    ...source,
    goal: optional(choice(['minimize', 'maximize', 'min', 'max']), { about: 'what is better', fallback: 'minimize' }),
    target: optional(number(), { about: 'stop when a trial is this good' }),
  }),
  oneSource,
);

const constraint = checked(
  fields({
    ...source,
    max: optional(number(), { about: 'holds up to this number' }),
    min: optional(number(), { about: 'holds from this number on' }),
  }),
  (value) => oneSource(value) ?? (value.max === undefined && value.min === undefined ? 'needs max or min' : undefined),
);

/** Parameters by name; mappings inside make dotted names. What a parameter may be, `tune` says. */
const space: SettingKind<Readonly<Record<string, PyValue>>> = {
  words: 'a mapping from parameters to domains',
  read(value, at) {
    if (!(value instanceof Map)) return at.wrong('a mapping from parameters to domains', value);
    const found: Record<string, PyValue> = {};
    const visit = (map: ReadonlyMap<unknown, PyValue>, prefix: string): void => {
      for (const [key, inner] of map) {
        const name = `${prefix}${String(key)}`;
        const isDomain = !(inner instanceof Map) || domainKeys.some((each) => inner.has(each));
        if (isDomain) found[name] = inner;
        else visit(inner, `${name}.`);
      }
    };
    visit(value, '');
    return found;
  },
};
const domainKeys = ['float', 'int', 'choice', 'type', 'choices'];

const run = fields({
  pipeline: optional(text(), { about: 'the pipeline file', fallback: 'dvc.yaml' }),
  targets: optional(some(text()), { about: 'stages to bring up to date; all where none is named' }),
  cmd: optional(text(), { about: 'a command instead of a pipeline; `${NAME}` stands for a parameter' }),
  outs: optional(some(text()), { about: 'what a command writes besides its metrics' }),
  join: optional(flag(), { about: "MLflow's clients log into the trial's own run", fallback: true }),
});

/** Where only a terminator is asked for. */
export const usualTerminator = { after: 20, improvement: 0.01 };

export const tuneFile = fields({
  study: optional(text(), { about: "the study's name; a study of that name goes on" }),
  run: optional(run, { about: 'what a trial runs' }),
  cmd: optional(text(), { about: 'the same as run.cmd' }),
  metric: optional(some(metric), { about: 'what is searched for; several are several objectives' }),
  constraints: optional(some(constraint), { about: 'what a trial must keep to be feasible' }),
  space: optional(space, { about: 'the parameters' }),
  sampler: optional(either(text(), plain('a mapping with name')), { about: 'who suggests' }),
  pruner: optional(either(text(), plain('a mapping with name')), {
    about: 'who ends trials early',
  }),
  trials: optional(integer({ min: 1 }), { about: 'trials in all' }),
  parallel: optional(integer({ min: 1 }), { about: 'trials at a time', fallback: 1 }),
  timeout: optional(duration(), { about: 'no trial begins after so long' }),
  cost: optional(fields({ ...source, max: required(number(), { about: 'no trial begins when the sum is above' }) }), {
    about: 'a budget of anything that trials measure',
  }),
  no_improvement: optional(integer({ min: 1 }), { about: 'stop after so many trials without a better one' }),
  terminator: optional(
    either(
      flag(),
      fields({
        after: optional(integer({ min: 2 }), { about: 'trials before it is asked', fallback: usualTerminator.after }),
        improvement: optional(number({ above: 0 }), {
          about: 'stop when no more than this share of what was gained is expected',
          fallback: usualTerminator.improvement,
        }),
      }),
    ),
    { about: 'stop when a model expects little more' },
  ),
  max_failed: optional(integer({ min: 0 }), { about: 'stop when more trials than this failed' }),
  trial: optional(
    fields({
      timeout: optional(duration(), { about: 'a trial that takes longer has failed' }),
      retries: optional(integer({ min: 0, max: 100 }), { about: 'a trial that failed is run again', fallback: 0 }),
    }),
    { about: 'limits of one trial' },
  ),
  dedupe: optional(flag(), { about: 'no setting twice', fallback: false }),
  enqueue: optional(listOf(plain('a mapping from parameters')), {
    about: 'params, or some of them, of the first trials',
  }),
  warm_start: optional(some(text()), { about: 'studies whose trials this one begins with' }),
  from_runs: optional(text(), { about: 'recorded runs that this one begins with, as a search' }),
  params: optional(text(), { about: 'the file with the parameters', fallback: 'params.yaml' }),
  experiment: optional(text(), { about: 'the experiment of the runs' }),
});

type TuneFile = SettingOf<typeof tuneFile>;

export function sourceOf(from: {
  readonly file?: string | undefined;
  readonly key?: string | undefined;
  readonly tracking?: string | undefined;
  readonly stdout?: string | undefined;
}): MetricSource {
  if (from.tracking !== undefined) return { kind: 'tracking', key: from.tracking };
  if (from.stdout !== undefined) return { kind: 'stdout', key: from.stdout };
  return { kind: 'file', file: from.file ?? '', key: from.key ?? '' };
}

/** What the file says, for `readTune` to complete; the space and the names are still as they were written. */
export interface TuneParts extends Omit<TuneSettings, 'space' | 'study' | 'sampler'> {
  readonly study: string | undefined;
  readonly space: Readonly<Record<string, PyValue>>;
  readonly sampler: Readonly<Record<string, unknown>> | undefined;
}

export function partsOfFile(file: TuneFile): TuneParts {
  const command = file.run?.cmd ?? file.cmd;
  const job: Job =
    command === undefined
      ? { kind: 'pipeline', file: file.run?.pipeline ?? 'dvc.yaml', targets: listed(file.run?.targets) }
      : { kind: 'command', command };
  const { progress, ...pruner } = named(file.pruner) ?? {};
  const terminator = file.terminator === true ? usualTerminator : file.terminator;
  return {
    study: file.study,
    job,
    objectives: listed(file.metric).map((each): Objective => ({
      source: sourceOf(each),
      direction: each.goal.startsWith('max') ? 'maximize' : 'minimize',
      target: each.target,
    })),
    constraints: listed(file.constraints).map((each): Constraint => ({
      source: sourceOf(each),
      max: each.max,
      min: each.min,
    })),
    space: file.space ?? {},
    sampler: named(file.sampler),
    pruner: file.pruner === undefined ? undefined : pruner,
    progress: progressOf(progress),
    trials: file.trials,
    parallel: file.parallel,
    timeout: file.timeout,
    cost: file.cost === undefined ? undefined : { source: sourceOf(file.cost), max: file.cost.max },
    noImprovement: file.no_improvement,
    terminator: terminator === false || terminator === undefined ? undefined : terminator,
    maxFailed: file.max_failed,
    trial: { timeout: file.trial?.timeout, retries: file.trial?.retries ?? 0 },
    dedupe: file.dedupe,
    enqueue: (file.enqueue ?? []) as readonly Params[],
    warmStart: listed(file.warm_start),
    fromRuns: file.from_runs,
    params: path.posix.normalize(file.params),
    experiment: file.experiment,
    outs: listed(file.run?.outs),
    join: file.run?.join ?? true,
  };
}

function progressOf(given: unknown): TuneParts['progress'] {
  if (typeof given !== 'object' || given === null) return undefined;
  const { step, ...rest } = given as Readonly<Record<string, string | undefined>>;
  return { source: sourceOf(rest), step };
}

function listed<Value>(value: Value | Value[] | undefined): Value[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** A name alone, or a mapping with one. */
function named(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? { name: value } : (value as Readonly<Record<string, unknown>>);
}
