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

  add(other: Pick<Histogram, 'counts' | 'sum' | 'count'>): void {
    for (const [i, count] of other.counts.entries()) this.counts[i] = (this.counts[i] ?? 0) + count;
    this.sum += other.sum;
    this.count += other.count;
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

/** What a `VersionStats` holds, as it comes from another process: without methods. */
export type VersionNumbers = Pick<
  VersionStats,
  'success' | 'failure' | 'rejected' | 'inferences' | 'executions' | 'lastInference' | 'nanoseconds' | 'batches'
> & {
  readonly latency: Pick<Histogram, 'counts' | 'sum' | 'count'>;
  readonly answers: Pick<AnswerDistribution, 'labels' | 'other' | 'count' | 'min' | 'max' | 'mean' | 'squares'>;
};

/** Numbers of one version: counters only grow, also over unloading. Durations in nanoseconds as the v2 protocol has. */
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

  /** Adds what another process counted. */
  add(other: VersionNumbers): void {
    this.success += other.success;
    this.failure += other.failure;
    this.rejected += other.rejected;
    this.inferences += other.inferences;
    this.executions += other.executions;
    this.lastInference = Math.max(this.lastInference, other.lastInference);
    for (const key of Object.keys(this.nanoseconds) as (keyof VersionStats['nanoseconds'])[]) {
      this.nanoseconds[key] += other.nanoseconds[key];
    }
    for (const [rows, { count, nanoseconds }] of other.batches) {
      const batch = this.batches.get(rows);
      if (batch === undefined) this.batches.set(rows, { count, nanoseconds });
      else {
        batch.count += count;
        batch.nanoseconds += nanoseconds;
      }
    }
    this.latency.add(other.latency);
    this.answers.add(other.answers);
  }

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
  /** Sum of the squared distances from the mean. */
  squares = 0;

  add(other: VersionNumbers['answers']): void {
    for (const [label, count] of other.labels) this.#count(label, count);
    this.other += other.other;
    if (other.count === 0) return;
    const delta = other.mean - this.mean;
    const total = this.count + other.count;
    this.squares += other.squares + (delta * delta * this.count * other.count) / total;
    this.mean += (delta * other.count) / total;
    this.count = total;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
  }

  label(label: string): void {
    this.#count(label, 1);
  }

  #count(label: string, times: number): void {
    const seen = this.labels.get(label);
    if (seen !== undefined) this.labels.set(label, seen + times);
    else if (this.labels.size < 1_000) this.labels.set(label, times);
    else this.other += times;
  }

  number(value: number): void {
    if (!Number.isFinite(value)) return;
    this.count++;
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
    const delta = value - this.mean;
    this.mean += delta / this.count;
    this.squares += delta * (value - this.mean);
  }

  get deviation(): number {
    return this.count < 2 ? 0 : Math.sqrt(this.squares / (this.count - 1));
  }
}
