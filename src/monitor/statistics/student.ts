import { logGamma, normalTwoSided } from './special.ts';

/** The regularised incomplete beta function I_x(a, b) (scipy's `betainc`). */
function betaInc(a: number, b: number, x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges quickly on this side of the mean only.
  if (x > (a + 1) / (a + b + 2)) return 1 - betaInc(b, a, 1 - x);
  const factor = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logGamma(a) - logGamma(b) + logGamma(a + b));
  return (factor * betaFraction(a, b, x)) / a;
}

/** Lentz's method on the continued fraction of I (Numerical Recipes, 6.4). */
function betaFraction(a: number, b: number, x: number): number {
  const tiny = 1e-300;
  const safe = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / safe(1 - ((a + b) * x) / (a + 1));
  let h = d;
  for (let m = 1; m < 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / safe(1 + even * d);
    c = safe(1 + even / c);
    h *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / safe(1 + odd * d);
    c = safe(1 + odd / c);
    const delta = d * c;
    h *= delta;
    if (Math.abs(delta - 1) < 1e-16) break;
  }
  return h;
}

/** P(|T| > |t|) of Student's distribution. */
export function studentTwoSided(t: number, degrees: number): number {
  if (degrees === Infinity) return normalTwoSided(t);
  return betaInc(degrees / 2, 0.5, degrees / (degrees + t * t));
}

/** The t that is exceeded in size with a probability. */
export function studentCritical(probability: number, degrees: number): number {
  return root((t) => studentTwoSided(t, degrees) - probability);
}

/** The z of the normal distribution that is exceeded in size with a probability. */
export function normalCritical(probability: number): number {
  return root((z) => normalTwoSided(z) - probability);
}

/** The one root above 0 of a function that falls, by halving. */
export function root(falling: (x: number) => number): number {
  let high = 1;
  while (falling(high) > 0 && high < 1e300) high *= 2;
  let low = high === 1 ? 0 : high / 2;
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (falling(middle) > 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
