import type { Column } from '../../tables/index.ts';
import { mean, standardDeviation } from '../statistics/quantile.ts';
import { seededRandom, shuffle } from '../statistics/random.ts';

/** Rows of numbers, one after the other. */
export interface Matrix {
  readonly rows: number;
  readonly width: number;
  readonly values: Float64Array;
}

/** The rows of a table that have all of these numeric columns. */
export function matrixOf(table: ReadonlyMap<string, Column>, names: readonly string[]): Matrix {
  const columns = names.map((name) => {
    const column = table.get(name);
    return column?.kind === 'number' ? column.values : new Float64Array(0);
  });
  const width = columns.length;
  const count = columns[0]?.length ?? 0;
  const values = new Float64Array(count * width);
  let rows = 0;
  for (let row = 0; row < count; row++) {
    let whole = true;
    for (let i = 0; i < width; i++) {
      const value = columns[i]?.[row] ?? Number.NaN;
      values[rows * width + i] = value;
      whole &&= Number.isFinite(value);
    }
    if (whole) rows++;
  }
  return { rows, width, values: values.subarray(0, rows * width) };
}

export function columnOf({ rows, width, values }: Matrix, index: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => values[row * width + index] ?? 0);
}

/**
 * Both scaled by the deviation of the first, and with `center` moved by its mean; a constant column keeps its scale.
 * Distances of rows don't need the mean, and the angle between mean rows has no meaning where one of them is zero.
 */
export function standardize(reference: Matrix, current: Matrix, center: boolean): [Matrix, Matrix] {
  const scales = Array.from({ length: reference.width }, (_, index) => {
    const column = columnOf(reference, index);
    return { center: center ? mean(column) : 0, spread: standardDeviation(column) || 1 };
  });
  const scaled = (matrix: Matrix): Matrix => ({
    ...matrix,
    values: matrix.values.map((value, i) => {
      const scale = scales[i % matrix.width];
      return (value - (scale?.center ?? 0)) / (scale?.spread ?? 1);
    }),
  });
  return [scaled(reference), scaled(current)];
}

/** At most so many rows, chosen by a seed. */
export function thinned(matrix: Matrix, maxRows: number, seed: number): Matrix {
  if (matrix.rows <= maxRows) return matrix;
  const order = Int32Array.from({ length: matrix.rows }, (_, i) => i);
  shuffle(order, seededRandom(seed));
  return pick(matrix, order.subarray(0, maxRows).sort());
}

export function pick({ width, values }: Matrix, order: Int32Array): Matrix {
  const picked = new Float64Array(order.length * width);
  for (const [row, from] of order.entries()) {
    picked.set(values.subarray(from * width, (from + 1) * width), row * width);
  }
  return { rows: order.length, width, values: picked };
}
