import type { Json } from '../wire-tracking.ts';

/** How many traces two filters find. */
export interface FilterCounts {
  readonly total: number;
  readonly first: number;
  readonly second: number;
  readonly both: number;
}

/** Jeffreys' prior, added to each cell of the table of counts. */
const prior = 0.5;

/**
 * How far two filters go together: normalized pointwise mutual information, from -1 (never together) over 0
 * (independent) to 1 (always), plain and smoothed. Absent where one of the filters finds nothing.
 */
export function correlationToJson(counts: FilterCounts): Json {
  const { total, first, second, both } = counts;
  const table = [both, first - both, second - both, total - first - second + both] as const;
  const defined = first > 0 && second > 0 && table.every((cell) => cell >= 0);
  return {
    npmi: defined ? (both === 0 ? -1 : npmi(table, 0)) : undefined,
    npmi_smoothed: defined ? npmi(table, prior) : undefined,
    filter1_count: first,
    filter2_count: second,
    joint_count: both,
    total_count: total,
  };
}

type Table = readonly [both: number, first: number, second: number, neither: number];

function npmi([both, first, second, neither]: Table, smoothing: number): number {
  if (first === 0 && second === 0 && neither === 0) return 1;
  const together = both + smoothing;
  const total = both + first + second + neither + 4 * smoothing;
  const [one, other] = [together + first + smoothing, together + second + smoothing];
  const pmi = Math.log(together) + Math.log(total) - Math.log(one) - Math.log(other);
  return Math.min(1, Math.max(-1, pmi / (Math.log(total) - Math.log(together))));
}
