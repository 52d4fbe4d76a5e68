import { MlopsError } from '../../base/index.ts';
import type { Column } from '../../tables/index.ts';
import { fisherExact } from '../statistics/fisher.ts';
import { choose } from './auto.ts';
import { adjusted, type Correction } from './correction.ts';
import { chi2Contingency } from './counts-tests.ts';
import { methods, Pair, type Measured, type Method, type MethodName } from './methods.ts';
import type { ColumnDrift, DriftReport, Verdict } from './report.ts';

export interface DriftOptions {
  /** Default `auto`. A column that does not fit the method is judged by `auto`. */
  readonly method?: MethodName | 'auto' | undefined;
  /** The level of a false alarm over the whole table. Default 0.01. */
  readonly level?: number | undefined;
  /** Instead of the method's own threshold, for all columns, or by name. */
  readonly threshold?: number | undefined;
  readonly thresholds?: Readonly<Record<string, number>> | undefined;
  readonly correction?: Correction | undefined;
  /** Fewer values than this on either side are judged `too_few`. Default 30. */
  readonly minCount?: number | undefined;
  /** Share of drifted columns from which on the table drifted. Default: any column. */
  readonly driftShare?: number | undefined;
}

/** A test rings only when the change is at least this large: with many rows the p-value of nothing is small too. */
const minEffect = 0.05;
/** Up to this many rows the test of missing values is exact. */
const maxExactRows = 20_000;

type Counted = Pick<Column, 'rows' | 'missing'>;

/** What is kept of a column once it was measured: its samples are not. */
interface Judged {
  readonly name: string;
  readonly numeric: boolean;
  readonly reference: Counted;
  readonly current: Counted;
  readonly method: MethodName;
  readonly ownThreshold: number | undefined;
  readonly reason: string | undefined;
  readonly found: Measured | undefined;
  readonly missing: { readonly pValue: number; readonly effect: number } | undefined;
}

/**
 * Compares the columns of two tables one by one.
 * @throws MlopsError `invalid_value` for a column that one of them lacks.
 */
export function checkDrift(
  reference: ReadonlyMap<string, Column>,
  current: ReadonlyMap<string, Column>,
  options: DriftOptions = {},
): DriftReport {
  const { correction = 'holm', level = 0.01 } = options;
  const judged = [...reference.values()].map((column) => {
    const now = current.get(column.name);
    if (now === undefined) throw new MlopsError('invalid_value', `the current data lack the column '${column.name}'`);
    return judge(column.name, new Pair(column, now), options.method ?? 'auto');
  });
  const tests = judged.flatMap(({ found, missing }) => [found?.pValue, missing?.pValue]);
  const values = adjusted(
    tests.filter((p) => p !== undefined),
    correction,
  )[Symbol.iterator]();
  const next = (test: number | undefined): number | undefined => (test === undefined ? undefined : values.next().value);
  const columns = judged.map((one): [string, ColumnDrift] => [
    one.name,
    columnDrift(one, next(one.found?.pValue), next(one.missing?.pValue), { ...options, level }),
  ]);
  return {
    columns: Object.fromEntries(columns),
    ...summary(
      columns.map(([, column]) => column),
      options,
    ),
    correction,
    level,
  };
}

/** Whether the table drifted, by the share of its columns that did. */
function summary(
  columns: readonly ColumnDrift[],
  { driftShare }: DriftOptions,
): Pick<DriftReport, 'share_drifted' | 'drifted' | 'verdict'> {
  const count = columns.filter((column) => column.drifted).length;
  const share = columns.length === 0 ? 0 : count / columns.length;
  const drifted = count > 0 && share >= (driftShare ?? 0);
  const judged = columns.some((column) => column.verdict === 'drift' || column.verdict === 'no_drift');
  return { share_drifted: share, drifted, verdict: drifted ? 'drift' : judged ? 'no_drift' : 'too_few' };
}

