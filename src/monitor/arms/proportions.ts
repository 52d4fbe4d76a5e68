import { normalTwoSided } from '../statistics/special.ts';
import { normalCritical } from '../statistics/student.ts';
import type { Comparison } from './welch.ts';

/** How many of so many. */
export interface Share {
  readonly hits: number;
  readonly n: number;
}

/**
 * The z-test of two proportions, pooled and two-sided, statsmodels' `proportions_ztest`, with the interval of Newcombe
 * (`confint_proportions_2indep(..., method='newcomb')`). Undefined where an arm is empty, or nothing varies.
 */
export function twoProportions(first: Share, second: Share, alpha = 0.05): Comparison | undefined {
  const p1 = first.hits / first.n;
  const p2 = second.hits / second.n;
  const pooled = (first.hits + second.hits) / (first.n + second.n);
  const spread = Math.sqrt(pooled * (1 - pooled) * (1 / first.n + 1 / second.n));
  if (!(spread > 0)) return undefined;
  const difference = p2 - p1;
  const statistic = difference / spread;
  const z = normalCritical(alpha);
  const [low1, high1] = wilson(first, z);
  const [low2, high2] = wilson(second, z);
  return {
    difference,
    statistic,
    p: normalTwoSided(statistic),
    ci: [
      difference - Math.sqrt((p2 - low2) ** 2 + (high1 - p1) ** 2),
      difference + Math.sqrt((high2 - p2) ** 2 + (p1 - low1) ** 2),
    ],
  };
}

/** Wilson's interval of a proportion. */
function wilson({ hits, n }: Share, z: number): readonly [low: number, high: number] {
  const p = hits / n;
  const square = z * z;
  const middle = (p + square / (2 * n)) / (1 + square / n);
  const reach = (z / (1 + square / n)) * Math.sqrt((p * (1 - p)) / n + square / (4 * n * n));
  return [middle - reach, middle + reach];
}
