/** A logistic regression's intercept and slopes. */
export type Weights = Float64Array;

export interface LogisticData {
  readonly values: Float64Array;
  /** Columns of a row. */
  readonly width: number;
  /** 0 or 1 for each row. */
  readonly truth: Uint8Array;
  readonly use: (row: number) => boolean;
}

/** Strength of the ridge on the slopes: scikit-learn's default, C = 1. */
const ridge = 1;

/** Fits by Newton's method (iteratively reweighted least squares) with a ridge on the slopes. */
export function fitLogistic({ values, width, truth, use }: LogisticData): Weights {
  const size = width + 1;
  const weights = new Float64Array(size);
  const row = new Float64Array(size);
  row[0] = 1;
  for (let step = 0; step < 25; step++) {
    const gradient = new Float64Array(size);
    const hessian = new Float64Array(size * size);
    for (let i = 1; i < size; i++) {
      gradient[i] = -ridge * (weights[i] ?? 0);
      hessian[i * size + i] = ridge;
    }
    for (let at = 0; at < truth.length; at++) {
      if (!use(at)) continue;
      row.set(values.subarray(at * width, (at + 1) * width), 1);
      const p = 1 / (1 + Math.exp(-scoreLogistic(weights, values, at)));
      const error = (truth[at] ?? 0) - p;
      const weight = Math.max(p * (1 - p), 1e-10);
      for (let i = 0; i < size; i++) {
        const x = row[i] ?? 0;
        gradient[i] = (gradient[i] ?? 0) + error * x;
        for (let j = i; j < size; j++) {
          hessian[i * size + j] = (hessian[i * size + j] ?? 0) + weight * x * (row[j] ?? 0);
        }
      }
    }
    const change = solve(hessian, gradient, size);
    let largest = 0;
    for (let i = 0; i < size; i++) {
      weights[i] = (weights[i] ?? 0) + (change[i] ?? 0);
      largest = Math.max(largest, Math.abs(change[i] ?? 0));
    }
    if (largest < 1e-8) break;
  }
  return weights;
}

/** The log odds of a row. */
export function scoreLogistic(weights: Weights, values: Float64Array, row: number): number {
  const width = weights.length - 1;
  let score = weights[0] ?? 0;
  for (let i = 0; i < width; i++) score += (weights[i + 1] ?? 0) * (values[row * width + i] ?? 0);
  return score;
}

/** Cholesky's method on a symmetric matrix of which the upper half is given. */
function solve(matrix: Float64Array, right: Float64Array, size: number): Float64Array {
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[j * size + i] ?? 0;
      for (let k = 0; k < j; k++) sum -= (lower[i * size + k] ?? 0) * (lower[j * size + k] ?? 0);
      lower[i * size + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / (lower[j * size + j] ?? 1);
    }
  }
  const solution = right.slice();
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) solution[i] = (solution[i] ?? 0) - (lower[i * size + k] ?? 0) * (solution[k] ?? 0);
    solution[i] = (solution[i] ?? 0) / (lower[i * size + i] ?? 1);
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) {
      solution[i] = (solution[i] ?? 0) - (lower[k * size + i] ?? 0) * (solution[k] ?? 0);
    }
    solution[i] = (solution[i] ?? 0) / (lower[i * size + i] ?? 1);
  }
  return solution;
}
