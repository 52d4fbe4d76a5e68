import { PyFloat, type PyValue } from '../../base/index.ts';

export interface MetricPoint {
  readonly key: string;
  readonly value: number;
  readonly step: number;
}

/** MLflow's limit on metric keys; longer ones are left out rather than cut into another metric's name. */
const longestKey = 250;

/**
 * The numbers of a metrics file as metrics: nested keys joined with `.`, list items by their index, booleans
 * as 0 and 1. Texts and nulls are no metrics. Keys that MLflow refuses are spelled with `_`.
 */
export function metricsOf(value: PyValue, prefix = ''): MetricPoint[] {
  const number = numberOf(value);
  if (number !== undefined)
    return prefix === '' || prefix.length > longestKey ? [] : [{ key: prefix, value: number, step: 0 }];
  if (Array.isArray(value)) return value.flatMap((item, i) => metricsOf(item, join(prefix, String(i))));
  if (value instanceof Map)
    return [...value].flatMap(([key, item]) => metricsOf(item, join(prefix, cleanKey(String(key)))));
  return [];
}

/**
 * A table that grows by a row a step (a loss curve) as metric history: every numeric column but the step's.
 * The step is the column called `step`, `epoch`, `iteration` or `batch`, else the row number.
 */
export function historyOf(header: readonly string[], rows: readonly (readonly string[])[]): MetricPoint[] {
  return rows.flatMap((row, index) => rowPoints(header, row, index));
}

/** The points of one row of such a table. */
export function rowPoints(header: readonly string[], row: readonly string[], index: number): MetricPoint[] {
  const stepColumn = header.findIndex(isStepName);
  const named = stepColumn < 0 ? Number.NaN : Number(row[stepColumn]);
  const step = Number.isInteger(named) ? named : index;
  return header.flatMap((name, column) => {
    const text = row[column]?.trim() ?? '';
    const value = Number(text);
    if (column === stepColumn || text === '' || (Number.isNaN(value) && !/^nan$/i.test(text))) return [];
    return [{ key: cleanKey(name), value, step }];
  });
}

/** What a column or key is called that counts steps. */
export function isStepName(name: string): boolean {
  return /^(step|epoch|iteration|batch)$/i.test(name);
}

/** True for a table of numbers by step, and not for one of observations (a confusion matrix's actual, predicted). */
export function isHistory(header: readonly string[]): boolean {
  return header.length > 1 && header.some((name) => /^(step|epoch|iteration)$/i.test(name));
}

/** Characters outside MLflow's `[/\w.\- :]` become `_`. */
export function allowedKey(key: string): string {
  return key.replace(/[^/\w.\- :\p{L}\p{N}]/gu, '_');
}

/** As `allowedKey`, and the key stays the same path when normalised. */
export function cleanKey(key: string): string {
  return allowedKey(key)
    .replace(/^[./]+|(?<!\/)\/+$/g, '_')
    .replace(/\/{2,}/g, '/');
}

function join(prefix: string, key: string): string {
  return prefix === '' ? key : `${prefix}.${key}`;
}

function numberOf(value: PyValue): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value instanceof PyFloat ? value.value : undefined;
}
