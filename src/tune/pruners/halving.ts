import { lastStep, type Direction, type Judgement, type Pruner, type StudyView, type Trial } from '../trial.ts';

export interface HalvingOptions {
  /** Steps of the first rung; 'auto': a hundredth of the longest complete trial, at least 1. */
  readonly min: number | 'auto';
  /** One in so many trials goes on to the next rung. */
  readonly factor: number;
  /** Rungs that are skipped at the start. */
  readonly rate: number;
  /** Trials that a rung must have seen before one goes on; all end there until then. */
  readonly bootstrap: number;
}

export const halvingDefaults: HalvingOptions = { min: 'auto', factor: 4, rate: 0, bootstrap: 0 };

/**
 * Asynchronous successive halving (Li et al. 2020) as Optuna decides: at each rung a trial goes on when it is among
 * the best 1/factor of those that reached it, itself counted; nothing waits. A trial's values at its rungs are noted
 * with it (`rungs`), since what it reports later no longer counts there.
 */
export class HalvingPruner implements Pruner {
  readonly #options: HalvingOptions;
  #min: number | undefined;

  constructor(options: Partial<HalvingOptions> = {}) {
    this.#options = { ...halvingDefaults, ...options };
    this.#min = this.#options.min === 'auto' ? undefined : this.#options.min;
  }

  judge(study: StudyView, trial: Trial): Judgement {
    const step = lastStep(trial);
    this.#min ??= shortest(study.trials);
    if (step === undefined || this.#min === undefined) return { prune: false };
    const value = trial.intermediate.get(step) as number;
    const rungs = [...rungsOf(trial)];
    while (step >= this.#stepOf(rungs.length, this.#min)) {
      if (Number.isNaN(value)) return { prune: true, notes: { rungs } };
      const rung = rungs.length;
      const competing = study.trials.flatMap((other) =>
        other.number === trial.number ? [] : (rungsOf(other)[rung] ?? []),
      );
      competing.push(value);
      rungs.push(value);
      const goesOn =
        competing.length > this.#options.bootstrap &&
        isPromoted(value, competing, this.#options.factor, study.directions[0] as Direction);
      if (!goesOn) return { prune: true, notes: { rungs } };
    }
    return { prune: false, notes: { rungs } };
  }

  #stepOf(rung: number, min: number): number {
    return min * this.#options.factor ** (this.#options.rate + rung);
  }
}

function rungsOf(trial: Trial): readonly number[] {
  return (trial.notes['rungs'] as readonly number[] | undefined) ?? [];
}

function shortest(trials: readonly Trial[]): number | undefined {
  let last: number | undefined;
  for (const trial of trials) {
    const step = trial.state === 'COMPLETE' ? lastStep(trial) : undefined;
    if (step !== undefined && (last === undefined || step > last)) last = step;
  }
  return last === undefined ? undefined : Math.max(Math.floor(last / 100), 1);
}

function isPromoted(value: number, competing: number[], factor: number, direction: Direction): boolean {
  const place = Math.max(Math.floor(competing.length / factor) - 1, 0);
  competing.sort((a, b) => a - b);
  return direction === 'maximize'
    ? value >= (competing[competing.length - 1 - place] as number)
    : value <= (competing[place] as number);
}
