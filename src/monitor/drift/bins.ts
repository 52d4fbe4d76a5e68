import { quantile } from '../statistics/quantile.ts';

/** How many bins numbers are put into. */
const count = 10;

/** `numpy.linspace(from, to, count + 1)`, to the last bit. */
function evenly(from: number, to: number): number[] {
  const step = (to - from) / count;
  return Array.from({ length: count + 1 }, (_, i) => (i === count ? to : i * step + from));
}

/**
 * The shares of two samples in ten equal bins over the range of both, as `numpy.histogram` counts them: left-closed,
 * the last bin closed on both sides. The range of one value is half to either side of it.
 * @param reference sorted, not empty; likewise `current`.
 */
export function pooledShares(reference: Float64Array, current: Float64Array): [Float64Array, Float64Array] {
  let low = Math.min(reference[0] ?? 0, current[0] ?? 0);
  let high = Math.max(reference.at(-1) ?? 0, current.at(-1) ?? 0);
  if (low === high) {
    low -= 0.5;
    high += 0.5;
  }
  const inner = evenly(low, high).slice(1, -1);
  return [sharesBetween(reference, inner), sharesBetween(current, inner)];
}

/**
 * The shares of two samples in bins cut at the deciles of the reference: left-closed, open to both ends, equal deciles
 * merged.
 */
export function quantileShares(reference: Float64Array, current: Float64Array): [Float64Array, Float64Array] {
  const deciles = evenly(0, 1)
    .slice(1, -1)
    .map((q) => quantile(reference, q));
  return sharesAt(reference, current, [...new Set(deciles)]);
}

/** The same in ten bins of equal width over the range of the reference, open to both ends. */
export function uniformShares(reference: Float64Array, current: Float64Array): [Float64Array, Float64Array] {
  const inner = evenly(reference[0] ?? 0, reference.at(-1) ?? 0).slice(1, -1);
  return sharesAt(reference, current, inner);
}

function sharesAt(
  reference: Float64Array,
  current: Float64Array,
  edges: readonly number[],
): [Float64Array, Float64Array] {
  const low = reference[0] ?? 0;
  if (low === reference.at(-1)) return [around(reference, low), around(current, low)];
  return [sharesBetween(reference, edges), sharesBetween(current, edges)];
}

/** Shares below a value, at it, and above it: the bins of a constant reference. */
function around(sorted: Float64Array, value: number): Float64Array {
  const below = countBelow(sorted, value);
  let notAbove = below;
  while (notAbove < sorted.length && sorted[notAbove] === value) notAbove++;
  return Float64Array.of(below, notAbove - below, sorted.length - notAbove).map((n) => n / sorted.length);
}

/** Shares between ascending edges: of what is below the first, from one to the next, and from the last on. */
function sharesBetween(sorted: Float64Array, edges: readonly number[]): Float64Array {
  const shares = new Float64Array(edges.length + 1);
  let before = 0;
  for (const [i, edge] of edges.entries()) {
    const below = countBelow(sorted, edge);
    shares[i] = (below - before) / sorted.length;
    before = below;
  }
  shares[edges.length] = (sorted.length - before) / sorted.length;
  return shares;
}

function countBelow(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
