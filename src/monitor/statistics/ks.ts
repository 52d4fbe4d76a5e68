import { kolmogorovTail } from './kolmogorov.ts';

export interface Test {
  readonly statistic: number;
  readonly pValue: number;
}

/** Up to this many values in the larger sample the p-value is exact, as scipy's `method='auto'`. */
const maxExact = 10_000;

/**
 * The two-sample Kolmogorov-Smirnov test, two-sided, as scipy's `ks_2samp`.
 * @param a sorted, without NaN, not empty; likewise `b`.
 */
export function ksTest(a: Float64Array, b: Float64Array): Test {
  const distance = ksDistance(a, b);
  const { length: n1 } = a;
  const { length: n2 } = b;
  if (Math.max(n1, n2) <= maxExact) {
    const exact = exactTest(n1, n2, distance);
    if (exact.pValue >= 0 && exact.pValue <= 1) return exact;
    return { statistic: exact.statistic, pValue: limitTail(n1, n2, exact.statistic) };
  }
  return { statistic: distance, pValue: limitTail(n1, n2, distance) };
}

function limitTail(n1: number, n2: number, distance: number): number {
  return kolmogorovTail(roundEven((n1 * n2) / (n1 + n2)), distance);
}

/** NumPy rounds halves to even. */
function roundEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The largest distance between the two empirical distributions. */
function ksDistance(a: Float64Array, b: Float64Array): number {
  const { length: n1 } = a;
  const { length: n2 } = b;
  let i = 0;
  let j = 0;
  let most = 0;
  while (i < n1 && j < n2) {
    const x = a[i] ?? 0;
    const y = b[j] ?? 0;
    const value = x < y ? x : y;
    while (i < n1 && a[i] === value) i++;
    while (j < n2 && b[j] === value) j++;
    const difference = Math.abs(i / n1 - j / n2);
    if (difference > most) most = difference;
  }
  return most;
}

function exactTest(n1: number, n2: number, distance: number): Test {
  const divisor = gcd(n1, n2);
  const multiple = (n1 / divisor) * n2;
  const h = roundEven(distance * multiple);
  const statistic = h / multiple;
  if (h === 0) return { statistic, pValue: 1 };
  const pValue = n1 === n2 ? equalSizes(n1, h) : unequalSizes(Math.max(n1, n2), Math.min(n1, n2), divisor, h);
  return { statistic, pValue };
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** The share of lattice paths that leave |x - y| < h, by a Horner scheme on the reflections. */
function equalSizes(n: number, h: number): number {
  let p = 0;
  for (let k = Math.floor(n / h); k >= 0; k--) {
    let factor = 1;
    for (let j = 0; j < h; j++) factor = ((n - k * h - j) * factor) / (n + k * h + j + 1);
    p = factor * (1 - p);
  }
  return 2 * p;
}

/** The share of paths to (m, n), m >= n, that leave |n x - m y| < h g; one column of the lattice at a time. */
function unequalSizes(m: number, n: number, g: number, h: number): number {
  const mg = m / g;
  const ng = n / g;
  let from = 0;
  let to = Math.min(Math.ceil(h / mg), n + 1);
  let length = to - from;
  const column = new Float64Array(Math.min(2 * to + 2, n + 1)).fill(1);
  column.fill(0, from, to);
  for (let i = 1; i <= m; i++) {
    const lastFrom = from;
    const lastLength = length;
    from = Math.min(Math.max(Math.floor((ng * i - h) / mg) + 1, 0), n);
    to = Math.min(Math.ceil((ng * i + h) / mg), n + 1);
    if (to <= from) return 1;
    let value = from === 0 ? 0 : 1;
    for (let k = 0; k < to - from; k++) {
      const j = k + from;
      value = ((column[j - lastFrom] ?? 1) * i + value * j) / (i + j);
      column[k] = value;
    }
    length = to - from;
    if (lastLength > length) column.fill(1, length, lastLength);
  }
  return column[to - from - 1] ?? 0;
}
