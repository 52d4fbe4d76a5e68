import fc from 'fast-check';
import { expect, it } from 'vitest';

import { numberAt } from './number-bytes.ts';

const digits = fc
  .tuple(fc.boolean(), fc.stringMatching(/^\d{1,25}$/), fc.nat({ max: 25 }))
  .map(([negative, all, point]) => `${negative ? '-' : ''}${all.slice(0, point)}.${all.slice(point)}`)
  .filter((text) => /\d/.test(text));

/** Between two doubles, in the middle or a digit beside it. */
const halfway = fc
  .tuple(fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n }), fc.nat({ max: 4 }), fc.constantFrom('', '0', '1'))
  .map(([odd, places, more]) => {
    const all = String((2n * odd + 1n) * 5n ** BigInt(places));
    return `${all.slice(0, all.length - places)}.${all.slice(all.length - places)}${more}`;
  });

const printed = fc.double({ noNaN: true, noDefaultInfinity: true }).map(String);

it('reads bytes as the double that is nearest, however many digits there are', () => {
  fc.assert(
    fc.property(fc.oneof(digits, halfway, printed), (text) => {
      const bytes = Buffer.from(`x${text},`);
      expect(numberAt(bytes, 1, bytes.length - 1)).toBe(Number(text));
    }),
    { numRuns: 3_000 },
  );
});
