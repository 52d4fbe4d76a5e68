import type { Correction } from './correction.ts';
import type { MethodName } from './methods.ts';
import type { ColumnSeries } from './series.ts';

export type Verdict = 'drift' | 'no_drift' | 'too_few' | 'not_applicable';

/** What was found in one column; the keys are those of the JSON. */
export interface ColumnDrift {
  readonly method: MethodName;
  /** Why `auto` chose the method, why nothing could be computed. */
  readonly reason?: string;
  /** Null where it is undefined or infinite; `reason` tells. */
  readonly statistic: number | null;
  readonly p_value: number | null;
  /** After the correction over all tests of the table. */
  readonly p_adjusted: number | null;
  readonly effect: number | null;
  /** What the statistic is held against, or for a test the level of the adjusted p-value. */
  readonly threshold: number;
  readonly drifted: boolean;
  readonly verdict: Verdict;
  /** All rows, those included that lack the value. */
  readonly n_reference: number;
  readonly n_current: number;
  readonly missing_reference: number;
  readonly missing_current: number;
  /** The test of whether as many values are missing as before; for numbers only. */
  readonly missing?: MissingDrift;
}

export interface MissingDrift {
  readonly p_value: number;
  readonly p_adjusted: number;
  /** Difference of the shares. */
  readonly effect: number;
  readonly drifted: boolean;
}

/** What a method finds in whole rows. */
export interface Found {
  readonly statistic: number;
  readonly pValue: number;
  /** The least statistic that is worth an alarm. */
  readonly least?: number;
  /** Further numbers for the report. */
  readonly details?: Readonly<Record<string, number>>;
}

/** What was found in several columns together. */
export interface MultivariateDrift {
  readonly method: string;
  readonly columns: readonly string[];
  readonly statistic: number | null;
  readonly p_value: number | null;
  readonly threshold: number;
  readonly drifted: boolean;
  readonly verdict: Verdict;
  readonly n_reference: number;
  readonly n_current: number;
  /** Rows that lack a value and were left out. */
  readonly missing_reference: number;
  readonly missing_current: number;
  readonly reason?: string;
  readonly [detail: string]: unknown;
}

export interface DriftReport {
  readonly columns: Readonly<Record<string, ColumnDrift>>;
  readonly multivariate?: MultivariateDrift;
  /** Where chunks were asked for. */
  readonly series?: Readonly<Record<string, ColumnSeries>>;
  readonly share_drifted: number;
  readonly drifted: boolean;
  readonly verdict: Verdict;
  readonly correction: Correction;
  readonly level: number;
}
