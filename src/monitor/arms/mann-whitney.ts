import { quantile } from '../statistics/quantile.ts';
import { normalTwoSided } from '../statistics/special.ts';

export interface RankComparison {
  /** Of the medians, second minus first. */
  readonly difference: number;
  /** U of the second. */
  readonly statistic: number;
  readonly p: number;
  /** The chance that a value of the second is above one of the first, half of equal ones counted. */
  readonly superiority: number;
}

/** An arm of at most so many values, without ties, is compared exactly. */
const fewValues = 8;

/**
 * The Mann-Whitney U test, two-sided, scipy's `mannwhitneyu(second, first)`: exact for a small arm without ties, else by
 * the normal distribution with corrections for ties and continuity.
 * @param first sorted, not empty; likewise `second`.
 */
export function mannWhitney(first: Float64Array, second: Float64Array): RankComparison {
  const { length: n1 } = first;
  const { length: n2 } = second;
  const { rankSum, ties } = rank(first, second);
  const statistic = rankSum - (n2 * (n2 + 1)) / 2;
  const larger = Math.max(statistic, n1 * n2 - statistic);
  const exact = ties === 0 && (n1 <= fewValues || n2 <= fewValues);
  return {
    difference: quantile(second, 0.5) - quantile(first, 0.5),
    statistic,
    p: exact ? Math.min(1, 2 * exactTail(n1, n2, larger)) : normalTail(n1, n2, larger, ties),
    superiority: statistic / (n1 * n2),
  };
}

/** The sum of the ranks of the second, and the sum of t^3 - t over groups of equal values. */
function rank(first: Float64Array, second: Float64Array): { rankSum: number; ties: number } {
  let [i, j, rankSum, ties] = [0, 0, 0, 0];
  while (i < first.length || j < second.length) {
    const value = Math.min(first[i] ?? Infinity, second[j] ?? Infinity);
    const [i0, j0] = [i, j];
    while (i < first.length && first[i] === value) i++;
    while (j < second.length && second[j] === value) j++;
    const equal = i - i0 + (j - j0);
    if (equal === 0) break;
    rankSum += (j - j0) * (i0 + j0 + (equal + 1) / 2);
    ties += equal ** 3 - equal;
  }
  return { rankSum, ties };
}

function normalTail(n1: number, n2: number, larger: number, ties: number): number {
  const n = n1 + n2;
  const spread = Math.sqrt(((n1 * n2) / 12) * (n + 1 - ties / (n * (n - 1))));
  const z = (larger - (n1 * n2) / 2 - 0.5) / spread;
  // Also where all values are equal.
  return z > 0 ? Math.min(1, normalTwoSided(z)) : 1;
}

/**
 * P(U >= u), u not below the mean: the coefficients of the Gaussian binomial up to n1 n2 - u, the lower of which stand
 * for the upper ones.
 */
function exactTail(n1: number, n2: number, u: number): number {
  const [small, large] = n1 < n2 ? [n1, n2] : [n2, n1];
  const last = n1 * n2 - Math.ceil(u);
  const counts = new Float64Array(last + 1);
  counts[0] = 1;
  let total = 1;
  for (let i = 1; i <= small; i++) {
    for (let k = last; k >= large + i; k--) counts[k] = (counts[k] ?? 0) - (counts[k - large - i] ?? 0);
    for (let k = i; k <= last; k++) counts[k] = (counts[k] ?? 0) + (counts[k - i] ?? 0);
    total = (total * (large + i)) / i;
  }
  return counts.reduce((sum, count) => sum + count, 0) / total;
}
