import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { cdf, logCdf, logMass, quantile, truncatedQuantile } from './normal.ts';

describe('the normal distribution', () => {
  // scipy.special.log_ndtr
  it.each([
    [-40, -804.6084420137538],
    [-20, -203.91715537109727],
    [-1, -1.8410216450092634],
    [0, -0.6931471805599453],
    [7, -1.279812543885835e-12],
  ])('has the logarithm of its distribution function at %d', (x, value) => {
    expect(Math.abs(logCdf(x) / value - 1)).toBeLessThan(1e-12);
  });

  it('finds the quantile of a probability', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1 - 1e-9, noNaN: true }), (p) => {
        expect(Math.abs(cdf(quantile(p)) / p - 1)).toBeLessThan(1e-6);
      }),
    );
  });

  it('adds masses of neighbouring intervals, also where they are tiny', () => {
    const point = fc.double({ min: -30, max: 30, noNaN: true });
    fc.assert(
      fc.property(point, point, point, (x, y, z) => {
        const [a = 0, b = 0, c = 0] = [x, y, z].sort((p, q) => p - q);
        if (b - a < 1e-3 || c - b < 1e-3) return;
        const [left, right, both] = [logMass(a, b), logMass(b, c), logMass(a, c)];
        const most = Math.max(left, right);
        expect(Math.abs(most + Math.log(Math.exp(left - most) + Math.exp(right - most)) - both)).toBeLessThan(1e-8);
      }),
    );
  });

  it('keeps truncated quantiles inside of their interval and in order', () => {
    const point = fc.double({ min: -50, max: 50, noNaN: true });
    fc.assert(
      fc.property(point, point, fc.double({ min: 0, max: 1, noNaN: true }), (x, y, q) => {
        const [a, b] = [Math.min(x, y), Math.max(x, y) + 1e-3];
        const value = truncatedQuantile(q, a, b);
        expect(value >= a && value <= b).toBe(true);
        expect(truncatedQuantile(Math.min(1, q + 0.1), a, b)).toBeGreaterThanOrEqual(value - 1e-7);
      }),
    );
  });
});
