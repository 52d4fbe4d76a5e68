import type { Moments } from './moments.ts';
import type { Comparison } from './welch.ts';

/** Fewer values in an arm are no ground to decide on: their spread is not known well enough. */
const leastValues = 30;
/** The variance of the differences that are looked for, in variances of a value. */
const mixture = 0.1;

/**
 * The mixture sequential probability ratio test of two means (Robbins; Johari, Pekelis and Walsh, "Always valid
 * inference", 2015), with a normal mixture over the differences. Its p-value and its interval hold at every moment at
 * once: who looks every hour and stops at the first p below alpha is wrong with a probability of at most alpha. They are
 * wider than those of a test that is looked at once.
 *
 * `statistic` is the ratio. Undefined where nothing varies.
 */
export function sequential(first: Moments, second: Moments, alpha = 0.05): Comparison | undefined {
  const { n: n1 } = first;
  const { n: n2 } = second;
  if (n1 < 2 || n2 < 2) return undefined;
  const difference = second.mean - first.mean;
  const pooled = ((n1 - 1) * first.variance + (n2 - 1) * second.variance) / (n1 + n2 - 2);
  // The larger of two estimates: neither a rare event in a small arm nor unequal spreads may make it too small.
  const variance = Math.max(pooled * (1 / n1 + 1 / n2), first.variance / n1 + second.variance / n2);
  if (!(variance > 0)) return undefined;
  if (Math.min(n1, n2) < leastValues) {
    return { difference, statistic: 1, p: 1, ci: [-Infinity, Infinity] };
  }
  const sought = mixture * pooled;
  const both = variance + sought;
  const ratio = Math.log(variance / both) / 2 + (sought * difference ** 2) / (2 * variance * both);
  const reach = Math.sqrt(((2 * variance * both) / sought) * (Math.log(1 / alpha) + Math.log(both / variance) / 2));
  return {
    difference,
    // Beyond these JSON has no number.
    statistic: Math.exp(Math.min(ratio, 700)),
    p: Math.min(1, Math.exp(-ratio)),
    ci: [difference - reach, difference + reach],
  };
}
