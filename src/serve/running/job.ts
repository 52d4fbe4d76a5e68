import type { Tensors } from '../wire/tensor.ts';
import type { VersionStats } from './stats.ts';

/** A request as the scheduler sees it. */
export interface Job {
  readonly feeds: Tensors;
  readonly fetches: readonly string[];
  /** Rows of every input, or 0 when the request cannot be joined with others. */
  readonly rows: number;
  /** Requests with equal keys have equal shapes below the first dimension and want the same outputs. */
  readonly key: string;
  /** Where it is counted; only what is counted together runs together. */
  readonly stats: VersionStats;
  readonly arrived: number;
  readonly deadline: number;
  /** True when nobody waits for the answer any more. */
  readonly gone: (() => boolean) | undefined;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

export interface Answer {
  readonly outputs: Tensors;
  /** Milliseconds in the queue, and inside the runtime (of the whole batch). */
  readonly queued: number;
  readonly ran: number;
  readonly batchRows: number;
}
