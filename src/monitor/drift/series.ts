import { MlopsError } from '../../base/index.ts';
import type { Column } from '../../tables/index.ts';
import { mean, standardDeviation } from '../statistics/quantile.ts';
import { choose } from './auto.ts';
import { methods, Pair, type Method, type MethodName } from './methods.ts';

/** A stretch of rows and how far it is from the whole reference. */
export interface SeriesChunk {
  readonly start: number;
  /** The row behind its last. */
  readonly end: number;
  readonly statistic: number | null;
  /** Above the band. */
  readonly drifted: boolean;
}

/** The drift of one column over the chunks of the current data; the keys are those of the JSON. */
export interface ColumnSeries {
  readonly method: MethodName;
  /** The band of the reference's own chunks: their mean and standard deviation (ddof 0), and mean + 3 deviations. */
  readonly mean: number | null;
  readonly std: number | null;
  readonly upper: number | null;
  readonly reference: readonly SeriesChunk[];
  readonly current: readonly SeriesChunk[];
}

const deviations = 3;

/**
 * Compares chunk after chunk of the reference and of the current data with the whole reference, as NannyML does: what is
 * above the mean of the reference's chunks by more than three of their deviations stands out. Rows are taken in their order.
 *
 * @param chunks of each side, of equal size but for one row.
 * @throws MlopsError `usage` where there are fewer rows than chunks.
 */
export function driftSeries(
  reference: ReadonlyMap<string, Column>,
  current: ReadonlyMap<string, Column>,
  chunks: number,
  wanted: MethodName | 'auto' = 'auto',
): Record<string, ColumnSeries> {
  const found: [string, ColumnSeries][] = [];
  for (const [name, before] of reference) {
    const now = current.get(name);
    if (now === undefined) continue;
    if (Math.min(before.rows, now.rows) < chunks) {
      throw new MlopsError('usage', `${Math.min(before.rows, now.rows)} rows are too few for ${chunks} chunks`);
    }
    found.push([name, seriesOf(before, now, chunks, wanted)]);
  }
  return Object.fromEntries(found);
}

function seriesOf(before: Column, now: Column, chunks: number, wanted: MethodName | 'auto'): ColumnSeries {
  const pair = new Pair(before, now);
  const fits = wanted !== 'auto' && ((methods[wanted] as Method).takes !== 'numbers' || pair.numeric);
  const name = fits ? wanted : choose(pair).method;
  const method: Method = methods[name];
  const measured = (column: Column): Omit<SeriesChunk, 'drifted'>[] =>
    spans(column.rows, chunks).map(([start, end]) => ({
      start,
      end,
      statistic: finite(method.measure(new Pair(before, sliced(column, start, end)))?.statistic),
    }));
  const own = measured(before);
  const known = own.flatMap(({ statistic }) => (statistic === null ? [] : [statistic]));
  const center = known.length === 0 ? null : mean(known);
  const std = center === null ? null : standardDeviation(known);
  const upper = center === null || std === null ? null : center + deviations * std;
  const judged = (list: readonly Omit<SeriesChunk, 'drifted'>[]): SeriesChunk[] =>
    list.map((chunk) => ({
      ...chunk,
      drifted: chunk.statistic !== null && upper !== null && chunk.statistic > upper,
    }));
  return { method: name, mean: center, std, upper, reference: judged(own), current: judged(measured(now)) };
}

/** So many stretches of equal size; the first ones are longer by a row where it does not divide. */
function spans(rows: number, chunks: number): [number, number][] {
  return Array.from({ length: chunks }, (_, i) => [
    Math.ceil((i * rows) / chunks),
    Math.ceil(((i + 1) * rows) / chunks),
  ]);
}

function sliced(column: Column, start: number, end: number): Column {
  const rows = end - start;
  if (column.kind === 'number') {
    const values = column.values.subarray(start, end);
    let missing = 0;
    for (const value of values) if (Number.isNaN(value)) missing++;
    return { ...column, rows, missing, values };
  }
  const codes = column.codes.subarray(start, end);
  let missing = 0;
  for (const code of codes) if (code < 0) missing++;
  return { ...column, rows, missing, codes };
}

const finite = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : value;
