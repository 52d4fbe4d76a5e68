import { ksTest } from '../statistics/ks.ts';
import { mean } from '../statistics/quantile.ts';
import { seededRandom, shuffle } from '../statistics/random.ts';
import { pick, type Matrix } from './matrix.ts';
import type { Found } from './report.ts';

/** Share of the variance that the components keep: NannyML's default. */
const keptVariance = 0.65;

/**
 * How badly the principal components of the reference describe the current rows: the mean distance between a row and
 * its image. The components come from one half of the reference; the errors of the other half are what the current
 * ones are tested against (Kolmogorov and Smirnov).
 *
 * @param x standardised, as `y`.
 */
export function reconstructionError(x: Matrix, y: Matrix, seed: number): Found {
  const order = Int32Array.from({ length: x.rows }, (_, i) => i);
  shuffle(order, seededRandom(seed));
  const half = x.rows >> 1;
  const components = principalComponents(pick(x, order.subarray(0, half)));
  const before = errors(pick(x, order.subarray(half)), components);
  const now = errors(y, components);
  const statistic = mean(now);
  const test = ksTest(before.sort(), now.sort());
  return {
    statistic,
    pValue: test.pValue,
    details: { reference: mean(before), effect: test.statistic, components: components.length },
  };
}

/** The eigenvectors of the covariance with the largest eigenvalues. */
function principalComponents({ rows, width, values }: Matrix): Float64Array[] {
  const covariance = new Float64Array(width * width);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < width; i++) {
      const x = values[row * width + i] ?? 0;
      for (let j = 0; j < width; j++) {
        covariance[i * width + j] = (covariance[i * width + j] ?? 0) + (x * (values[row * width + j] ?? 0)) / rows;
      }
    }
  }
  const pairs = eigen(covariance, width).sort((a, b) => b.value - a.value);
  const total = pairs.reduce((sum, { value }) => sum + value, 0);
  let kept = 0;
  let count = 0;
  while (count < pairs.length && kept < keptVariance * total) kept += pairs[count++]?.value ?? 0;
  // All of them would describe every row without an error.
  return pairs.slice(0, Math.min(count, width - 1)).map(({ vector }) => vector);
}

function errors({ rows, width, values }: Matrix, components: readonly Float64Array[]): Float64Array {
  const found = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const rest = values.slice(row * width, (row + 1) * width);
    for (const component of components) {
      let along = 0;
      for (let i = 0; i < width; i++) along += (values[row * width + i] ?? 0) * (component[i] ?? 0);
      for (let i = 0; i < width; i++) rest[i] = (rest[i] ?? 0) - along * (component[i] ?? 0);
    }
    found[row] = Math.hypot(...rest);
  }
  return found;
}

/** Eigenvalues and vectors of a symmetric matrix by Jacobi's rotations. */
function eigen(matrix: Float64Array, size: number): { value: number; vector: Float64Array }[] {
  const a = matrix.slice();
  const v = new Float64Array(size * size);
  for (let i = 0; i < size; i++) v[i * size + i] = 1;
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const value = a[p * size + q] ?? 0;
        off += value * value;
        if (Math.abs(value) > 1e-300) rotate(a, v, size, p, q);
      }
    }
    if (off < 1e-22) break;
  }
  return Array.from({ length: size }, (_, i) => ({
    value: a[i * size + i] ?? 0,
    vector: Float64Array.from({ length: size }, (__, row) => v[row * size + i] ?? 0),
  }));
}

function rotate(a: Float64Array, v: Float64Array, size: number, p: number, q: number): void {
  const theta = ((a[q * size + q] ?? 0) - (a[p * size + p] ?? 0)) / (2 * (a[p * size + q] ?? 1));
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  const turn = (m: Float64Array, i: number, j: number): void => {
    const [x, y] = [m[i] ?? 0, m[j] ?? 0];
    m[i] = c * x - s * y;
    m[j] = s * x + c * y;
  };
  for (let k = 0; k < size; k++) turn(a, k * size + p, k * size + q);
  for (let k = 0; k < size; k++) turn(a, p * size + k, q * size + k);
  for (let k = 0; k < size; k++) turn(v, k * size + p, k * size + q);
}
