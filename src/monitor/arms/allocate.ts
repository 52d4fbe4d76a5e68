import { seededRandom } from '../statistics/random.ts';
import { momentsOf } from './moments.ts';

/** Draws from what is believed of the arms. */
const draws = 4_000;

/**
 * The chance of each arm to be the best by what its values tell: the shares of Thompson sampling. Values from 0 to 1 are
 * believed to have a beta distribution's mean (uniform beforehand), others that of a normal one. The same for the same
 * values, in every process.
 */
export function thompsonShares(values: readonly (readonly number[])[]): number[] {
  if (values.length === 0) return [];
  const random = seededRandom(1);
  const bounded = values.every((list) => list.every((value) => value >= 0 && value <= 1));
  const believed = bounded ? betaBelief(values) : normalBelief(values);
  const wins = values.map(() => 0);
  for (let i = 0; i < draws; i++) {
    let best = 0;
    let most = -Infinity;
    for (const [arm, draw] of believed.entries()) {
      const value = draw(random);
      if (value > most) [best, most] = [arm, value];
    }
    wins[best] = (wins[best] ?? 0) + 1;
  }
  return wins.map((count) => count / draws);
}

/** The arm of the largest mean gets all but the share that explores, which is divided evenly. */
export function epsilonShares(values: readonly (readonly number[])[], epsilon: number): number[] {
  const even = 1 / values.length;
  const means = values.map((list) => momentsOf(list).mean);
  // Nothing is known of an arm without values: all are equal until each has some.
  if (means.some((mean) => Number.isNaN(mean))) return values.map(() => even);
  const best = means.indexOf(Math.max(...means));
  return means.map((_, arm) => epsilon * even + (arm === best ? 1 - epsilon : 0));
}

type Draw = (random: () => number) => number;

function betaBelief(values: readonly (readonly number[])[]): Draw[] {
  return values.map((list) => {
    const sum = list.reduce((total, value) => total + value, 0);
    const [a, b] = [1 + sum, 1 + list.length - sum];
    return (random) => {
      const x = gamma(a, random);
      return x / (x + gamma(b, random));
    };
  });
}

function normalBelief(values: readonly (readonly number[])[]): Draw[] {
  const all = momentsOf(values.flat());
  const spread = Math.max(all.variance, Number.MIN_VALUE);
  return values.map((list) => {
    const { n, mean, variance } = momentsOf(list);
    // Of few values the spread of all is believed.
    const own = n >= 5 ? Math.max(variance, spread * 1e-6) : spread;
    const [center, deviation] = n === 0 ? [all.mean, Math.sqrt(spread)] : [mean, Math.sqrt(own / n)];
    return (random) => center + deviation * normal(random);
  });
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A draw of the gamma distribution of a shape of at least 1 (Marsaglia and Tsang, 2000). */
function gamma(shape: number, random: () => number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}
