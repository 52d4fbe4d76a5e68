import { seededRandom, shuffle } from '../statistics/random.ts';
import type { Matrix } from './matrix.ts';
import type { Found } from './report.ts';

/**
 * The unbiased squared maximum mean discrepancy (Gretton et al. 2012, eq. 3) with the kernel exp(-d² / 2s), s half the
 * median of all pairs' squared distances, and a p-value by seeded permutations of the rows.
 */
export function maximumMeanDiscrepancy(x: Matrix, y: Matrix, seed: number): Found {
  const rows = x.rows + y.rows;
  const kernel = squaredDistances(x, y);
  const bandwidth = scaleOf(kernel);
  for (let i = 0; i < kernel.length; i++) kernel[i] = Math.exp(-(kernel[i] ?? 0) / bandwidth);
  const labels = new Float64Array(rows).fill(1, 0, x.rows);
  const statistic = discrepancy(kernel, labels, x.rows, y.rows);
  const random = seededRandom(seed);
  const permutations = Math.min(500, Math.max(120, Math.floor(1e9 / kernel.length)));
  let asLarge = 0;
  for (let i = 0; i < permutations; i++) {
    shuffle(labels, random);
    if (discrepancy(kernel, labels, x.rows, y.rows) >= statistic) asLarge++;
  }
  return { statistic, pValue: (asLarge + 1) / (permutations + 1) };
}

/** Of all pairs i < j, row by row. */
function squaredDistances(x: Matrix, y: Matrix): Float64Array {
  const { width } = x;
  const rows = x.rows + y.rows;
  const all = new Float64Array(rows * width);
  all.set(x.values);
  all.set(y.values, x.values.length);
  const distances = new Float64Array((rows * (rows - 1)) / 2);
  let at = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = i + 1; j < rows; j++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += ((all[i * width + k] ?? 0) - (all[j * width + k] ?? 0)) ** 2;
      distances[at++] = sum;
    }
  }
  return distances;
}

/** Twice the kernel's s: the median, the mean where most rows are the same, 1 where all are. */
function scaleOf(distances: Float64Array): number {
  const sorted = distances.slice();
  const upper = sorted.length >> 1;
  const high = select(sorted, upper);
  let median = high;
  if (sorted.length % 2 === 0) {
    let low = -Infinity;
    for (let i = 0; i < upper; i++) low = Math.max(low, sorted[i] ?? 0);
    median = (low + high) / 2;
  }
  if (median > 0) return median;
  const sum = distances.reduce((total, value) => total + value, 0);
  return sum > 0 ? sum / distances.length : 1;
}

/** The k-th smallest; smaller ones are before it afterwards (Hoare's selection). */
function select(values: Float64Array, k: number): number {
  let left = 0;
  let right = values.length - 1;
  while (left < right) {
    const pivot = values[(left + right) >>> 1] ?? 0;
    let i = left;
    let j = right;
    while (i <= j) {
      while ((values[i] ?? 0) < pivot) i++;
      while ((values[j] ?? 0) > pivot) j--;
      if (i > j) break;
      const value = values[i] ?? 0;
      values[i++] = values[j] ?? 0;
      values[j--] = value;
    }
    if (k <= j) right = j;
    else if (k >= i) left = i;
    else break;
  }
  return values[k] ?? 0;
}

/** @param labels 1 for rows of the first sample, 0 for those of the second. */
function discrepancy(kernel: Float64Array, labels: Float64Array, n: number, m: number): number {
  let within = 0;
  let other = 0;
  let between = 0;
  let at = 0;
  for (let i = 0; i < labels.length; i++) {
    let first = 0;
    let all = 0;
    for (let j = i + 1; j < labels.length; j++) {
      const value = kernel[at++] ?? 0;
      all += value;
      first += value * (labels[j] ?? 0);
    }
    if (labels[i] === 1) {
      within += first;
      between += all - first;
    } else {
      other += all - first;
      between += first;
    }
  }
  return (2 * within) / (n * (n - 1)) + (2 * other) / (m * (m - 1)) - (2 * between) / (n * m);
}
