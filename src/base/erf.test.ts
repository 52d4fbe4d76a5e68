import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { erf, erfc } from './erf.ts';

describe('the error function', () => {
  // Values of Python's math.erf and math.erfc, one in each piece of the approximation.
  it.each([
    [1e-10, 1.1283791670955126e-10, 0.9999999998871621],
    [0.3, 0.3286267594591274, 0.6713732405408726],
    [0.84375, 0.7672256612323416, 0.2327743387676584],
    [1.1, 0.8802050695740817, 0.1197949304259183],
    [2, 0.9953222650189527, 0.004677734981047266],
    [3.5, 0.9999992569016276, 7.430983723414128e-7],
    [10, 1, 2.088487583762545e-45],
    [26, 1, 5.663192408856143e-296],
  ])('of %d', (x, value, complement) => {
    expect(erf(x)).toBeCloseTo(value, 15);
    expect(erf(-x)).toBe(-erf(x));
    expect(Math.abs(erfc(x) / complement - 1)).toBeLessThan(1e-14);
  });

  it('and its complement sum to 1 and mirror each other', () => {
    fc.assert(
      fc.property(fc.double({ min: -30, max: 30, noNaN: true }), (x) => {
        expect(Math.abs(erf(x) + erfc(x) - 1)).toBeLessThan(3e-16);
        expect(Math.abs(erfc(-x) - (2 - erfc(x)))).toBeLessThan(5e-16);
      }),
    );
  });

  it('passes NaN on', () => {
    expect([erf(NaN), erfc(NaN)]).toEqual([NaN, NaN]);
  });
});
