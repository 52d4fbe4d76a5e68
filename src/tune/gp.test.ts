import { describe, expect, it } from 'vitest';

import { GaussianProcess } from './gp.ts';
import { Random } from './random.ts';

describe('a Gaussian process', () => {
  const random = new Random(3);
  const points = Array.from({ length: 30 }, () => [random.uniform(), random.uniform()]);
  const wave = ([x = 0, y = 0]: readonly number[]): number => Math.sin(4 * x) + 0.1 * y;
  const process = GaussianProcess.fit(points, points.map(wave), [{ categorical: false }, { categorical: false }]);

  it('goes through what it was shown, and is sure there', () => {
    for (const point of points.slice(0, 5)) {
      const { mean, deviation } = process.predict(point);
      expect(Math.abs(mean - wave(point))).toBeLessThan(0.05);
      expect(deviation).toBeLessThan(0.1);
    }
  });

  it('predicts between, and doubts outside', () => {
    expect(Math.abs(process.predict([0.5, 0.5]).mean - wave([0.5, 0.5]))).toBeLessThan(0.1);
    expect(process.predict([5, 0.5]).deviation).toBeGreaterThan(process.predict([0.5, 0.5]).deviation * 5);
  });

  it('learns that one dimension matters more', () => {
    expect(process.theta[0]).toBeGreaterThan(process.theta[1] as number);
  });

  it('bears equal points with different values', () => {
    const same = GaussianProcess.fit([[0.5], [0.5], [0.1]], [1, -1, 0], [{ categorical: false }]);
    expect(Math.abs(same.predict([0.5]).mean)).toBeLessThan(0.5);
  });
});
