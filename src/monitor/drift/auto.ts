import { totalVariation } from './distances.ts';
import { chi2Contingency } from './counts-tests.ts';
import { methods, type Measured, type MethodName, type Pair } from './methods.ts';
import { shares, type CategorySamples } from './samples.ts';

/** Up to so many different numbers are taken as categories. */
const fewValues = 10;
/** Where fewer than this are expected in a cell, the chi-square distribution does not hold. */
const minExpected = 5;

export interface Chosen {
  readonly method: MethodName;
  /** In words. */
  readonly reason: string;
  readonly measure: () => Measured | undefined;
}

/**
 * The method that fits a column by itself: Kolmogorov and Smirnov's test for numbers, chi-square for categories and
 * for few different numbers, with rare categories taken together.
 */
export function choose(pair: Pair): Chosen {
  if (pair.numeric && !hasFewValues(pair)) {
    const reason = 'numbers: two-sample test of their distribution';
    return { method: 'ks', reason, measure: () => methods.ks.measure(pair) };
  }
  const pooled = poolRare(pair.categories);
  const rare = pair.categories.categories.length - pooled.categories.length;
  const what = pair.numeric ? `at most ${fewValues} different numbers` : 'categories';
  return {
    method: 'chi2',
    reason: `${what}: test of their counts${rare > 0 ? `, ${rare + 1} rare ones taken together` : ''}`,
    measure() {
      if (pooled.categories.length < 2) return { statistic: 0, pValue: 1, effect: 0 };
      return { ...chi2Contingency(pooled), effect: totalVariation(shares(pooled.reference), shares(pooled.current)) };
    },
  };
}

function hasFewValues({ numbers: { reference, current } }: Pair): boolean {
  const seen = new Set<number>();
  for (const values of [reference, current]) {
    let last = Number.NaN;
    for (const value of values) {
      if (value === last) continue;
      last = value;
      seen.add(value);
      if (seen.size > fewValues) return false;
    }
  }
  return true;
}

/** Categories of which too few are expected on either side, as one. */
function poolRare(samples: CategorySamples): CategorySamples {
  const { categories, reference, current } = samples;
  const n1 = reference.reduce((sum, count) => sum + count, 0);
  const n2 = current.reduce((sum, count) => sum + count, 0);
  const smaller = Math.min(n1, n2) / (n1 + n2);
  const isRare = (i: number): boolean => ((reference[i] ?? 0) + (current[i] ?? 0)) * smaller < minExpected;
  const kept = categories.map((_, i) => i).filter((i) => !isRare(i));
  const rare = categories.map((_, i) => i).filter((i) => isRare(i));
  if (rare.length === 0) return samples;
  const together = (counts: Float64Array): number => rare.reduce((sum, i) => sum + (counts[i] ?? 0), 0);
  // What is rare even together joins the smallest of the others, or nothing is left to compare.
  const enough = (together(reference) + together(current)) * smaller >= minExpected || kept.length === 0;
  const pool = (counts: Float64Array): number[] => kept.map((i) => counts[i] ?? 0);
  const [before, now] = [pool(reference), pool(current)];
  const names: (string | null)[] = kept.map((i) => categories[i] ?? null);
  if (enough) {
    before.push(together(reference));
    now.push(together(current));
    names.push('(rare)');
  } else {
    const least = before.map((n, i) => n + (now[i] ?? 0)).reduce((at, n, i, all) => (n < (all[at] ?? 0) ? i : at), 0);
    before[least] = (before[least] ?? 0) + together(reference);
    now[least] = (now[least] ?? 0) + together(current);
  }
  return { categories: names, reference: Float64Array.from(before), current: Float64Array.from(now) };
}
