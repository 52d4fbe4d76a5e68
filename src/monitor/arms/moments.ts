/** Number, mean and spread of the values of an arm. */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  /** Of a sample: n - 1. */
  readonly variance: number;
}

export function momentsOf(values: ArrayLike<number>): Moments {
  const { length: n } = values;
  // The second pass takes off what rounding left of the first.
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i] ?? 0;
  const rough = sum / n;
  let rest = 0;
  for (let i = 0; i < n; i++) rest += (values[i] ?? 0) - rough;
  const mean = rough + rest / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += ((values[i] ?? 0) - mean) ** 2;
  return { n, mean: n === 0 ? Number.NaN : mean, variance: n < 2 ? Number.NaN : squares / (n - 1) };
}
