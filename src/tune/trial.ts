import type { Params, Space } from './space.ts';

export type TrialState = 'RUNNING' | 'COMPLETE' | 'PRUNED' | 'FAILED';
export type Direction = 'minimize' | 'maximize';

/** One try of an objective. */
export interface Trial {
  /** Counts from 0 in a study. */
  readonly number: number;
  readonly state: TrialState;
  readonly params: Params;
  /** One an objective; empty unless COMPLETE. */
  readonly values: readonly number[];
  /** What the objective reported on its way, by step. */
  readonly intermediate: ReadonlyMap<number, number>;
  /** Each at most 0 where the trial is feasible. */
  readonly constraints: readonly number[];
  /** What its sampler noted (a generation, a point), and its pruner (values at rungs). */
  readonly notes: Readonly<Record<string, number | readonly number[] | readonly (readonly number[])[]>>;
}

/** What samplers and pruners see of a study. Trials are in the order of their numbers. */
export interface StudyView {
  readonly name: string;
  readonly space: Space;
  readonly directions: readonly Direction[];
  readonly trials: readonly Trial[];
}

/** A sampler's suggestion for a trial. */
export interface Suggestion {
  readonly params: Params;
  readonly notes?: Trial['notes'];
}

/** Suggests params. What it gives depends on its seed, the trial's number and the study alone. */
export interface Sampler {
  suggest(study: StudyView, number: number): Suggestion;
}

/** A pruner's word on a running trial. */
export interface Judgement {
  readonly prune: boolean;
  /** What the pruner wants noted with the trial: the rungs that it reached. */
  readonly notes?: Trial['notes'];
}

/** Says whether a running trial, after what it last reported, should end. */
export interface Pruner {
  judge(study: StudyView, trial: Trial): Judgement;
}

/** The trial's values with signs such that less is better. */
export function losses(trial: Trial, directions: readonly Direction[]): number[] {
  return trial.values.map((value, i) => (directions[i] === 'maximize' ? -value : value));
}

/** The sum of positive constraint values: 0 where the trial is feasible. */
export function violation(trial: Trial): number {
  let sum = 0;
  for (const value of trial.constraints) if (value > 0) sum += value;
  return sum;
}

export function lastStep(trial: Trial): number | undefined {
  let last: number | undefined;
  for (const step of trial.intermediate.keys()) if (last === undefined || step > last) last = step;
  return last;
}

export function isFinished(trial: Trial): boolean {
  return trial.state === 'COMPLETE' || trial.state === 'PRUNED';
}
