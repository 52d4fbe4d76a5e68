import { chi2Tail } from '../statistics/special.ts';
import { bootstrapMeans } from './bootstrap.ts';
import { mannWhitney, type RankComparison } from './mann-whitney.ts';
import { momentsOf } from './moments.ts';
import { twoProportions } from './proportions.ts';
import { sequential } from './sequential.ts';
import { welch, type Comparison } from './welch.ts';

/** Everything that is asked of two arms; null where it cannot be said. */
export interface ArmComparison {
  readonly welch: Comparison | null;
  readonly mannwhitney: RankComparison | null;
  /** Of outcomes that are 0 or 1. */
  readonly proportions: Comparison | null;
  readonly bootstrap: { readonly difference: number; readonly ci: readonly [number, number] } | null;
  /** Holds however often it is looked at. */
  readonly sequential: Comparison | null;
}

/** Compares the values of the second arm with those of the first. */
export function compareArms(first: readonly number[], second: readonly number[], alpha = 0.05): ArmComparison {
  const a = Float64Array.from(first).sort();
  const b = Float64Array.from(second).sort();
  const one = momentsOf(a);
  const two = momentsOf(b);
  const both = a.length > 0 && b.length > 0;
  const binary = both && isBinary(a) && isBinary(b);
  return {
    welch: welch(one, two, alpha) ?? null,
    mannwhitney: both ? mannWhitney(a, b) : null,
    proportions: binary ? (twoProportions(shareOf(a), shareOf(b), alpha) ?? null) : null,
    bootstrap: both ? { difference: two.mean - one.mean, ci: bootstrapMeans(a, b, { alpha }).ci } : null,
    sequential: sequential(one, two, alpha) ?? null,
  };
}

function isBinary(values: Float64Array): boolean {
  return values.every((value) => value === 0 || value === 1);
}

function shareOf(values: Float64Array): { hits: number; n: number } {
  return { hits: values.reduce((sum, value) => sum + value, 0), n: values.length };
}

/**
 * Whether requests fell into arms as the rule says: the p-value of the chi-square test of counts against shares
 * (`scipy.stats.chisquare`). Undefined without requests, or of a single arm.
 */
export function ratioMismatch(counts: readonly number[], shares: readonly number[]): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const sum = shares.reduce((all, share) => all + share, 0);
  let statistic = 0;
  let arms = 0;
  for (const [i, share] of shares.entries()) {
    const expected = (total * share) / sum;
    const count = counts[i] ?? 0;
    // What is to get nothing and got something is no chance.
    if (expected === 0 && count > 0) return 0;
    if (expected === 0) continue;
    statistic += (count - expected) ** 2 / expected;
    arms++;
  }
  return total === 0 || arms < 2 ? undefined : chi2Tail(statistic, arms - 1);
}
