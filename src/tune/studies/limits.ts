import { expectedGain } from '../looks/expected-gain.ts';
import { losses, violation, type Direction, type Trial } from '../trial.ts';
import type { OpenStudy } from './open-study.ts';
import type { FullTrial } from './trial-body.ts';

/** When a study is done. Times are milliseconds. */
export interface StudyLimits {
  /** Trials that it makes in all, however they end. */
  readonly trials?: number | undefined;
  readonly timeout?: number | undefined;
  /** One an objective. */
  readonly targets?: readonly (number | undefined)[] | undefined;
  /** The sum of a metric of all trials. */
  readonly cost?: { readonly metric: string; readonly max: number } | undefined;
  readonly noImprovement?: number | undefined;
  readonly terminator?: { readonly after: number; readonly improvement: number } | undefined;
  readonly maxFailed?: number | undefined;
}

export interface Done {
  readonly reason: string;
  /** False where the study failed rather than came to its end. */
  readonly good: boolean;
}

/** Why no new trial begins; undefined where one may. @param since when this run of the study began. */
export function whyDone(study: OpenStudy, limits: StudyLimits, since: number): Done | undefined {
  const { trials, timeout, maxFailed, cost, noImprovement, terminator } = limits;
  if (maxFailed !== undefined) {
    const failed = study.view.trials.filter(({ state }) => state === 'FAILED').length;
    if (failed > maxFailed) return { good: false, reason: `${failed} trials failed, more than ${maxFailed}` };
  }
  if (maxFailed === undefined && onlyFailures(study)) {
    return { good: false, reason: `the first ${hopeless} trials failed, and none came to its end` };
  }
  const reached = targetReached(study, limits.targets ?? []);
  if (reached !== undefined) return { good: true, reason: `trial ${reached.number} reached the target` };
  if (trials !== undefined && study.made >= trials) return { good: true, reason: `${trials} trials were made` };
  if (timeout !== undefined && Date.now() - since >= timeout) return { good: true, reason: 'the time is over' };
  if (cost !== undefined) {
    const spent = study.trials.reduce((sum, trial) => sum + costOf(trial, cost.metric), 0);
    if (spent >= cost.max) return { good: true, reason: `${cost.metric} came to ${spent}, the budget is ${cost.max}` };
  }
  if (noImprovement !== undefined) {
    const idle = sinceBest(study);
    if (idle >= noImprovement) return { good: true, reason: `none of ${idle} trials was better` };
  }
  if (terminator !== undefined && expectsLittle(study, terminator)) {
    return { good: true, reason: 'the model expects no better trial' };
  }
  return undefined;
}

/** So many failures without one success are no bad luck. */
const hopeless = 10;

function onlyFailures(study: OpenStudy): boolean {
  const { trials } = study.view;
  return trials.length >= hopeless && trials.filter(({ state }) => state === 'FAILED').length === trials.length;
}

function targetReached(study: OpenStudy, targets: readonly (number | undefined)[]): Trial | undefined {
  if (!targets.some((target) => target !== undefined)) return undefined;
  const { directions } = study.spec;
  return study.view.trials.find(
    (trial) =>
      trial.state === 'COMPLETE' &&
      violation(trial) === 0 &&
      targets.every((target, i) => target === undefined || isAtLeast(trial.values[i], target, directions[i])),
  );
}

function isAtLeast(value: number | undefined, target: number, direction: Direction | undefined): boolean {
  if (value === undefined) return false;
  return direction === 'maximize' ? value >= target : value <= target;
}

function costOf(trial: FullTrial, metric: string): number {
  return trial.facts.metrics[metric] ?? 0;
}

/** Finished trials since the best one; with several objectives since the newest one on the front. */
function sinceBest(study: OpenStudy): number {
  const best = study.best().at(-1);
  if (best === undefined) return 0;
  const foreign = best.facts.foreign ? -1 : best.number;
  return study.trials.filter(
    ({ number, state, facts }) => number > foreign && !facts.foreign && state !== 'RUNNING' && number !== best.number,
  ).length;
}

/** A model that sees no gain of more than a share of the standard deviation of all values. */
function expectsLittle(study: OpenStudy, { after, improvement }: { after: number; improvement: number }): boolean {
  const { view } = study;
  const complete = view.trials.filter(({ state }) => state === 'COMPLETE');
  if (complete.length < after) return false;
  const expected = expectedGain(view);
  return expected !== undefined && expected < improvement;
}

/** The best loss after each trial, for whoever draws or compares. */
export function bestSoFar(trials: readonly Trial[], directions: readonly Direction[]): number[] {
  let best = Infinity;
  return trials.map((trial) => {
    const loss = losses(trial, directions)[0];
    if (trial.state === 'COMPLETE' && violation(trial) === 0 && loss !== undefined && loss < best) best = loss;
    return best;
  });
}
