import { rocAuc } from '../statistics/auc.ts';
import { fitLogistic, scoreLogistic } from '../statistics/logistic.ts';
import { seededRandom, shuffle } from '../statistics/random.ts';
import { normalTwoSided } from '../statistics/special.ts';
import type { Matrix } from './matrix.ts';
import type { Found } from './report.ts';

const folds = 5;

/**
 * How well a logistic regression tells the current rows from the reference: the ROC AUC of its scores for rows that it
 * was not fitted to (five folds, seeded), with the p-value of Mann and Whitney's test that it is more than chance.
 */
export function domainClassifier(x: Matrix, y: Matrix, seed: number): Found {
  const { width } = x;
  const rows = x.rows + y.rows;
  const values = new Float64Array(rows * width);
  values.set(x.values);
  values.set(y.values, x.values.length);
  const truth = new Uint8Array(rows).fill(1, x.rows);
  const scores = new Float64Array(rows);
  const fold = foldsOf(x.rows, y.rows, seed);
  for (let held = 0; held < folds; held++) {
    const weights = fitLogistic({ values, width, truth, use: (row) => fold[row] !== held });
    for (let row = 0; row < rows; row++) {
      if (fold[row] === held) scores[row] = scoreLogistic(weights, values, row);
    }
  }
  const statistic = rocAuc(truth, scores);
  const spread = Math.sqrt((rows + 1) / (12 * x.rows * y.rows));
  const z = (statistic - 0.5) / spread;
  const tail = normalTwoSided(z) / 2;
  return { statistic, pValue: z > 0 ? tail : 1 - tail, least: 0.55 };
}

/** The fold of each row; both sides are spread evenly. */
function foldsOf(n: number, m: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const fold = new Uint8Array(n + m);
  for (const [from, count] of [
    [0, n],
    [n, m],
  ] as const) {
    const order = Int32Array.from({ length: count }, (_, i) => i);
    shuffle(order, random);
    for (const [place, row] of order.entries()) fold[from + row] = place % folds;
  }
  return fold;
}
