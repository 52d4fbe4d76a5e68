import { NumberSketch, type SketchState } from './number-sketch.ts';

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

/** Whole numbers are classes too while there are no more different ones. */
const maxClasses = 50;
const maxValues = 50;
/** So many different texts are counted each; of more, the rarest are only counted together. */
const mostTexts = 50_000;
const textsLeft = 10_000;
/** What is kept of them in JSON. */
const textsKept = 2_000;

/** A column in JSON. */
export interface ColumnState {
  readonly numbers: SketchState;
  readonly texts: readonly (readonly [text: string, count: number])[];
  readonly rare: number;
}

/** The values of a column: numbers, texts, and what is neither as JSON. */
export class ColumnBuilder {
  #numbers = new NumberSketch();
  #texts = new Map<string, number>();
  /** Texts that are no longer counted each. */
  #rare = 0;

  add(value: unknown): void {
    if (value === null || value === undefined) return;
    if (typeof value === 'number') this.addNumber(value);
    else this.addText(typeof value === 'string' ? value : JSON.stringify(value));
  }

  addNumber(value: number): void {
    if (!Number.isNaN(value)) this.#numbers.add(value);
  }

  addText(text: string, count = 1): void {
    this.#texts.set(text, (this.#texts.get(text) ?? 0) + count);
    if (this.#texts.size > mostTexts) this.#leaveRare();
  }

  #leaveRare(): void {
    const counts = [...this.#texts].sort(([, a], [, b]) => b - a);
    this.#texts = new Map(counts.slice(0, textsLeft));
    for (const [, count] of counts.slice(textsLeft)) this.#rare += count;
  }

  merge(other: ColumnBuilder): void {
    this.#numbers.merge(other.#numbers);
    for (const [text, count] of other.#texts) this.addText(text, count);
    this.#rare += other.#rare;
  }

  /** Undefined where there is none. */
  numbers(all: number): NumberSummary | undefined {
    return this.#numbers.count === 0 ? undefined : numberSummary(this.#numbers, all);
  }

  /** Counts by label; of whole numbers while they are few. */
  classes(): Readonly<Record<string, number>> {
    const counts = new Map(this.#texts);
    const whole = this.#numbers.counts;
    if (whole !== undefined && whole.size <= maxClasses && [...whole.keys()].every(Number.isInteger)) {
      for (const [value, count] of whole) counts.set(String(value), (counts.get(String(value)) ?? 0) + count);
    } else if (this.#numbers.count > 0) return Object.fromEntries(counts);
    return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  summary(all: number): NumberSummary | ValuesSummary {
    if (this.#texts.size === 0) return numberSummary(this.#numbers, all);
    const texts = new Map(this.#texts);
    for (const [value, times] of this.#numbers.counts ?? [])
      texts.set(String(value), (texts.get(String(value)) ?? 0) + times);
    const counts = [...texts].sort(([, a], [, b]) => b - a);
    const count = [...this.#texts.values()].reduce((sum, n) => sum + n, this.#rare + this.#numbers.count);
    return {
      count,
      missing_share: missing(all, count),
      values: Object.fromEntries(counts.slice(0, maxValues)),
    };
  }

  toState(): ColumnState {
    const counts = [...this.#texts];
    if (counts.length > textsKept) counts.sort(([, a], [, b]) => b - a);
    const rare = counts.slice(textsKept).reduce((sum, [, count]) => sum + count, this.#rare);
    return { numbers: this.#numbers.toState(), texts: counts.slice(0, textsKept), rare };
  }

  static fromState({ numbers, texts, rare }: ColumnState): ColumnBuilder {
    const column = new ColumnBuilder();
    column.#numbers = NumberSketch.fromState(numbers);
    column.#texts = new Map(texts);
    column.#rare = rare;
    return column;
  }
}

function missing(all: number, count: number): number {
  return all === 0 ? 0 : Math.max(0, all - count) / all;
}

function numberSummary(numbers: NumberSketch, all: number): NumberSummary {
  const { count } = numbers;
  const share = missing(all, count);
  if (count === 0) {
    return {
      count,
      missing_share: share,
      mean: null,
      std: null,
      min: null,
      q25: null,
      median: null,
      q75: null,
      max: null,
    };
  }
  const found = numbers.finish([0.25, 0.5, 0.75]);
  const [q25 = null, median = null, q75 = null] = found.quantiles;
  const std = count < 2 ? null : found.std;
  return { count, missing_share: share, mean: found.mean, std, min: found.min, q25, median, q75, max: found.max };
}
