import { seededRandom, shuffle } from '../statistics/random.ts';
import type { Matrix } from './matrix.ts';
import type { Found } from './report.ts';

/** About so many additions are spent on permutations. */
const effort = 4e8;

/** The cosine distance of the two mean rows, the Euclidean one beside it; p by seeded permutations of the rows. */
export function centroidDistance(x: Matrix, y: Matrix, seed: number): Found {
  const { width } = x;
  const rows = x.rows + y.rows;
  const all = new Float64Array(rows * width);
  all.set(x.values);
  all.set(y.values, x.values.length);
  const total = sumOf(
    all,
    width,
    Int32Array.from({ length: rows }, (_, i) => i),
  );
  const distances = (order: Int32Array): { cosine: number; euclidean: number } => {
    const first = sumOf(all, width, order.subarray(0, x.rows));
    return between(
      first.map((sum) => sum / x.rows),
      first.map((sum, i) => ((total[i] ?? 0) - sum) / y.rows),
    );
  };
  const own = between(
    sumOf(x.values, width, range(x.rows)).map((sum) => sum / x.rows),
    sumOf(y.values, width, range(y.rows)).map((sum) => sum / y.rows),
  );
  const order = range(rows);
  const random = seededRandom(seed);
  const permutations = Math.min(500, Math.max(120, Math.floor(effort / all.length)));
  let asLarge = 0;
  for (let i = 0; i < permutations; i++) {
    shuffle(order, random);
    if (distances(order).cosine >= own.cosine) asLarge++;
  }
  return {
    statistic: own.cosine,
    pValue: (asLarge + 1) / (permutations + 1),
    details: { euclidean: own.euclidean },
  };
}

const range = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i);

function sumOf(values: Float64Array, width: number, order: Int32Array): Float64Array {
  const sum = new Float64Array(width);
  for (const row of order) {
    for (let k = 0; k < width; k++) sum[k] = (sum[k] ?? 0) + (values[row * width + k] ?? 0);
  }
  return sum;
}

function between(a: Float64Array, b: Float64Array): { cosine: number; euclidean: number } {
  let [dot, aa, bb, square] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    dot += x * y;
    aa += x * x;
    bb += y * y;
    square += (x - y) ** 2;
  }
  const lengths = Math.sqrt(aa) * Math.sqrt(bb);
  // Two zero vectors point the same way; a zero and another one have no angle, which is as far as a right one.
  const cosine = lengths === 0 ? Number(aa !== bb) : 1 - dot / lengths;
  return { cosine: Math.max(0, cosine), euclidean: Math.sqrt(square) };
}
