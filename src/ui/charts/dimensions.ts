import { plainNumber } from '../kit/format.ts';
import type { Run } from '../kit/mlflow.ts';

/** A param or metric that runs can be laid out by. */
export interface Dimension {
  readonly name: string;
  readonly label: string;
  /** Whether all that have it have numbers. */
  readonly numeric: boolean;
  /** Values that are no numbers, in order. */
  readonly categories: readonly string[];
  /** Of each run: a number, the place among the categories, or undefined. */
  readonly values: readonly (number | undefined)[];
  readonly texts: readonly (string | undefined)[];
}

/** Params and metrics of which the runs have at least one value, metrics last. */
export function dimensionsOf(runs: readonly Run[]): Dimension[] {
  return (['params', 'metrics'] as const).flatMap((kind) => {
    const maps = runs.map((run) => new Map((run.data[kind] ?? []).map(({ key, value }) => [key, value])));
    const keys = [...new Set(maps.flatMap((map) => [...map.keys()]))].toSorted();
    return keys
      .filter((key) => !key.startsWith('system/'))
      .map((key) =>
        dimension(
          `${kind}.${key}`,
          key,
          maps.map((map) => map.get(key)),
        ),
      );
  });
}

function dimension(name: string, label: string, raw: readonly (string | number | undefined)[]): Dimension {
  const texts = raw.map((value) => (value === undefined ? undefined : String(value)));
  const numbers = raw.map((value) => (value === undefined ? undefined : plainNumber(value)));
  const numeric = numbers.every((value, i) => raw[i] === undefined || !Number.isNaN(value) || raw[i] === 'NaN');
  if (numeric) {
    const values = numbers.map((value) => (value !== undefined && Number.isFinite(value) ? value : undefined));
    return { name, label, numeric, categories: [], values, texts };
  }
  const categories = [...new Set(texts.filter((text) => text !== undefined))].toSorted();
  const values = texts.map((text) => (text === undefined ? undefined : categories.indexOf(text)));
  return { name, label, numeric, categories, values, texts };
}

export interface Span {
  readonly low: number;
  readonly high: number;
}

/** From the smallest to the largest, never of width 0. */
export function spanOf({ values }: Pick<Dimension, 'values'>): Span {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === undefined) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return { low: 0, high: 1 };
  const pad = low === high ? Math.max(Math.abs(low) * 0.1, 0.5) : 0;
  return { low: low - pad, high: high + pad };
}

/** Some round values within a span. */
export function ticksOf({ low, high }: Span, count: number): number[] {
  const raw = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw) ?? raw;
  const found: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++)
    found.push(Number((i * step).toPrecision(12)));
  return found;
}

/** The pair that is most worth a look at first: a param that differs, and a metric. */
export function usualPair(dimensions: readonly Dimension[]): { readonly x: string; readonly y: string } {
  const varies = ({ values }: Dimension): boolean => new Set(values).size > 1;
  const x = dimensions.find((one) => one.name.startsWith('params.') && varies(one)) ?? dimensions[0];
  const y = dimensions.find((one) => one.name.startsWith('metrics.') && varies(one)) ?? dimensions.at(-1);
  return { x: x?.name ?? '', y: y?.name ?? '' };
}
