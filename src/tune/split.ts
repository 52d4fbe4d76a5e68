import { chooseByHypervolume } from './hypervolume.ts';
import { nonDominationRanks, type Point } from './pareto.ts';
import { lastStep, losses, violation, type Direction, type Trial } from './trial.ts';

/** The good trials and the rest, each in the order of trial numbers. */
export interface Split {
  readonly below: readonly Trial[];
  readonly above: readonly Trial[];
}

/** How many of n finished trials are good: a tenth; at most 25 of them where there is one objective. */
export function goodCount(n: number, objectives: number): number {
  const tenth = Math.ceil(0.1 * n);
  return objectives > 1 ? tenth : Math.min(tenth, 25);
}

/**
 * Splits trials as Optuna 5 does: complete ones by value, then pruned ones by how far they came, then infeasible ones
 * by how much they violate. Running ones always count as bad ("constant liar"); failed ones are left out. Sorting is
 * stable, so that ties are reproducible.
 */
export function splitTrials(trials: readonly Trial[], directions: readonly Direction[], count: number): Split {
  const complete: Trial[] = [];
  const pruned: Trial[] = [];
  const infeasible: Trial[] = [];
  const running: Trial[] = [];
  for (const trial of trials) {
    if (trial.state === 'RUNNING') running.push(trial);
    else if (trial.state === 'FAILED') continue;
    else if (violation(trial) > 0) infeasible.push(trial);
    else if (trial.state === 'COMPLETE') complete.push(trial);
    else pruned.push(trial);
  }
  const good = directions.length > 1 ? goodTrials(complete, directions, count) : bestOfOne(complete, directions, count);
  const below = new Set(good);
  const add = (candidates: Trial[], order: (a: Trial, b: Trial) => number): void => {
    const room = Math.max(0, count - below.size);
    for (const trial of candidates.sort(order).slice(0, room)) below.add(trial);
  };
  add(pruned, byProgress(directions[0]));
  add(infeasible, (a, b) => violation(a) - violation(b));
  return {
    below: trials.filter((trial) => below.has(trial)),
    above: trials.filter((trial) => !below.has(trial) && trial.state !== 'FAILED'),
  };
}

function bestOfOne(complete: readonly Trial[], directions: readonly Direction[], count: number): Trial[] {
  const loss = (trial: Trial): number => losses(trial, directions)[0] as number;
  const keyed = complete.map((trial) => ({ trial, loss: loss(trial) }));
  keyed.sort((a, b) => compare(a.loss, b.loss));
  return keyed.slice(0, count).map(({ trial }) => trial);
}

/** The `count` best of complete trials with several objectives: by fronts, the last one cut by hypervolume. */
export function goodTrials(complete: readonly Trial[], directions: readonly Direction[], count: number): Trial[] {
  if (count === 0) return [];
  if (count >= complete.length) return [...complete];
  const points = complete.map((trial) => losses(trial, directions));
  const ranks = nonDominationRanks(points, count);
  const sizes: number[] = [];
  for (const rank of ranks) sizes[rank] = (sizes[rank] ?? 0) + 1;
  let whole = 0;
  let taken = 0;
  while (taken + (sizes[whole] ?? 0) <= count && whole < sizes.length) taken += sizes[whole++] ?? 0;
  const chosen = new Set(complete.map((_, i) => i).filter((i) => (ranks[i] as number) < whole));
  if (chosen.size < count) {
    const tied = complete.map((_, i) => i).filter((i) => ranks[i] === whole);
    const tiedPoints = tied.map((i) => points[i] as Point);
    const picked = chooseByHypervolume(tiedPoints, count - chosen.size, referencePoint(tiedPoints));
    for (const k of picked) chosen.add(tied[k] as number);
  }
  return complete.filter((_, i) => chosen.has(i));
}

/** A tenth beyond the worst value of each objective. */
export function referencePoint(points: readonly Point[]): number[] {
  const dimensions = points[0]?.length ?? 0;
  return Array.from({ length: dimensions }, (_, k) => {
    const worst = Math.max(...points.map((point) => point[k] as number));
    const beyond = Math.max(1.1 * worst, 0.9 * worst);
    return beyond === 0 ? 1e-12 : beyond;
  });
}

/** Pruned trials: further steps first, then the better value there; the ones that reported nothing last. */
function byProgress(direction: Direction | undefined): (a: Trial, b: Trial) => number {
  const key = (trial: Trial): readonly [number, number] => {
    const step = lastStep(trial);
    if (step === undefined) return [1, 0];
    const value = trial.intermediate.get(step) as number;
    return [-step, Number.isNaN(value) ? Infinity : direction === 'maximize' ? -value : value];
  };
  return (a, b) => {
    const [x, y] = [key(a), key(b)];
    return compare(x[0], y[0]) || compare(x[1], y[1]);
  };
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
