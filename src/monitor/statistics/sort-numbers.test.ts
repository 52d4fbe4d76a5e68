import fc from 'fast-check';
import { expect, it } from 'vitest';

import { sortedFinite } from './sort-numbers.ts';

it('sorts as the comparison sort does, and leaves out what is not finite', () => {
  const odd = fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 5e-324, -5e-324, 1e308, 1, -1, 1e9 + 0.5, 1e9);
  const numbers = fc.array(fc.oneof(odd, fc.double(), fc.integer()), { minLength: 2000, maxLength: 6000, size: 'max' });
  fc.assert(
    fc.property(numbers, (values) => {
      const expected = Float64Array.from(values.filter(Number.isFinite)).sort();
      const sorted = sortedFinite(Float64Array.from(values));
      expect(Buffer.compare(bytesOf(sorted), bytesOf(expected))).toBe(0);
    }),
    { numRuns: 25 },
  );
  const same = new Float64Array(5000).fill(7);
  expect(sortedFinite(same)).toEqual(same);
  // All agree in their upper half.
  const near = Float64Array.from({ length: 5000 }, (_, i) => 1e9 + ((i * 7919) % 5000) * 1e-6);
  expect(sortedFinite(near)).toEqual(near.slice().sort());
});

function bytesOf(values: Float64Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
