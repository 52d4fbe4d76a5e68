import type { Job, JobResult } from './job.ts';

/** What a worker is given to do. `next` holds the index of the next job that nobody took. */
export interface LaneWork {
  readonly jobs: readonly Job[];
  readonly next: SharedArrayBuffer;
}

/** A finished job, how many bytes of a large file of it are done, or that no job is left. */
export type LaneMessage =
  | { readonly index: number; readonly result: JobResult }
  | { readonly index: number; readonly moved: number }
  | 'done';

/** A counter this far beyond the last job tells all lanes to drop what they are at. */
export const stopMark = 1 << 20;
