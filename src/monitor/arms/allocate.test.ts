import { expect, it } from 'vitest';

import { epsilonShares, thompsonShares } from './allocate.ts';

const hits = (n: number, of: number): number[] => Array.from({ length: of }, (_, i) => (i < n ? 1 : 0));

it('gives the arm that is surely better nearly all, and equal arms about the same', () => {
  expect(thompsonShares([hits(10, 200), hits(60, 200)])[1]).toBeGreaterThan(0.99);
  expect(
    thompsonShares([hits(10, 40), hits(10, 40), hits(10, 40)]).every((share) => share > 0.28 && share < 0.39),
  ).toBe(true);
  expect(thompsonShares([[], []])[0]).toBeCloseTo(0.5, 1);
  // P(p2 > p1) of Beta(3, 9) and Beta(6, 6) is 0.9025 (by integration).
  expect(thompsonShares([hits(2, 10), hits(5, 10)])[1]).toBeCloseTo(0.9025, 1);
  expect(
    thompsonShares([
      [10, 12, 9, 11, 10, 12],
      [20, 22, 19, 21, 20, 22],
    ])[1],
  ).toBeGreaterThan(0.99);
  expect(thompsonShares([hits(2, 10), hits(5, 10)])).toEqual(thompsonShares([hits(2, 10), hits(5, 10)]));
});

it('explores a share evenly, and gives the rest to the best so far', () => {
  expect(
    epsilonShares(
      [
        [1, 0],
        [1, 1],
      ],
      0.2,
    ),
  ).toEqual([0.1, 0.9]);
  expect(epsilonShares([[1], []], 0.2)).toEqual([0.5, 0.5]);
});
