export interface SamplerOptions {
  /** Share of predictions to log, 0 to 1. Default 1. */
  readonly sample?: number | undefined;
  /** Predictions logged in a second at most; more are sampled out. Default 5,000. */
  readonly maxPerSecond?: number | undefined;
}

/** Where a server puts its predictions: taking a record never waits and never fails. */
export interface PredictionSink {
  readonly logged: number;
  readonly dropped: number;
  readonly sampledOut: number;
  /** Why nothing can be written at the moment. */
  readonly trouble: string | undefined;
  /** Whether the next prediction is to be logged. Asked first, so that a record not wanted is never built. */
  wants(): boolean;
  /** Takes one record: a JSON object in one line, without the newline. */
  append(line: string): void;
  /** Returns when everything taken is written. */
  close(): Promise<void>;
}

/** Chooses the predictions that are logged: a share of them, and so many a second. */
export class PredictionSampler {
  sampledOut = 0;
  readonly #sample: number;
  readonly #maxPerSecond: number;
  #second = 0;
  #inSecond = 0;

  constructor(options: SamplerOptions) {
    this.#sample = options.sample ?? 1;
    this.#maxPerSecond = options.maxPerSecond ?? 5_000;
  }

  /** @param now milliseconds of any clock. */
  wants(now: number = performance.now()): boolean {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#inSecond = 0;
    }
    if (this.#inSecond >= this.#maxPerSecond || (this.#sample < 1 && Math.random() >= this.#sample)) {
      this.sampledOut++;
      return false;
    }
    this.#inSecond++;
    return true;
  }
}
