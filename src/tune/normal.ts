import { erf, erfc } from '../base/index.ts';

const SQRT_HALF = Math.SQRT1_2;
/** ln √(2π) */
export const LOG_SQRT_2PI = 0.9189385332046727;
const LOGISTIC = Math.sqrt(3) / Math.PI;

/** Φ(x), the standard normal distribution function. */
export function cdf(x: number): number {
  const t = x * SQRT_HALF;
  if (t < -SQRT_HALF) return 0.5 * erfc(-t);
  if (t < SQRT_HALF) return 0.5 + 0.5 * erf(t);
  return 1 - 0.5 * erfc(t);
}

/** ln Φ(x), also far in the left tail, where Φ itself is 0: its asymptotic series (Abramowitz and Stegun 26.2.12). */
export function logCdf(x: number): number {
  if (x > 6) return -cdf(-x);
  if (x > -20) return Math.log(cdf(x));
  const logLeft = -0.5 * x * x - Math.log(-x) - LOG_SQRT_2PI;
  const square = 1 / (x * x);
  let last = 0;
  let sum = 1;
  let term = 1;
  for (let i = 1; Math.abs(last - sum) > Number.EPSILON; i++) {
    last = sum;
    term *= -square * (2 * i - 1);
    sum += term;
  }
  return logLeft + Math.log(sum);
}

/** ln(Φ(b) - Φ(a)) for a <= b, computed in the left tail, where nothing cancels. */
export function logMass(a: number, b: number): number {
  if (b <= 0) return logDifference(logCdf(b), logCdf(a));
  if (a > 0) return logDifference(logCdf(-a), logCdf(-b));
  return Math.log1p(-cdf(a) - cdf(-b));
}

/** ln(exp(p) - exp(q)) for p >= q. */
function logDifference(p: number, q: number): number {
  return p + Math.log1p(-Math.exp(q - p));
}

function logSum(p: number, q: number): number {
  if (p === -Infinity) return q;
  if (q === -Infinity) return p;
  return p > q ? p + Math.log1p(Math.exp(q - p)) : q + Math.log1p(Math.exp(p - q));
}

/** The x for which ln Φ(x) = y, by Newton's method from a first guess by the tail or the logistic distribution. */
function inverseLogCdf(y: number): number {
  const flipped = y > -1e-2;
  const z = flipped ? Math.log(-Math.expm1(y)) : y;
  let x = z < -5 ? -Math.sqrt(-2 * (z + LOG_SQRT_2PI)) : -LOGISTIC * Math.log(Math.expm1(-z));
  for (let i = 0; i < 100; i++) {
    const logPhi = logCdf(x);
    const step = (logPhi - z) * Math.exp(logPhi + 0.5 * x * x + LOG_SQRT_2PI);
    x -= step;
    if (!(Math.abs(step) >= 1e-8 * Math.abs(x))) break;
  }
  return flipped ? -x : x;
}

/** The x for which Φ(x) = p. */
export function quantile(p: number): number {
  return p <= 0 ? -Infinity : p >= 1 ? Infinity : inverseLogCdf(Math.log(p));
}

/** The q-quantile of the standard normal distribution truncated to [a, b]. */
export function truncatedQuantile(q: number, a: number, b: number): number {
  if (q <= 0) return a;
  if (q >= 1) return b;
  const mass = logMass(a, b);
  const x =
    a < 0
      ? inverseLogCdf(logSum(logCdf(a), Math.log(q) + mass))
      : -inverseLogCdf(logSum(logCdf(-b), Math.log1p(-q) + mass));
  return Math.min(Math.max(x, a), b);
}
