import { logFactorial } from './special.ts';

/** Fisher's exact test of a table [[a, b], [c, d]], two-sided, as scipy's `fisher_exact`. */
export function fisherExact(a: number, b: number, c: number, d: number): number {
  const row = a + b;
  const other = c + d;
  const column = a + c;
  const low = Math.max(0, column - other);
  const high = Math.min(row, column);
  const fixed = logFactorial(row) + logFactorial(other) + logFactorial(column) + logFactorial(b + d);
  const constant = fixed - logFactorial(row + other);
  const logP = (x: number): number =>
    constant - logFactorial(x) - logFactorial(row - x) - logFactorial(column - x) - logFactorial(other - column + x);
  const limit = logP(a) + 1e-7;
  let p = 0;
  for (let x = low; x <= high; x++) {
    const log = logP(x);
    if (log <= limit) p += Math.exp(log);
  }
  return Math.min(1, p);
}
