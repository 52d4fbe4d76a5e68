export interface SamplerOptions {
  /** Share of predictions to log, 0 to 1. Default 1. */
  readonly sample?: number | undefined;
  /** Predictions logged in a second at most; more are sampled out. As many of feedback are taken. Default 5,000. */
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
  /** Whether feedback may be taken now: no share of it is left out, but no more a second than of predictions. */
  takesFeedback(count?: number): boolean;
  /**
   * Takes one record, a JSON object in one line without the newline, or `count` of them joined by newlines. False when
   * there is no room for them.
   */
  append(line: string, count?: number): boolean;
  /** Returns when everything taken is written. */
  close(): Promise<void>;
}

/** Chooses the predictions that are logged: a share of them, and so many a second. */
export class PredictionSampler {
  sampledOut = 0;
  readonly #sample: number;
  readonly #predictions: RateBound;
  readonly #feedback: RateBound;

  constructor(options: SamplerOptions) {
    this.#sample = options.sample ?? 1;
    const { maxPerSecond = 5_000 } = options;
    this.#predictions = new RateBound(maxPerSecond);
    this.#feedback = new RateBound(maxPerSecond);
  }

  /** @param now milliseconds of any clock. */
  wants(now: number = performance.now()): boolean {
    const wanted = (this.#sample >= 1 || Math.random() < this.#sample) && this.#predictions.admits(now);
    if (!wanted) this.sampledOut++;
    return wanted;
  }

  /** @param now milliseconds of any clock. */
  takesFeedback(count = 1, now: number = performance.now()): boolean {
    return this.#feedback.admits(now, count);
  }
}

/** So many in each second of a clock. */
class RateBound {
  readonly #most: number;
  #second = 0;
  #inSecond = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Many at once are admitted where nothing else was in their second. */
  admits(now: number, count = 1): boolean {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#inSecond = 0;
    }
    if (this.#inSecond > 0 && this.#inSecond + count > this.#most) return false;
    if (this.#most <= 0) return false;
    this.#inSecond += count;
    return true;
  }
}