function judge(name: string, pair: Pair, wanted: MethodName | 'auto'): Judged {
  const { numeric, reference, current } = pair;
  const missing = numeric ? missingTest(pair) : undefined;
  const facts = { name, numeric, reference: counted(reference), current: counted(current), missing };
  const empty = numeric
    ? valuesOf(reference) === 0 || valuesOf(current) === 0
    : reference.rows === 0 || current.rows === 0;
  const named: Method | undefined = wanted === 'auto' ? undefined : methods[wanted];
  if (wanted !== 'auto' && named !== undefined && (named.takes !== 'numbers' || numeric)) {
    const found = empty ? undefined : named.measure(pair);
    const reason = empty ? noValues : undefined;
    if (empty || found !== undefined)
      return { ...facts, method: wanted, ownThreshold: thresholdOf(named, pair), reason, found };
  }
  const chosen = choose(pair);
  const instead = wanted === 'auto' ? '' : `'${wanted}' does not fit; `;
  const found = empty ? undefined : chosen.measure();
  const reason = instead + (empty ? noValues : chosen.reason);
  return { ...facts, method: chosen.method, ownThreshold: undefined, reason, found };
}

const noValues = 'one side has no values';
const counted = ({ rows, missing }: Column): Counted => ({ rows, missing });

const valuesOf = (column: Counted): number => column.rows - column.missing;

/** Whether as many values are missing as before; undefined where none are. */
function missingTest({ reference, current }: Pair): Judged['missing'] {
  if (reference.missing + current.missing === 0 || reference.rows === 0 || current.rows === 0) return undefined;
  const effect = Math.abs(reference.missing / reference.rows - current.missing / current.rows);
  const [a, b] = [reference.missing, valuesOf(reference)];
  const [c, d] = [current.missing, valuesOf(current)];
  if (a + b + c + d <= maxExactRows || Math.min(a + c, b + d) < 1000)
    return { pValue: fisherExact(a, b, c, d), effect };
  const counts = { categories: [null, ''], reference: Float64Array.of(a, b), current: Float64Array.of(c, d) };
  return { pValue: chi2Contingency(counts).pValue, effect };
}

function columnDrift(
  { name, numeric, reference, current, method, ownThreshold, reason, found, missing }: Judged,
  p: number | undefined,
  missingP: number | undefined,
  options: DriftOptions & { readonly level: number },
): ColumnDrift {
  const { level, minCount = 30 } = options;
  const given = options.thresholds?.[name] ?? options.threshold;
  const threshold = given ?? ownThreshold ?? level;
  const rings =
    found !== undefined &&
    (p === undefined
      ? ownThreshold !== undefined && found.statistic >= threshold
      : p < threshold && !(found.effect < minEffect));
  const missingRings =
    missing !== undefined && missingP !== undefined && missingP < level && missing.effect >= minEffect;
  const enoughRows = Math.min(reference.rows, current.rows) >= minCount;
  // Categories have one for what is missing; numbers are judged by those that are there.
  const enough = enoughRows && (!numeric || Math.min(valuesOf(reference), valuesOf(current)) >= minCount);
  const drifted = (enough && rings) || (enoughRows && missingRings);
  const verdict: Verdict = drifted ? 'drift' : enough ? 'no_drift' : 'too_few';
  return {
    method,
    ...reasonOf(reason, found),
    statistic: finite(found?.statistic),
    p_value: finite(found?.pValue),
    p_adjusted: finite(p),
    effect: finite(found?.effect),
    threshold,
    drifted,
    verdict,
    n_reference: reference.rows,
    n_current: current.rows,
    missing_reference: reference.missing,
    missing_current: current.missing,
    ...(missing === undefined || missingP === undefined
      ? {}
      : { missing: { p_value: missing.pValue, p_adjusted: missingP, effect: missing.effect, drifted: missingRings } }),
  };
}

function thresholdOf(method: Method, pair: Pair): number | undefined {
  return typeof method.threshold === 'function' ? method.threshold(pair) : method.threshold;
}

function reasonOf(reason: string | undefined, found: Measured | undefined): { readonly reason?: string } {
  if (found?.statistic === Infinity)
    return { reason: 'the statistic is infinite: there is a category that the reference lacks' };
  return reason === undefined ? {} : { reason };
}

const finite = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : value;
