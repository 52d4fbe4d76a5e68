import * as fs from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import type { Job, JobResult } from './job.ts';
import { runJob } from './jobs.ts';

/** What a worker is given at its start. `next` holds the index of the next job that nobody took. */
export interface LaneInput {
  readonly jobs: readonly Job[];
  readonly next: SharedArrayBuffer;
}

export interface LaneMessage {
  readonly index: number;
  readonly result: JobResult;
}

export interface LaneOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called in this thread after each job, in any order. */
  readonly onJob?: (job: Job, result: JobResult) => void;
  /** Whether the work is worth starting threads (35 ms) for. */
  readonly threads: boolean;
}

/** A counter this far beyond the last job tells all lanes to drop what they are at. */
export const stopMark = 1 << 20;

const laneCount = Math.min(4, availableParallelism());

/**
 * Runs all jobs, in this thread and, when it pays, in workers beside it. Each lane takes the next job by
 * an atomic counter, so none waits for another. Results come in the order of the jobs.
 */
export async function runJobs(jobs: readonly Job[], options: LaneOptions): Promise<JobResult[]> {
  const next = new SharedArrayBuffer(4);
  const cursor = new Int32Array(next);
  const stop = (): void => void Atomics.store(cursor, 0, jobs.length + stopMark);
  const results: JobResult[] = [];
  const accept = (index: number, result: JobResult): void => {
    results[index] = result;
    const job = jobs[index];
    if (job !== undefined) options.onJob?.(job, result);
  };
  const entry = options.threads && jobs.length > 1 ? workerEntry() : undefined;
  const extra = entry === undefined ? 0 : Math.min(laneCount - 1, jobs.length - 1);
  const cancelled = (): boolean => options.signal?.aborted === true;
  options.signal?.throwIfAborted();
  const workers = Array.from({ length: extra }, () => startWorker(entry ?? '', { jobs, next }, accept));
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    await runOwnLane(jobs, cursor, cancelled, accept);
    await Promise.all(workers.map((worker) => worker.done));
  } catch (error) {
    stop();
    throw error;
  } finally {
    if (cancelled()) stop();
    options.signal?.removeEventListener('abort', stop);
    await Promise.allSettled(workers.map((worker) => worker.done));
  }
  options.signal?.throwIfAborted();
  return results;
}

async function runOwnLane(
  jobs: readonly Job[],
  cursor: Int32Array,
  cancelled: () => boolean,
  accept: (index: number, result: JobResult) => void,
): Promise<void> {
  for (;;) {
    const index = Atomics.add(cursor, 0, 1);
    const job = jobs[index];
    if (job === undefined) return;
    accept(index, await runJob(job, cancelled));
    // Lets Ctrl-C and the progress line through.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function startWorker(
  entry: string,
  input: LaneInput,
  accept: (index: number, result: JobResult) => void,
): { done: Promise<void> } {
  const worker = new Worker(entry, { workerData: input });
  const done = new Promise<void>((resolve, reject) => {
    worker.on('message', ({ index, result }: LaneMessage) => accept(index, result));
    worker.on('error', reject);
    worker.on('exit', () => resolve());
  });
  // Awaited later; a failure must not count as unhandled meanwhile.
  done.catch(() => undefined);
  return { done };
}

let found: { entry: string | undefined } | undefined;

/** The built worker beside the bundle; undefined when running from sources, where one thread does it all. */
function workerEntry(): string | undefined {
  if (found !== undefined) return found.entry;
  const candidates = ['./data-lane.worker.js', '../data-lane.worker.js'].map((name) =>
    fileURLToPath(new URL(name, import.meta.url)),
  );
  found = { entry: candidates.find((file) => fs.existsSync(file)) };
  return found.entry;
}
