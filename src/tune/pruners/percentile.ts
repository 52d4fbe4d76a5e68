import { lastStep, type Direction, type Judgement, type Pruner, type StudyView, type Trial } from '../trial.ts';

export interface PercentileOptions {
  /** Trials within this share of the best ones go on, 0 to 100. */
  readonly percentile: number;
  /** Complete trials before anything is pruned. */
  readonly startup: number;
  /** Steps before anything is pruned. */
  readonly warmup: number;
  /** Steps between two checks. */
  readonly interval: number;
  /** Complete trials that must have reported this very step. */
  readonly minTrials: number;
}

export const percentileDefaults: Omit<PercentileOptions, 'percentile'> = {
  startup: 5,
  warmup: 0,
  interval: 1,
  minTrials: 1,
};

/** Ends a trial whose best value so far is worse than the percentile of the complete trials' values at its step. */
export class PercentilePruner implements Pruner {
  readonly #options: PercentileOptions;

  constructor(options: Partial<PercentileOptions> & { readonly percentile: number }) {
    this.#options = { ...percentileDefaults, ...options };
  }

  judge(study: StudyView, trial: Trial): Judgement {
    return { prune: this.#isBehind(study, trial) };
  }

  #isBehind(study: StudyView, trial: Trial): boolean {
    const { percentile, startup, warmup, interval, minTrials } = this.#options;
    const complete = study.trials.filter((other) => other.state === 'COMPLETE');
    const step = lastStep(trial);
    if (complete.length === 0 || complete.length < startup || step === undefined) return false;
    if (!isCheck(trial, step, warmup, interval)) return false;
    const direction = study.directions[0] as Direction;
    const reported = [...trial.intermediate.values()].filter((value) => !Number.isNaN(value));
    if (reported.length === 0) return true;
    const best = direction === 'maximize' ? Math.max(...reported) : Math.min(...reported);
    const others = complete.flatMap((other) => other.intermediate.get(step) ?? []);
    if (others.length < minTrials) return false;
    const limit = percentileOf(others, direction === 'maximize' ? 100 - percentile : percentile);
    return direction === 'maximize' ? best < limit : best > limit;
  }
}

/** Whether this is the first report since the last check, steps being checked from `warmup` on. */
export function isCheck(trial: Trial, step: number, warmup: number, interval: number): boolean {
  if (step < warmup) return false;
  const check = Math.floor((step - warmup) / interval) * interval + warmup;
  let before = -1;
  for (const other of trial.intermediate.keys()) if (other !== step && other > before) before = other;
  return before < check;
}

/** numpy's `nanpercentile`: linear between the neighbours. NaN where all values are. */
export function percentileOf(values: readonly number[], percentile: number): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  const place = (percentile / 100) * (sorted.length - 1);
  const low = Math.floor(place);
  const a = sorted[low] as number;
  const b = sorted[Math.min(low + 1, sorted.length - 1)] as number;
  const t = place - low;
  return t === 0 || a === b ? a : a + (b - a) * t;
}
