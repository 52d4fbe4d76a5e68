import fc from 'fast-check';
import { expect, it } from 'vitest';

import { sampleIndices } from './sample-history.ts';

it('takes the first of parts of one size, and the last of all', () => {
  expect(sampleIndices(3, 10)).toEqual([0, 1, 2]);
  // As SQLite's NTILE(4) parts ten rows: 3, 3, 2, 2.
  expect(sampleIndices(10, 4)).toEqual([0, 3, 6, 9]);
  expect(sampleIndices(10, 1)).toEqual([9]);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 1, max: 2500 }), (total, limit) => {
      const places = sampleIndices(total, limit);
      expect(places).toHaveLength(Math.min(total, limit));
      expect(places.every((place, i) => i === 0 || place > (places[i - 1] ?? 0))).toBe(true);
      if (total > 0) expect(places.at(-1)).toBe(total - 1);
    }),
  );
});
