/** Upper bounds of the latency histogram, in seconds. */
export const latencyBuckets: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** A histogram as Prometheus means it; `counts` has one more place than the bounds. */
export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[] = latencyBuckets) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.bounds.length && value > (this.bounds[at] ?? Infinity)) at++;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += value;
    this.count++;
  }

  /** The value below which the share `q` lies, interpolated inside its bucket; undefined without observations. */
  quantile(q: number): number | undefined {
    if (this.count === 0) return undefined;
    let rest = q * this.count;
    for (const [i, count] of this.counts.entries()) {
      const low = i === 0 ? 0 : (this.bounds[i - 1] ?? 0);
      const high = this.bounds[i];
      if (rest <= count && count > 0) return high === undefined ? low : low + ((high - low) * rest) / count;
      rest -= count;
    }
    return this.bounds.at(-1);
  }
}

/** Numbers of one version: counters only grow while it is loaded. Durations in nanoseconds as the v2 protocol has. */
export class VersionStats {
  readonly latency = new Histogram();
  success = 0;
  failure = 0;
  rejected = 0;
  /** Rows answered, and runs of the runtime that answered them. */
  inferences = 0;
  executions = 0;
  lastInference = 0;
  readonly nanoseconds = { success: 0, failure: 0, queue: 0, infer: 0, input: 0, output: 0 };
  /** Runs by number of rows. */
  readonly batches = new Map<number, { count: number; nanoseconds: number }>();
  readonly answers = new AnswerDistribution();

  ran(rows: number, milliseconds: number): void {
    const nanoseconds = milliseconds * 1e6;
    this.executions++;
    this.inferences += rows;
    this.nanoseconds.infer += nanoseconds;
    const batch = this.batches.get(rows);
    if (batch === undefined) {
      // Sizes of single large requests vary without end: beyond these they are not told apart.
      if (this.batches.size < 256) this.batches.set(rows, { count: 1, nanoseconds });
    } else {
      batch.count++;
      batch.nanoseconds += nanoseconds;
    }
  }
}

/** How answers are spread: counts by label, or moments of a number. */
export class AnswerDistribution {
  readonly labels = new Map<string, number>();
  other = 0;
  count = 0;
  min = Infinity;
  max = -Infinity;
  mean = 0;
  #squares = 0;

  label(label: string): void {
    const seen = this.labels.get(label);
    if (seen !== undefined) this.labels.set(label, seen + 1);
    else if (this.labels.size < 1_000) this.labels.set(label, 1);
    else this.other++;
  }

  number(value: number): void {
    if (!Number.isFinite(value)) return;
    this.count++;
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
    const delta = value - this.mean;
    this.mean += delta / this.count;
    this.#squares += delta * (value - this.mean);
  }

  get deviation(): number {
    return this.count < 2 ? 0 : Math.sqrt(this.#squares / (this.count - 1));
  }
}
