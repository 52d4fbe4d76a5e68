import { MlopsError } from '../../base/index.ts';
import { losses, violation, type Direction, type Trial, type TrialState } from '../trial.ts';
import type { Params } from '../space.ts';
import type { TrialRow } from './trial-store.ts';

/** What is known of a trial besides what samplers see. */
export interface TrialFacts {
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  /** 1, and one more each time it had to be begun again. */
  readonly attempt: number;
  /** The tracking run. */
  readonly runId: string | undefined;
  /** Why it failed or was pruned. */
  readonly reason: string | undefined;
  /** The end of its output, where it failed. */
  readonly log: string | undefined;
  /** Who runs it. */
  readonly worker: string | undefined;
  /** Made elsewhere, or by a person: it does not count for the budget. */
  readonly foreign: boolean;
  /** Its params were asked for. */
  readonly enqueued: boolean;
  /** Stages that were restored instead of run. */
  readonly restored: readonly string[];
  /** Other metrics of it, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** What another program wants kept with it (Optuna's attributes). */
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A trial with everything that is known of it. */
export interface FullTrial extends Trial {
  readonly facts: TrialFacts;
}

export const newFacts: TrialFacts = {
  startedAt: 0,
  endedAt: undefined,
  attempt: 1,
  runId: undefined,
  reason: undefined,
  log: undefined,
  worker: undefined,
  foreign: false,
  enqueued: false,
  restored: [],
  metrics: {},
  attributes: {},
};

/** JSON has no infinities: they are words. */
type Real = number | string;

interface Body {
  readonly params: Params;
  readonly values?: readonly Real[];
  readonly intermediate?: readonly (readonly [step: number, value: Real])[];
  readonly constraints?: readonly Real[];
  readonly notes?: Trial['notes'];
  readonly facts?: Partial<TrialFacts>;
}

export function rowOf(trial: FullTrial, directions: readonly Direction[]): TrialRow {
  const { startedAt, endedAt, ...facts } = trial.facts;
  const told = Object.entries(facts).filter(([key, value]) => !isDefault(key, value));
  const single = trial.state === 'COMPLETE' && directions.length === 1 && violation(trial) === 0;
  const body: Body = {
    params: trial.params,
    ...(trial.values.length > 0 ? { values: trial.values.map(writeReal) } : {}),
    ...(trial.intermediate.size > 0
      ? { intermediate: [...trial.intermediate].map(([step, value]) => [step, writeReal(value)] as const) }
      : {}),
    ...(trial.constraints.length > 0 ? { constraints: trial.constraints.map(writeReal) } : {}),
    ...(Object.keys(trial.notes).length > 0 ? { notes: trial.notes } : {}),
    ...(told.length > 0 ? { facts: Object.fromEntries(told) } : {}),
  };
  return {
    number: trial.number,
    state: trial.state,
    loss: single ? (losses(trial, directions)[0] ?? null) : null,
    startedAt,
    endedAt: endedAt ?? null,
    body: JSON.stringify(body),
  };
}

/** @throws MlopsError `store_broken` for a body that is none. */
export function trialOf(row: TrialRow, study: string): FullTrial {
  let body: Body;
  try {
    body = JSON.parse(row.body) as Body;
    if (typeof body.params !== 'object' || body.params === null) throw new SyntaxError('it has no params');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new MlopsError('store_broken', `trial ${row.number} of study '${study}' is damaged: ${error.message}`, {
      hint: 'all other trials are whole. Bring the store back from a backup, or export the rest: mlops tune export --skip-damaged',
      data: { trial: row.number },
    });
  }
  return {
    number: row.number,
    state: row.state as TrialState,
    params: body.params,
    values: (body.values ?? []).map(readReal),
    intermediate: new Map((body.intermediate ?? []).map(([step, value]) => [step, readReal(value)])),
    constraints: (body.constraints ?? []).map(readReal),
    notes: body.notes ?? {},
    facts: { ...newFacts, ...body.facts, startedAt: row.startedAt, endedAt: row.endedAt ?? undefined },
  };
}

function isDefault(key: string, value: unknown): boolean {
  return value === undefined || JSON.stringify(value) === JSON.stringify(newFacts[key as keyof TrialFacts]);
}

function writeReal(value: number): Real {
  return Number.isFinite(value) ? value : String(value);
}

function readReal(value: Real): number {
  return Number(value);
}
