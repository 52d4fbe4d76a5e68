import { ColumnBuilder, type ColumnState, type NumberSummary, type ValuesSummary } from './summaries/column.ts';
import { NumberSketch, type SketchState } from './summaries/number-sketch.ts';
import type { Entry } from './entry.ts';

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

/** A summary under way, in JSON. */
export interface SummaryState {
  readonly predictions: number;
  readonly errors: number;
  readonly first: number;
  readonly last: number;
  readonly latency: SketchState;
  readonly answers: ColumnState;
  readonly inputs: readonly (readonly [name: string, column: ColumnState])[];
}

/** Gathers predictions one by one; only numbers and counts are kept. Two of them merge. */
export class SummaryBuilder {
  #predictions = 0;
  #errors = 0;
  #first = Infinity;
  #last = -Infinity;
  readonly latency = new NumberSketch();
  readonly answers = new ColumnBuilder();
  readonly #inputs = new Map<string, ColumnBuilder>();

  add(entry: Entry): void {
    this.count(entry.at, entry.error !== undefined);
    if (entry.latency_ms !== undefined) this.latency.add(entry.latency_ms);
    const { prediction } = entry;
    if (prediction !== undefined && typeof prediction !== 'object') this.answers.add(prediction);
    else if (prediction !== undefined) for (const { label } of prediction) this.answers.add(label);
    for (const [name, value] of Object.entries(entry.inputs ?? {})) this.input(name).add(value);
  }

  /** A prediction, apart from what it holds. */
  count(at: number, failed: boolean): void {
    this.#predictions++;
    if (failed) this.#errors++;
    if (at < this.#first) this.#first = at;
    if (at > this.#last) this.#last = at;
  }

  get predictions(): number {
    return this.#predictions;
  }

  input(name: string): ColumnBuilder {
    let column = this.#inputs.get(name);
    if (column === undefined) this.#inputs.set(name, (column = new ColumnBuilder()));
    return column;
  }

  merge(other: SummaryBuilder): void {
    this.#predictions += other.#predictions;
    this.#errors += other.#errors;
    this.#first = Math.min(this.#first, other.#first);
    this.#last = Math.max(this.#last, other.#last);
    this.latency.merge(other.latency);
    this.answers.merge(other.answers);
    for (const [name, column] of other.#inputs) this.input(name).merge(column);
  }

  finish(): Summary {
    const { count } = this.latency;
    const [p50, p95, p99] = count === 0 ? [] : this.latency.finish([0.5, 0.95, 0.99]).quantiles;
    const numbers = this.answers.numbers(this.#predictions - this.#errors);
    const time = (value: number): string | null => (Number.isFinite(value) ? new Date(value).toISOString() : null);
    return {
      predictions: this.#predictions,
      errors: this.#errors,
      error_rate: this.#predictions === 0 ? 0 : this.#errors / this.#predictions,
      latency_ms: { p50: p50 ?? null, p95: p95 ?? null, p99: p99 ?? null },
      classes: this.answers.classes(),
      ...(numbers === undefined ? {} : { prediction: numbers }),
      inputs: Object.fromEntries(
        [...this.#inputs].map(([name, column]) => [name, column.summary(this.#predictions)] as const),
      ),
      first: time(this.#first),
      last: time(this.#last),
    };
  }

  toState(): SummaryState {
    return {
      predictions: this.#predictions,
      errors: this.#errors,
      first: this.#first,
      last: this.#last,
      latency: this.latency.toState(),
      answers: this.answers.toState(),
      inputs: [...this.#inputs].map(([name, column]) => [name, column.toState()] as const),
    };
  }

  /** Adds what a summary held that was kept as JSON. */
  mergeState(state: SummaryState): void {
    if (state.predictions === 0) return;
    this.#predictions += state.predictions;
    this.#errors += state.errors;
    this.#first = Math.min(this.#first, state.first);
    this.#last = Math.max(this.#last, state.last);
    this.latency.merge(NumberSketch.fromState(state.latency));
    this.answers.merge(ColumnBuilder.fromState(state.answers));
    for (const [name, column] of state.inputs) this.input(name).merge(ColumnBuilder.fromState(column));
  }
}
