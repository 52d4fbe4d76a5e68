import { standardDeviation } from '../statistics/quantile.ts';

type Shares = Float64Array;

/** Shares are taken as at least this much where a logarithm or a division needs them. */
const floor = 1e-4;

/** Kahan's sum: near-equal shares of many categories differ only in the last digits. */
function sum(count: number, term: (index: number) => number): number {
  let total = 0;
  let lost = 0;
  for (let i = 0; i < count; i++) {
    const value = term(i) - lost;
    const next = total + value;
    lost = next - total - value;
    total = next;
  }
  return total;
}

/** x log(x / y), 0 for x = 0. */
function relative(x: number, y: number): number {
  return x === 0 ? 0 : x * Math.log(x / y);
}

/** The Jensen-Shannon distance, base 2: `scipy.spatial.distance.jensenshannon(p, q, base=2)`. */
export function jensenShannon(p: Shares, q: Shares): number {
  const divergence = sum(p.length, (i) => {
    const middle = ((p[i] ?? 0) + (q[i] ?? 0)) / 2;
    return relative(p[i] ?? 0, middle) + relative(q[i] ?? 0, middle);
  });
  return Math.sqrt(Math.max(0, divergence) / 2 / Math.LN2);
}

/** The population stability index; shares are floored and not made to sum to 1 again. */
export function stabilityIndex(p: Shares, q: Shares): number {
  return sum(p.length, (i) => {
    const expected = Math.max(p[i] ?? 0, floor);
    const actual = Math.max(q[i] ?? 0, floor);
    return (actual - expected) * Math.log(actual / expected);
  });
}

/** `scipy.stats.entropy(current, reference)` of floored shares, which scipy makes sum to 1 again. */
export function kullbackLeibler(p: Shares, q: Shares): number {
  const reference = p.map((share) => Math.max(share, floor));
  const current = q.map((share) => Math.max(share, floor));
  const all = sum(p.length, (i) => reference[i] ?? 0);
  const now = sum(q.length, (i) => current[i] ?? 0);
  return sum(p.length, (i) => relative((current[i] ?? 0) / now, (reference[i] ?? 0) / all));
}

export function totalVariation(p: Shares, q: Shares): number {
  return sum(p.length, (i) => Math.abs((p[i] ?? 0) - (q[i] ?? 0))) / 2;
}

/** The largest difference of a share. */
export function largestDifference(p: Shares, q: Shares): number {
  let most = 0;
  for (let i = 0; i < p.length; i++) most = Math.max(most, Math.abs((p[i] ?? 0) - (q[i] ?? 0)));
  return most;
}

export function hellinger(p: Shares, q: Shares): number {
  return Math.sqrt(sum(p.length, (i) => (Math.sqrt(p[i] ?? 0) - Math.sqrt(q[i] ?? 0)) ** 2) / 2);
}

/**
 * The first Wasserstein distance, `scipy.stats.wasserstein_distance`.
 * @param a sorted, not empty; likewise `b`.
 */
export function wasserstein(a: Float64Array, b: Float64Array): number {
  let i = 0;
  let j = 0;
  let total = 0;
  let last = Math.min(a[0] ?? 0, b[0] ?? 0);
  while (i < a.length || j < b.length) {
    const x = a[i] ?? Infinity;
    const y = b[j] ?? Infinity;
    const value = Math.min(x, y);
    total += (value - last) * Math.abs(i / a.length - j / b.length);
    last = value;
    if (x <= y) i++;
    else j++;
  }
  return total;
}

/** The same in units of the reference's spread. */
export function normalizedWasserstein(reference: Float64Array, current: Float64Array): number {
  return wasserstein(reference, current) / spread(reference);
}

/** The standard deviation, at least 0.001. */
export function spread(reference: Float64Array): number {
  return Math.max(standardDeviation(reference), 0.001);
}
