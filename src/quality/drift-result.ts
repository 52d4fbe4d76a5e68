import type { DriftReport } from '../monitor/index.ts';
import { expectation, type Expectation } from './result.ts';

/** An expectation for each column that was compared, or one for all of them together. */
export function driftExpectations({ columns, multivariate }: DriftReport): Expectation[] {
  const put = (
    column: string | readonly string[],
    rows: number,
    found: { readonly drifted: boolean; readonly method: string; readonly statistic: number | null },
    observed: unknown,
  ): Expectation =>
    expectation('drift', column, `as the reference (${found.method})`, {
      elements: rows,
      unexpected: found.drifted ? 1 : 0,
      failing: found.drifted ? [{ line: null, value: found.statistic }] : [],
      observed,
    });
  if (multivariate !== undefined) {
    const { columns: names, n_current: rows, method, statistic, p_value, threshold, verdict } = multivariate;
    return [put(names, rows, multivariate, { method, statistic, p_value, threshold, verdict })];
  }
  return Object.entries(columns).map(([name, column]) => {
    const { method, statistic, p_value, effect, threshold, verdict } = column;
    return put(name, column.n_current, column, { method, statistic, p_value, effect, threshold, verdict });
  });
}
