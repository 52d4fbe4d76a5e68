import { addAt } from '../matrix.ts';
import { cdf } from '../normal.ts';
import type { Direction, Judgement, Pruner, StudyView, Trial } from '../trial.ts';

export interface WilcoxonOptions {
  /** The p-value below which a trial is worse than the best one. */
  readonly p: number;
  /** Steps that both must have reported. */
  readonly startup: number;
}

/**
 * Ends a trial whose values, step by step, are worse than the best trial's by Wilcoxon's signed-rank test (one-sided,
 * zeros split). Made for objectives that average over instances, a step each.
 */
export class WilcoxonPruner implements Pruner {
  readonly #options: WilcoxonOptions;

  constructor(options: Partial<WilcoxonOptions> = {}) {
    this.#options = { p: 0.1, startup: 2, ...options };
  }

  judge(study: StudyView, trial: Trial): Judgement {
    return { prune: this.#isWorse(study, trial) };
  }

  #isWorse(study: StudyView, trial: Trial): boolean {
    const best = bestTrial(study);
    if (best === undefined || trial.intermediate.size === 0 || best.intermediate.size === 0) return false;
    if (![...trial.intermediate.values(), ...best.intermediate.values()].every(Number.isFinite)) return false;
    const sign = study.directions[0] === 'maximize' ? -1 : 1;
    const differences: number[] = [];
    for (const [step, value] of trial.intermediate) {
      const other = best.intermediate.get(step);
      if (other !== undefined) differences.push(sign * (value - other));
    }
    if (differences.length < Math.max(2, this.#options.startup)) return false;
    const p = signedRankP(differences);
    const bestMean = mean([...best.intermediate.values()]);
    const ownMean = mean([...trial.intermediate.values()]);
    // A trial that is better on average is never ended, whatever the ranks say.
    if (sign * bestMean >= sign * ownMean) return false;
    return p < this.#options.p;
  }
}

function bestTrial(study: StudyView): Trial | undefined {
  const sign = (study.directions[0] as Direction) === 'maximize' ? -1 : 1;
  let best: Trial | undefined;
  for (const trial of study.trials) {
    if (trial.state !== 'COMPLETE') continue;
    if (best === undefined || sign * (trial.values[0] as number) < sign * (best.values[0] as number)) best = trial;
  }
  return best;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * The p-value that the differences are not above 0 (`scipy.stats.wilcoxon`, alternative 'greater', zeros split): exact
 * over all signs for up to 50 of them, or 13 where there are ties or zeros, else by the normal approximation.
 */
export function signedRankP(differences: readonly number[]): number {
  const n = differences.length;
  const sorted = differences.map((d) => ({ size: Math.abs(d), sign: Math.sign(d) })).sort((a, b) => a.size - b.size);
  const doubledRanks: number[] = [];
  let doubledPlus = 0;
  let ties = 0;
  for (let i = 0; i < n;) {
    let j = i;
    while (j < n && sorted[j]?.size === sorted[i]?.size) j++;
    const doubled = i + 1 + j;
    for (let k = i; k < j; k++) {
      const sign = sorted[k]?.sign as number;
      // Half of a zero's rank counts as positive, whatever the signs.
      if (sign === 0) doubledPlus += doubled / 2;
      else {
        doubledRanks.push(doubled);
        if (sign > 0) doubledPlus += doubled;
      }
    }
    if (j - i > 1) ties += (j - i) ** 3 - (j - i);
    i = j;
  }
  const zeros = n - doubledRanks.length;
  if (n <= (ties === 0 && zeros === 0 ? 50 : 13)) {
    const ofZeros = (n * (n + 1) - doubledRanks.reduce((sum, rank) => sum + rank, 0)) / 2;
    return exactP(doubledPlus - ofZeros, doubledRanks);
  }
  const expected = (n * (n + 1)) / 4;
  const variance = (n * (n + 1) * (2 * n + 1)) / 24 - ties / 48;
  return variance === 0 ? 1 : cdf(-(doubledPlus / 2 - expected) / Math.sqrt(variance));
}

/** P(sum of the ranks with a positive sign >= w) over all signs; ranks and w are doubled, hence whole. */
function exactP(w: number, ranks: readonly number[]): number {
  let share = new Float64Array(1).fill(1);
  for (const rank of ranks) {
    const next = new Float64Array(share.length + rank);
    for (let sum = 0; sum < share.length; sum++) {
      addAt(next, sum, (share[sum] as number) / 2);
      addAt(next, sum + rank, (share[sum] as number) / 2);
    }
    share = next;
  }
  let p = 0;
  for (let sum = Math.max(Math.ceil(w - 1e-9), 0); sum < share.length; sum++) p += share[sum] as number;
  return Math.min(p, 1);
}
