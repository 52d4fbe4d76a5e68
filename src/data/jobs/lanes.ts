import { on } from 'node:events';
import * as fs from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { SHARE_ENV, Worker } from 'node:worker_threads';

import type { Job, JobResult } from './job.ts';
import { runJob } from './run-job.ts';
import { stopMark, type LaneMessage, type LaneWork } from './lane-work.ts';
import { needsCleanEnd } from '../../base/index.ts';

export interface LaneOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called in this thread after each job, in any order. */
  readonly onJob?: (job: Job, result: JobResult) => void;
  /** Called in this thread with the bytes read since the last call, inside of large files too. */
  readonly onBytes?: (bytes: number) => void;
  /** Whether the work is worth starting threads (40 ms) for. */
  readonly threads: boolean;
}

/** How many files go into one job: so many that all lanes have work to the end, and no more than 200. */
export function filesPerJob(files: number): number {
  return Math.max(1, Math.min(200, Math.ceil(files / 16)));
}

/** From this many small files on, work is worth threads. */
export const filesWorthThreads = 1500;

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
  const told: number[] = [];
  const move = (index: number, bytes: number): void => {
    told[index] = (told[index] ?? 0) + bytes;
    options.onBytes?.(bytes);
  };
  const accept = (index: number, result: JobResult): void => {
    results[index] = result;
    const rest = result.bytes - (told[index] ?? 0);
    if (rest > 0) options.onBytes?.(rest);
    const job = jobs[index];
    if (job !== undefined) options.onJob?.(job, result);
  };
  const cancelled = (): boolean => options.signal?.aborted === true;
  options.signal?.throwIfAborted();
  const extra = options.threads ? Math.min(laneCount - 1, jobs.length - 1) : 0;
  const others = takeWorkers(extra).map((worker) => workOn(worker, { jobs, next }, accept, move));
  // Awaited later; a failure must not count as unhandled meanwhile.
  for (const other of others) other.catch(() => undefined);
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    await runOwnLane(jobs, cursor, cancelled, accept, move);
    await Promise.all(others);
  } catch (error) {
    stop();
    throw error;
  } finally {
    if (cancelled()) stop();
    options.signal?.removeEventListener('abort', stop);
    await Promise.allSettled(others);
  }
  options.signal?.throwIfAborted();
  return results;
}

async function runOwnLane(
  jobs: readonly Job[],
  cursor: Int32Array,
  cancelled: () => boolean,
  accept: (index: number, result: JobResult) => void,
  move: (index: number, bytes: number) => void,
): Promise<void> {
  for (;;) {
    const index = Atomics.add(cursor, 0, 1);
    const job = jobs[index];
    if (job === undefined) return;
    accept(index, await runJob(job, cancelled, (bytes) => move(index, bytes)));
    // Lets Ctrl-C and the progress line through.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Resolves when the worker found no job left; it is idle again then. */
async function workOn(
  worker: Worker,
  work: LaneWork,
  accept: (index: number, result: JobResult) => void,
  move: (index: number, bytes: number) => void,
): Promise<void> {
  worker.ref();
  worker.postMessage(work, []);
  // Rejects when the worker fails.
  for await (const [message] of on(worker, 'message', { close: ['exit'] }) as AsyncIterable<[LaneMessage]>) {
    if (message === 'done') {
      worker.unref();
      idle.push(worker);
      return;
    }
    if ('moved' in message) move(message.index, message.moved);
    else accept(message.index, message.result);
  }
  throw new Error('a data thread ended before its work');
}

/** Workers without work. They keep the process from ending no longer than they work. */
const idle: Worker[] = [];

/** Starts threads for this many files when they are worth it, so that they are there when the work is known. */
export function warmLanes(files: number): void {
  if (files >= filesWorthThreads && idle.length === 0) idle.push(...takeWorkers(laneCount - 1));
}

function takeWorkers(count: number): Worker[] {
  const taken = idle.splice(0, count);
  const entry = taken.length < count ? workerEntry() : undefined;
  if (entry !== undefined) optimiseLate();
  while (entry !== undefined && taken.length < count) taken.push(startWorker(entry));
  return taken;
}

function startWorker(entry: string): Worker {
  // With a `stdin` of its own Node does not make streams for the three that are not used.
  needsCleanEnd();
  const worker = new Worker(entry, { stdin: true, env: SHARE_ENV, execArgv: [] });
  worker.unref();
  // One that could not start or fails later is not asked for anything.
  const drop = (): void => void (idle.includes(worker) && idle.splice(idle.indexOf(worker), 1));
  worker.once('error', drop).once('exit', drop);
  return worker;
}

/**
 * By default V8 optimises what has run for some milliseconds, in threads that compete with ours for the CPUs. Handling
 * 10,000 files is over before that pays; longer work is still optimised, some hundred milliseconds later.
 */
function optimiseLate(): void {
  process.getBuiltinModule('node:v8').setFlagsFromString('--interrupt-budget=1500000');
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
