import { MlopsError } from '../../base/index.ts';
import {
  newFacts,
  specVersion,
  type Direction,
  type FullTrial,
  type Params,
  type ParamValue,
  type StudySpec,
  type TrialState,
} from '../../tune/index.ts';

/** A study as Optuna keeps it, whatever it keeps it in. States and directions are Optuna's numbers. */
export interface OptunaStudy {
  readonly name: string;
  readonly directions: readonly number[];
  readonly trials: readonly OptunaTrial[];
}

export interface OptunaTrial {
  readonly number: number;
  readonly state: number;
  /** Values as Optuna has them inside, choices by their index, with their distributions as JSON. */
  readonly params: ReadonlyMap<string, { readonly value: number; readonly distribution: string }>;
  readonly values: readonly number[];
  readonly intermediate: ReadonlyMap<number, number>;
  readonly userAttributes: Readonly<Record<string, unknown>>;
  readonly systemAttributes: Readonly<Record<string, unknown>>;
  /** Milliseconds. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
}

/** RUNNING, COMPLETE, PRUNED, FAIL, WAITING. */
export const optunaStates = { RUNNING: 0, COMPLETE: 1, PRUNED: 2, FAILED: 3, WAITING: 4 } as const;
const ourStates: readonly TrialState[] = ['RUNNING', 'COMPLETE', 'PRUNED', 'FAILED'];

/** What is kept of an imported study, and its trials; those that wait are left to whoever goes on. */
export function fromOptuna(study: OptunaStudy): { readonly spec: StudySpec; readonly trials: readonly FullTrial[] } {
  const space: Record<string, unknown> = {};
  const trials = study.trials.flatMap((trial): FullTrial[] => {
    const params: Record<string, ParamValue> = {};
    for (const [name, { value, distribution }] of trial.params) {
      const domain = domainOf(distribution, name);
      space[name] = domain;
      const choices = domain['choices'] as ParamValue[] | undefined;
      params[name] = choices === undefined ? value : (choices[value] ?? null);
    }
    const state = ourStates[trial.state];
    if (state === undefined || state === 'RUNNING') return [];
    const { constraints } = trial.systemAttributes;
    const attributes = { user: trial.userAttributes, system: trial.systemAttributes };
    return [
      {
        ...{ number: trial.number, state, params, notes: {} },
        values: state === 'COMPLETE' ? trial.values : [],
        intermediate: trial.intermediate,
        constraints: Array.isArray(constraints) ? (constraints as number[]) : [],
        facts: { ...newFacts, startedAt: trial.startedAt ?? 0, endedAt: trial.endedAt, foreign: true, attributes },
      },
    ];
  });
  const directions = study.directions.map((each): Direction => (each === 2 ? 'maximize' : 'minimize'));
  const spec: StudySpec = {
    version: specVersion,
    space,
    directions,
    objectives: directions.map((_, i) => (directions.length === 1 ? 'value' : `values_${i}`)),
    sampler: { name: 'tpe' },
    pruner: null,
    dedupe: false,
    enqueue: [],
    run: {},
  };
  return { spec, trials };
}

function domainOf(json: string, name: string): Readonly<Record<string, unknown>> {
  const { name: kind, attributes } = JSON.parse(json) as {
    readonly name: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  };
  const { low, high, log, step, choices, q } = attributes;
  if (kind === 'CategoricalDistribution') return { type: 'categorical', choices };
  const isInt = kind.startsWith('Int');
  if (!isInt && !/Float|Uniform/.test(kind)) {
    throw new MlopsError('not_implemented', `'${name}' has the distribution ${kind}, which we do not know`);
  }
  const isLog = log === true || /^(?:LogUniform|IntLogUniform)/.test(kind);
  const width = step ?? q;
  const stepped = width !== undefined && width !== null && !(isInt && width === 1);
  return {
    type: isInt ? 'int' : 'float',
    low,
    high,
    ...(isLog ? { log: true } : {}),
    ...(stepped ? { step: width } : {}),
  };
}

/** A study of ours as Optuna keeps one. */
export function toOptuna(name: string, spec: StudySpec, trials: readonly FullTrial[]): OptunaStudy {
  return {
    name,
    directions: spec.directions.map((direction) => (direction === 'maximize' ? 2 : 1)),
    trials: trials.map((trial, index) => {
      const { attributes } = trial.facts;
      const system = (attributes['system'] ?? {}) as Readonly<Record<string, unknown>>;
      const last = Math.max(...trial.intermediate.keys());
      const pruned = trial.state === 'PRUNED' ? trial.intermediate.get(last) : undefined;
      return {
        number: index,
        state: optunaStates[trial.state],
        params: paramsOf(trial.params, spec.space),
        values: pruned === undefined ? trial.values : [pruned],
        intermediate: trial.intermediate,
        userAttributes: {
          ...(attributes['user'] as Readonly<Record<string, unknown>> | undefined),
          ...(trial.facts.runId === undefined ? {} : { mlflow_run_id: trial.facts.runId }),
        },
        systemAttributes: { ...system, ...(trial.constraints.length > 0 ? { constraints: trial.constraints } : {}) },
        startedAt: trial.facts.startedAt,
        endedAt: trial.state === 'RUNNING' ? undefined : (trial.facts.endedAt ?? trial.facts.startedAt),
      };
    }),
  };
}

function paramsOf(params: Params, space: StudySpec['space']): OptunaTrial['params'] {
  return new Map(
    Object.entries(params).flatMap(([name, value]) => {
      const domain = space[name] as Readonly<Record<string, unknown>> | undefined;
      if (domain === undefined) return [];
      const { type, low, high, log = false, step, choices } = domain;
      if (Array.isArray(choices)) {
        const index = choices.findIndex((each) => JSON.stringify(each) === JSON.stringify(value));
        const plain = choices.map((each: unknown) =>
          typeof each === 'object' && each !== null ? JSON.stringify(each) : each,
        );
        return [[name, { value: index, distribution: distribution('Categorical', { choices: plain }) }]];
      }
      const isInt = type === 'int';
      const attributes = isInt ? { log, step: step ?? 1, low, high } : { step: step ?? null, low, high, log };
      return [[name, { value: Number(value), distribution: distribution(isInt ? 'Int' : 'Float', attributes) }]];
    }),
  );
}

function distribution(kind: string, attributes: unknown): string {
  return JSON.stringify({ name: `${kind}Distribution`, attributes });
}
