import * as zlib from 'node:zlib';

import { lastStep, type Judgement, type Pruner, type StudyView, type Trial } from '../trial.ts';
import { HalvingPruner } from './halving.ts';

export interface HyperbandOptions {
  /** Steps of the first rung. */
  readonly min: number;
  /** Steps of the longest trial; 'auto': one more than the longest complete one's last step. */
  readonly max: number | 'auto';
  readonly factor: number;
  readonly bootstrap: number;
}

export const hyperbandDefaults: HyperbandOptions = { min: 1, max: 'auto', factor: 3, bootstrap: 0 };

interface Bracket {
  readonly budget: number;
  readonly pruner: HalvingPruner;
}

/**
 * Hyperband (Li et al. 2018) as Optuna divides it: brackets are successive halving that starts later and later, and
 * which bracket a trial is in follows from the study's name and its number.
 */
export class HyperbandPruner implements Pruner {
  readonly #options: HyperbandOptions;
  #brackets: readonly Bracket[] = [];

  constructor(options: Partial<HyperbandOptions> = {}) {
    this.#options = { ...hyperbandDefaults, ...options };
  }

  judge(study: StudyView, trial: Trial): Judgement {
    if (this.#brackets.length === 0) this.#brackets = this.#divide(study);
    if (this.#brackets.length === 0) return { prune: false };
    const mine = this.#bracketOf(study.name, trial.number);
    const trials = study.trials.filter((other) => this.#bracketOf(study.name, other.number) === mine);
    const { name, space, directions } = study;
    return mine.pruner.judge({ name, space, directions, trials }, trial);
  }

  #divide(study: StudyView): Bracket[] {
    const { min, factor, bootstrap } = this.#options;
    let max = this.#options.max;
    if (max === 'auto') {
      const steps = study.trials.flatMap((trial) => (trial.state === 'COMPLETE' ? (lastStep(trial) ?? []) : []));
      if (steps.length === 0) return [];
      max = Math.max(...steps) + 1;
    }
    const count = Math.floor(Math.log(max / min) / Math.log(factor)) + 1;
    return Array.from({ length: Math.max(count, 1) }, (_, rate) => {
      const s = count - 1 - rate;
      const budget = Math.ceil((count * factor ** s) / (s + 1));
      return { budget, pruner: new HalvingPruner({ min, factor, rate, bootstrap }) };
    });
  }

  #bracketOf(name: string, number: number): Bracket {
    const total = this.#brackets.reduce((sum, { budget }) => sum + budget, 0);
    let left = zlib.crc32(`${name}_${number}`) % total;
    for (const bracket of this.#brackets) {
      left -= bracket.budget;
      if (left < 0) return bracket;
    }
    return this.#brackets.at(-1) as Bracket;
  }
}
