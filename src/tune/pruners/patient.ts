import type { Judgement, Pruner, StudyView, Trial } from '../trial.ts';

export interface PatientOptions {
  /** Reports without a better value that are borne. */
  readonly patience: number;
  /** By how much a value must be better to count. */
  readonly minDelta: number;
}

/** Lets another pruner decide (without one: ends the trial) once nothing got better for some reports. */
export class PatientPruner implements Pruner {
  readonly #options: PatientOptions;
  readonly #wrapped: Pruner | undefined;

  constructor(options: Partial<PatientOptions> & { readonly patience: number }, wrapped?: Pruner) {
    this.#options = { minDelta: 0, ...options };
    this.#wrapped = wrapped;
  }

  judge(study: StudyView, trial: Trial): Judgement {
    const { patience, minDelta } = this.#options;
    const steps = [...trial.intermediate.keys()].sort((a, b) => a - b);
    if (steps.length <= patience + 1) return { prune: false };
    const sign = study.directions[0] === 'maximize' ? -1 : 1;
    const best = (part: readonly number[]): number => {
      const values = part.map((step) => sign * (trial.intermediate.get(step) as number));
      const known = values.filter((value) => !Number.isNaN(value));
      return known.length === 0 ? NaN : Math.min(...known);
    };
    const before = best(steps.slice(0, -patience - 1));
    const after = best(steps.slice(-patience - 1));
    if (!(before + minDelta < after)) return { prune: false };
    return this.#wrapped?.judge(study, trial) ?? { prune: true };
  }
}
