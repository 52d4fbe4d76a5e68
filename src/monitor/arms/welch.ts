import { studentCritical, studentTwoSided } from '../statistics/student.ts';
import type { Moments } from './moments.ts';

/** A comparison of the second of two arms with the first. */
export interface Comparison {
  /** Second minus first. */
  readonly difference: number;
  readonly statistic: number;
  /** Two-sided. */
  readonly p: number;
  /** Of the difference. */
  readonly ci: readonly [low: number, high: number];
}

/**
 * Welch's t-test of two means, scipy's `ttest_ind(second, first, equal_var=False)` with its confidence interval.
 * Undefined where an arm has fewer than two values, or none of both varies.
 */
export function welch(first: Moments, second: Moments, alpha = 0.05): Comparison | undefined {
  const a = first.variance / first.n;
  const b = second.variance / second.n;
  const error = Math.sqrt(a + b);
  if (!(error > 0)) return undefined;
  const degrees = (a + b) ** 2 / (a ** 2 / (first.n - 1) + b ** 2 / (second.n - 1));
  const difference = second.mean - first.mean;
  const statistic = difference / error;
  const reach = studentCritical(alpha, degrees) * error;
  return {
    difference,
    statistic,
    p: studentTwoSided(statistic, degrees),
    ci: [difference - reach, difference + reach],
  };
}
