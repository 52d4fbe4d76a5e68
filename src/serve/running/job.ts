import type { PythonShape } from '../python/python-model.ts';
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
  /** What a Python model returned the outputs as. */
  readonly shape?: PythonShape | undefined;
  /** Milliseconds in the queue, and inside the runtime (of the whole batch). */
  readonly queued: number;
  readonly ran: number;
  readonly batchRows: number;
}

/** Whatever runs a model that is loaded in it. */
export interface Runner {
  /** @throws MlopsError `inference_failed`, `invalid_input`, `inference_thread_lost`. */
  run(session: number, feeds: Tensors, fetches: readonly string[]): Promise<RunResult>;
}

export interface RunResult {
  readonly outputs: Tensors;
  /** Time inside the runtime. */
  readonly milliseconds: number;
  readonly shape?: PythonShape | undefined;
}

/** Where runs are done. */
export interface RunnerPool {
  /** Called when a run has ended: something else may start. */
  onFree: (() => void) | undefined;
  /** The runner of a session with the least to do, when it has less than `limit` runs. */
  free(session: number, limit: number): Runner | undefined;
  /** The server's own thread, where a run of these inputs is over sooner than a message would take. */
  near(session: number, feeds: Tensors): Runner | undefined;
  /** What a run took. */
  ran(session: number, feeds: Tensors, milliseconds: number): void;
  /** Replaces what has been silent for longer than `limit` milliseconds with something to run. */
  replaceHung(limit: number): void;
  readonly busy: boolean;
}
