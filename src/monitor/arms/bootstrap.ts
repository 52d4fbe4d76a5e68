import { quantile } from '../statistics/quantile.ts';
import { seededRandom } from '../statistics/random.ts';

/** So many values are drawn at most, over all draws. */
const effort = 4_000_000;

/** The percentile interval of the bootstrap for the difference of two means, second minus first; the same each time. */
export function bootstrapMeans(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  { alpha = 0.05, seed = 0 }: { readonly alpha?: number; readonly seed?: number } = {},
): { readonly ci: readonly [low: number, high: number]; readonly draws: number } {
  const random = seededRandom(seed);
  const draws = Math.max(200, Math.min(2_000, Math.floor(effort / (first.length + second.length))));
  const differences = Float64Array.from({ length: draws }, () => drawn(second, random) - drawn(first, random)).sort();
  return { ci: [quantile(differences, alpha / 2), quantile(differences, 1 - alpha / 2)], draws };
}

function drawn(values: ArrayLike<number>, random: () => number): number {
  const { length } = values;
  let sum = 0;
  for (let i = 0; i < length; i++) sum += values[Math.floor(random() * length)] ?? 0;
  return sum / length;
}
