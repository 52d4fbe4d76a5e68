import { MlopsError } from '../../base/index.ts';
import type { EnsembleConfig } from '../processing/ensemble-config.ts';
import type { Tensor } from '../wire/tensor.ts';

/**
 * One matrix of scores out of those of the members: by their weights, which need not have the sum 1; as their mean; as
 * shares of votes for the best class of each (of equal ones the first); or, of a chain, the last one.
 *
 * @throws MlopsError `inference_failed` where members answer different numbers of rows or classes.
 */
export function joinScores({ join, members }: EnsembleConfig, scores: readonly Tensor[]): Tensor {
  const last = scores.at(-1);
  if (last === undefined) throw new Error('an ensemble has members');
  if (join === 'chain') return last;
  const { rows, columns } = sizeOf(last);
  for (const [i, tensor] of scores.entries()) {
    const own = sizeOf(tensor);
    if (own.rows === rows && own.columns === columns) continue;
    throw new MlopsError(
      'inference_failed',
      `the members answer different shapes: '${members[i]?.name}' [${tensor.dims.join(', ')}], '${members.at(-1)?.name}' [${last.dims.join(', ')}]`,
    );
  }
  const weights = members.map(({ weight }) => (join === 'mean' ? 1 : weight));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const sums = new Float64Array(rows * columns);
  for (const [i, tensor] of scores.entries()) {
    const share = (weights[i] ?? 0) / (Math.abs(total - 1) < 1e-9 ? 1 : total);
    const data = tensor.data as ArrayLike<number>;
    if (join === 'vote') {
      for (let row = 0; row < rows; row++) {
        const at = row * columns + bestOf(data, row, columns);
        sums[at] = (sums[at] ?? 0) + share;
      }
    } else for (let at = 0; at < sums.length; at++) sums[at] = (sums[at] ?? 0) + share * Number(data[at]);
  }
  return { dtype: 'float32', dims: [rows, columns], data: Float32Array.from(sums) };
}

/** The label of the best class of each row; one column is the score of the second of two classes. */
export function labelsOfRows(scores: Tensor, classes: readonly string[]): string[] {
  const { rows, columns } = sizeOf(scores);
  const data = scores.data as ArrayLike<number>;
  return Array.from({ length: rows }, (_, row) => {
    const best = columns === 1 ? (Number(data[row]) >= 0.5 ? 1 : 0) : bestOf(data, row, columns);
    return classes[best] ?? String(best);
  });
}

function bestOf(data: ArrayLike<number>, row: number, columns: number): number {
  let best = 0;
  for (let column = 1; column < columns; column++) {
    if (Number(data[row * columns + column]) > Number(data[row * columns + best])) best = column;
  }
  return best;
}

function sizeOf({ dims, data }: Tensor): { rows: number; columns: number } {
  const rows = dims[0] ?? 1;
  return { rows, columns: rows === 0 ? 0 : data.length / rows };
}
