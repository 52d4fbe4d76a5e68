import { lastStep, type Judgement, type Pruner, type StudyView, type Trial } from '../trial.ts';
import { isCheck } from './percentile.ts';

export interface ThresholdOptions {
  readonly lower: number;
  readonly upper: number;
  readonly warmup: number;
  readonly interval: number;
}

/** Ends a trial whose last value is NaN or outside of [lower, upper]. */
export class ThresholdPruner implements Pruner {
  readonly #options: ThresholdOptions;

  constructor(options: Partial<ThresholdOptions>) {
    this.#options = { lower: -Infinity, upper: Infinity, warmup: 0, interval: 1, ...options };
  }

  judge(_study: StudyView, trial: Trial): Judgement {
    const { lower, upper, warmup, interval } = this.#options;
    const step = lastStep(trial);
    if (step === undefined || !isCheck(trial, step, warmup, interval)) return { prune: false };
    const value = trial.intermediate.get(step) as number;
    return { prune: !(value >= lower && value <= upper) };
  }
}
