import type { Column } from '../../tables/index.ts';
import { sortedFinite } from '../statistics/sort-numbers.ts';

/** The numbers of a column before and now, sorted, without what is missing. */
export interface NumberSamples {
  readonly reference: Float64Array;
  readonly current: Float64Array;
}

/** How often each category occurs before and now. What is missing is a category of its own. */
export interface CategorySamples {
  /** As they occur; null for missing comes last. */
  readonly categories: readonly (string | null)[];
  readonly reference: Float64Array;
  readonly current: Float64Array;
}

/** Infinite values have no place in a histogram and no distance: they count as missing. */
export function sortedNumbers(column: Column): Float64Array {
  if (column.kind !== 'number') return new Float64Array(0);
  return sortedFinite(column.values);
}

export function categorySamples(reference: Column, current: Column): CategorySamples {
  const before = countsOf(reference);
  const now = countsOf(current);
  const all = new Set([...before.keys(), ...now.keys()]);
  const categories: (string | null)[] = [...all].filter((category) => category !== null);
  if (all.has(null)) categories.push(null);
  return {
    categories,
    reference: Float64Array.from(categories, (category) => before.get(category) ?? 0),
    current: Float64Array.from(categories, (category) => now.get(category) ?? 0),
  };
}

function countsOf(column: Column): Map<string | null, number> {
  const counts = new Map<string | null, number>();
  if (column.missing > 0) counts.set(null, column.missing);
  if (column.kind === 'number') {
    const byValue = new Map<number, number>();
    for (const value of column.values) {
      if (!Number.isNaN(value)) byValue.set(value, (byValue.get(value) ?? 0) + 1);
    }
    for (const [value, count] of byValue) counts.set(String(value), count);
    return counts;
  }
  const byCode = new Float64Array(column.categories.length);
  for (const code of column.codes) if (code >= 0) byCode[code] = (byCode[code] ?? 0) + 1;
  for (const [code, category] of column.categories.entries()) counts.set(category, byCode[code] ?? 0);
  return counts;
}

/** Counts as shares of their sum. */
export function shares(counts: Float64Array): Float64Array {
  let total = 0;
  for (const count of counts) total += count;
  return counts.map((count) => count / total);
}

/** Without the category of what is missing. */
export function withoutMissing(samples: CategorySamples): CategorySamples {
  if (samples.categories.at(-1) !== null) return samples;
  return {
    categories: samples.categories.slice(0, -1),
    reference: samples.reference.slice(0, -1),
    current: samples.current.slice(0, -1),
  };
}
