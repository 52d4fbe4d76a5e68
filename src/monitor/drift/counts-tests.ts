import { parseNumber } from '../../base/index.ts';
import type { Test } from '../statistics/ks.ts';
import { chi2Tail, normalTwoSided } from '../statistics/special.ts';
import { withoutMissing, type CategorySamples } from './samples.ts';

function total(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The chi-square test of the table of counts, `scipy.stats.chi2_contingency(..., correction=False)`. */
export function chi2Contingency({ reference, current }: CategorySamples): Test {
  const n1 = total(reference);
  const n2 = total(current);
  let statistic = 0;
  for (let i = 0; i < reference.length; i++) {
    const column = (reference[i] ?? 0) + (current[i] ?? 0);
    const expected1 = (column * n1) / (n1 + n2);
    const expected2 = (column * n2) / (n1 + n2);
    statistic += ((reference[i] ?? 0) - expected1) ** 2 / expected1 + ((current[i] ?? 0) - expected2) ** 2 / expected2;
  }
  return { statistic, pValue: chi2Tail(statistic, reference.length - 1) };
}

/**
 * Goodness of fit: the current counts against the reference's, scaled to as many rows, `scipy.stats.chisquare`. A
 * category that the reference lacks makes the statistic infinite; of a single category there is no p-value.
 */
export function chi2Fit({ reference, current }: CategorySamples): { statistic: number; pValue: number | undefined } {
  const scale = total(current) / total(reference);
  let statistic = 0;
  for (let i = 0; i < reference.length; i++) {
    const expected = (reference[i] ?? 0) * scale;
    statistic += ((current[i] ?? 0) - expected) ** 2 / expected;
  }
  return { statistic, pValue: reference.length < 2 ? undefined : chi2Tail(statistic, reference.length - 1) };
}

/**
 * The z-test of two proportions, pooled and two-sided: the share of the last of two categories, reference minus
 * current. What is missing is left out. Undefined where there are more than two categories.
 */
export function proportions(samples: CategorySamples): Test | undefined {
  const { categories, reference, current } = withoutMissing(samples);
  if (categories.length > 2) return undefined;
  if (categories.length < 2) return { statistic: 0, pValue: 1 };
  const last = comesAfter(categories[0] ?? '', categories[1] ?? '') ? 0 : 1;
  const n1 = total(reference);
  const n2 = total(current);
  const pooled = ((reference[last] ?? 0) + (current[last] ?? 0)) / (n1 + n2);
  const spread = Math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2));
  const statistic = ((reference[last] ?? 0) / n1 - (current[last] ?? 0) / n2) / spread;
  return { statistic, pValue: normalTwoSided(statistic) };
}

/** Numbers by value, other texts by code units. */
function comesAfter(a: string, b: string): boolean {
  const [x, y] = [parseNumber(a), parseNumber(b)];
  return x !== undefined && y !== undefined && x !== y ? x > y : a > b;
}
