import { mean, quantile, standardDeviation } from './statistics/quantile.ts';
import type { Entry } from './entry.ts';

/** A column of numbers in a few; std has ddof 1, quantiles are interpolated linearly. Null where there is no number. */
export interface NumberSummary {
  readonly count: number;
  readonly missing_share: number;
  readonly mean: number | null;
  readonly std: number | null;
  readonly min: number | null;
  readonly q25: number | null;
  readonly median: number | null;
  readonly q75: number | null;
  readonly max: number | null;
}

export interface ValuesSummary {
  readonly count: number;
  readonly missing_share: number;
  /** The most frequent texts. */
  readonly values: Readonly<Record<string, number>>;
}

/** What happened, of some predictions; the keys are those of the JSON. */
export interface Summary {
  readonly predictions: number;
  readonly errors: number;
  readonly error_rate: number;
  readonly latency_ms: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };
  readonly classes: Readonly<Record<string, number>>;
  /** Where predictions are numbers. */
  readonly prediction?: NumberSummary;
  readonly inputs: Readonly<Record<string, NumberSummary | ValuesSummary>>;
  /** ISO times of the first and the last. */
  readonly first: string | null;
  readonly last: string | null;
}

/** Whole numbers are classes too while there are no more different ones. */
const maxClasses = 50;
const maxValues = 50;

/** Gathers predictions one by one; only numbers and counts are kept. */
export class SummaryBuilder {
  #predictions = 0;
  #errors = 0;
  #first = Infinity;
  #last = -Infinity;
  readonly #latency: number[] = [];
  readonly #answers = new ColumnBuilder();
  readonly #inputs = new Map<string, ColumnBuilder>();

  add(entry: Entry): void {
    this.#predictions++;
    if (entry.error !== undefined) this.#errors++;
    this.#first = Math.min(this.#first, entry.at);
    this.#last = Math.max(this.#last, entry.at);
    if (entry.latency_ms !== undefined) this.#latency.push(entry.latency_ms);
    const { prediction } = entry;
    if (prediction !== undefined && typeof prediction !== 'object') this.#answers.add(prediction);
    else if (prediction !== undefined) for (const { label } of prediction) this.#answers.add(label);
    for (const [name, value] of Object.entries(entry.inputs ?? {})) {
      let column = this.#inputs.get(name);
      if (column === undefined) this.#inputs.set(name, (column = new ColumnBuilder()));
      column.add(value);
    }
  }

  finish(): Summary {
    const latency = Float64Array.from(this.#latency).sort();
    const at = (q: number): number | null => (latency.length === 0 ? null : quantile(latency, q));
    const numbers = this.#answers.numbers(this.#predictions - this.#errors);
    const time = (value: number): string | null => (Number.isFinite(value) ? new Date(value).toISOString() : null);
    return {
      predictions: this.#predictions,
      errors: this.#errors,
      error_rate: this.#predictions === 0 ? 0 : this.#errors / this.#predictions,
      latency_ms: { p50: at(0.5), p95: at(0.95), p99: at(0.99) },
      classes: this.#answers.classes(),
      ...(numbers === undefined ? {} : { prediction: numbers }),
      inputs: Object.fromEntries(
        [...this.#inputs].map(([name, column]) => [name, column.summary(this.#predictions)] as const),
      ),
      first: time(this.#first),
      last: time(this.#last),
    };
  }
}

class ColumnBuilder {
  readonly #values: number[] = [];
  readonly #texts = new Map<string, number>();

  add(value: unknown): void {
    if (value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value))) return;
    if (typeof value === 'number') this.#values.push(value);
    else {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      this.#texts.set(text, (this.#texts.get(text) ?? 0) + 1);
    }
  }

  numbers(all: number): NumberSummary | undefined {
    return this.#values.length === 0 ? undefined : numberSummary(this.#values, all);
  }

  /** Counts by label; of whole numbers while they are few. */
  classes(): Readonly<Record<string, number>> {
    const counts = new Map(this.#texts);
    const whole = new Map<string, number>();
    for (const value of this.#values) {
      if (!Number.isInteger(value)) return Object.fromEntries(counts);
      whole.set(String(value), (whole.get(String(value)) ?? 0) + 1);
      if (whole.size > maxClasses) return Object.fromEntries(counts);
    }
    for (const [label, count] of whole) counts.set(label, (counts.get(label) ?? 0) + count);
    return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  summary(all: number): NumberSummary | ValuesSummary {
    if (this.#texts.size === 0) return numberSummary(this.#values, all);
    for (const value of this.#values) this.#texts.set(String(value), (this.#texts.get(String(value)) ?? 0) + 1);
    const counts = [...this.#texts].sort(([, a], [, b]) => b - a);
    const count = counts.reduce((sum, [, n]) => sum + n, 0);
    return {
      count,
      missing_share: all === 0 ? 0 : Math.max(0, all - count) / all,
      values: Object.fromEntries(counts.slice(0, maxValues)),
    };
  }
}

function numberSummary(values: readonly number[], all: number): NumberSummary {
  const sorted = Float64Array.from(values).sort();
  const count = sorted.length;
  const some = (value: () => number): number | null => (count === 0 ? null : value());
  return {
    count,
    missing_share: all === 0 ? 0 : Math.max(0, all - count) / all,
    mean: some(() => mean(sorted)),
    std: count < 2 ? null : standardDeviation(sorted, 1),
    min: some(() => sorted[0] ?? 0),
    q25: some(() => quantile(sorted, 0.25)),
    median: some(() => quantile(sorted, 0.5)),
    q75: some(() => quantile(sorted, 0.75)),
    max: some(() => sorted.at(-1) ?? 0),
  };
}
