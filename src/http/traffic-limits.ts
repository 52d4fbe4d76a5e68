import { MlopsError } from '../base/index.ts';

export interface TrafficLimits {
  /** Requests a second of one caller, or of one address where nobody is known; bursts may have ten seconds' worth. */
  readonly rate?: number | undefined;
  /** Requests under way at once. */
  readonly requests?: number | undefined;
  /** Connections at once; more are closed as they come. */
  readonly connections?: number | undefined;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Seconds of its rate that a caller may use at once. */
const burst = 10;
/** Callers that are kept in mind; of more, those not seen for longest are forgotten. */
const mostCallers = 10_000;

/** A bucket of tokens for each caller: it fills at the rate, and a request takes one out. */
export class RateLimiter {
  readonly #rate: number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param rate requests a second. */
  constructor(rate: number) {
    this.#rate = rate;
  }

  /** @throws MlopsError `too_many_requests` with the seconds after which there is a token again. */
  take(caller: string, now: number = performance.now()): void {
    const most = Math.max(1, this.#rate * burst);
    const bucket = this.#buckets.get(caller) ?? { tokens: most, at: now };
    this.#buckets.delete(caller);
    this.#buckets.set(caller, bucket);
    if (this.#buckets.size > mostCallers) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    bucket.tokens = Math.min(most, bucket.tokens + ((now - bucket.at) / 1000) * this.#rate);
    bucket.at = now;
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return;
    }
    const wait = Math.max(1, Math.ceil((1 - bucket.tokens) / this.#rate));
    throw new MlopsError('too_many_requests', `more than ${this.#rate} requests a second`, {
      hint: `try again in ${wait} s`,
      data: { retry_after: wait },
    });
  }
}
