import { isMlopsError, MlopsError } from '../../base/index.ts';
import type { Answer, Job, Runner, RunnerPool } from './job.ts';
import type { Lease } from './router.ts';
import type { ServedVersion } from './served-version.ts';
import { hasPacked } from '../wire/packed-texts.ts';
import { concatRows, noTensors, sliceRows, type Tensors } from '../wire/tensor.ts';

export interface SchedulerOptions {
  /** Requests that run together at most. */
  readonly maxBatch: number;
  /** Requests that may wait for one version; more are refused. */
  readonly maxQueue: number;
  /** Milliseconds from arrival to answer at most. */
  readonly deadline: number;
}

export const schedulerDefaults: SchedulerOptions = { maxBatch: 32, maxQueue: 256, deadline: 30_000 };

/** A thread may be silent for this time at least, in milliseconds, before it counts as hung. */
const hangLimit = 1_000;
/** Batches wait in the thread's mailbox up to this number, so that it never pauses between two. */
const runsPerThread = 2;

/** The version that runs, and where it is counted: what the scheduler needs of a lease. */
export type Runs = Pick<Lease, 'version' | 'stats'>;

/** What waits for a version. */
interface Lane {
  readonly version: ServedVersion;
  readonly queue: Job[];
  /** Why its requests do not run together: from the start, or since a run showed it. */
  alone: string | undefined;
}

/**
 * Hands waiting requests to free inference threads. Requests that arrived while all threads were busy run together
 * where the model allows it; nothing ever waits for company. Versions take turns. A batch that fails is run again
 * one by one, so that a bad request harms only itself.
 */
export class Scheduler {
  readonly options: SchedulerOptions;
  readonly #pool: RunnerPool;
  /** By version; with it they go. */
  readonly #lanes = new WeakMap<ServedVersion, Lane>();
  /** Those in which something waits. */
  readonly #ready: Lane[] = [];
  readonly #live = new Set<Job>();
  #pumping = false;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(pool: RunnerPool, options: Partial<SchedulerOptions> = {}) {
    this.#pool = pool;
    pool.onFree = () => this.#pump();
    this.options = { ...schedulerDefaults, ...options };
  }

  /**
   * @throws MlopsError `overloaded`, `deadline_exceeded`, `client_gone`, `invalid_input`, `inference_failed`,
   * `inference_thread_lost`.
   */
  submit(runs: Runs, feeds: Tensors, fetches: readonly string[], gone?: () => boolean): Promise<Answer> {
    const { version, stats } = runs;
    const lane = this.#laneOf(version);
    if (lane.queue.length >= this.options.maxQueue) {
      stats.rejected++;
      const error = new MlopsError('overloaded', `'${version.ref.name}' has ${lane.queue.length} requests waiting`, {
        hint: 'try again in a second, or start the server with more threads',
        data: { retry_after: 1 },
      });
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      const arrived = performance.now();
      const { rows, key } = lane.alone === undefined ? grouping(version, feeds, fetches) : single;
      const deadline = arrived + this.options.deadline;
      const job: Job = { feeds, fetches, rows, key, stats, arrived, deadline, gone, resolve, reject };
      this.#live.add(job);
      this.#enqueue(lane, job);
      this.#startSweeper();
    });
  }

  #laneOf(version: ServedVersion): Lane {
    let lane = this.#lanes.get(version);
    if (lane === undefined) this.#lanes.set(version, (lane = { version, queue: [], alone: version.alone }));
    return lane;
  }

  /** Requests that wait for a version. */
  waiting(version: ServedVersion): number {
    return this.#lanes.get(version)?.queue.length ?? 0;
  }

  /** Why the requests of a version do not run together; undefined: they do. */
  aloneBecause(version: ServedVersion): string | undefined {
    return (this.#lanes.get(version) ?? version).alone;
  }

  #enqueue(lane: Lane, job: Job): void {
    lane.queue.push(job);
    if (lane.queue.length === 1) this.#ready.push(lane);
    if (this.#pumping) return;
    this.#pumping = true;
    // After this turn of the loop: requests that came in the same moment then run together.
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    // Not every model is in every thread: one that must wait holds up none behind it.
    for (let at = 0; at < this.#ready.length;) {
      const lane = this.#ready[at];
      if (lane === undefined) return;
      const near = this.#aloneIn(lane);
      if (near !== undefined) {
        this.#ready.splice(at, 1);
        const jobs = this.#take(lane);
        if (jobs.length > 0) void this.#run(near, lane, jobs);
        continue;
      }
      const limit = lane.queue.length >= this.options.maxBatch ? runsPerThread : 1;
      const thread = this.#pool.free(lane.version.session, limit);
      if (thread === undefined) {
        at++;
        continue;
      }
      this.#ready.splice(at, 1);
      const jobs = this.#take(lane);
      if (lane.queue.length > 0) this.#ready.push(lane);
      if (jobs.length > 0) void this.#run(thread, lane, jobs);
    }
  }

  /** For a request that is the only one in the server, where it is over at once: the thread that we are in. */
  #aloneIn({ version, queue }: Lane): Runner | undefined {
    const [only] = queue;
    if (only === undefined || this.#live.size > 1 || queue.length > 1) return undefined;
    return hasPacked(only.feeds) ? undefined : this.#pool.near(version.session, only.feeds);
  }

  /**
   * The oldest job of a version and those that may run with it, in order of arrival. Others stay where they are:
   * texts of several lengths then still run together by length.
   */
  #take({ queue }: Lane): Job[] {
    const taken: Job[] = [];
    let at = 0;
    let kept = 0;
    for (; at < queue.length && taken.length < this.options.maxBatch && taken[0]?.rows !== 0; at++) {
      const job = queue[at];
      if (job === undefined || !this.#stillWanted(job)) continue;
      const [first] = taken;
      if (first === undefined || (job.rows > 0 && job.key === first.key && job.stats === first.stats)) taken.push(job);
      else queue[kept++] = job;
    }
    queue.splice(kept, at - kept);
    return taken;
  }

  #stillWanted(job: Job): boolean {
    if (!this.#live.has(job)) return false;
    if (job.gone?.() !== true) return true;
    this.#finish(job);
    job.reject(new MlopsError('client_gone', 'the client closed the connection before its turn came'));
    return false;
  }

  async #run(thread: Runner, lane: Lane, jobs: readonly Job[]): Promise<void> {
    const [first] = jobs;
    if (first === undefined) return;
    const started = performance.now();
    const feeds = jobs.length === 1 ? first.feeds : joinFeeds(jobs);
    try {
      const { outputs, milliseconds, shape } = await thread.run(lane.version.session, feeds, first.fetches);
      const rows = jobs.reduce((sum, job) => sum + Math.max(1, job.rows), 0);
      if (jobs.length > 1 && !rowsMatch(outputs, rows)) throw new RowMismatch();
      first.stats.ran(rows, milliseconds);
      this.#pool.ran(lane.version.session, feeds, milliseconds);
      let from = 0;
      for (const job of jobs) {
        const own = jobs.length === 1 ? outputs : rowsOf(outputs, from, from + job.rows);
        from += job.rows;
        this.#finish(job);
        job.resolve({ outputs: own, shape, queued: started - job.arrived, ran: milliseconds, batchRows: rows });
      }
    } catch (error) {
      if (error instanceof RowMismatch) {
        lane.alone = 'its answers to a batch did not have a row for each row';
      }
      const again = jobs.length > 1 && !isMlopsError(error, 'inference_thread_lost');
      for (const job of jobs) {
        if (again) await this.#run(thread, lane, [job]);
        else {
          this.#finish(job);
          job.reject(error);
        }
      }
    }
  }

  #finish(job: Job): void {
    this.#live.delete(job);
  }

  /** Answers requests whose time is over, whether they wait or run. */
  #startSweeper(): void {
    if (this.#sweeper !== undefined) return;
    this.#sweeper = setInterval(() => {
      const now = performance.now();
      for (const job of this.#live) {
        if (job.deadline > now) break; // in order of arrival, and all have the same time
        this.#finish(job);
        job.reject(new MlopsError('deadline_exceeded', `no answer within ${this.options.deadline} ms`));
      }
      this.#pool.replaceHung(Math.max(hangLimit, this.options.deadline));
      if (this.#live.size > 0 || this.#pool.busy) return;
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }, 50);
    this.#sweeper.unref();
  }

  /** Requests that wait or run. */
  get pending(): number {
    return this.#live.size;
  }

  /** Refuses everything that is left; for a stop whose deadline has passed. */
  abandon(): void {
    const error = new MlopsError('deadline_exceeded', 'the server is stopping');
    for (const job of this.#live) job.reject(error);
    this.#live.clear();
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

class RowMismatch extends Error {}

const single = { rows: 0, key: '' };

function grouping(version: ServedVersion, feeds: Tensors, fetches: readonly string[]): { rows: number; key: string } {
  // A scale or a mode that one request gives must not reach the others.
  for (const { name } of version.optional) if (feeds[name] !== undefined) return single;
  if (hasPacked(feeds)) return single;
  let rows = -1;
  let key = fetches === version.outputNames ? '' : fetches.join('\n');
  for (const { name } of version.inputs) {
    const dims = feeds[name]?.dims ?? [];
    const own = dims[0] ?? 0;
    if (own === 0 || (rows !== -1 && rows !== own)) return single;
    rows = own;
    for (let i = 1; i < dims.length; i++) key += `,${dims[i]}`;
    key += ';';
  }
  return rows < 1 ? single : { rows, key };
}

function joinFeeds(jobs: readonly Job[]): Tensors {
  const joined = noTensors();
  for (const name of Object.keys(jobs[0]?.feeds ?? {})) {
    joined[name] = concatRows(jobs.flatMap((job) => job.feeds[name] ?? []));
  }
  return joined;
}

function rowsMatch(outputs: Tensors, rows: number): boolean {
  return Object.values(outputs).every((tensor) => tensor.dims[0] === rows);
}

function rowsOf(outputs: Tensors, from: number, to: number): Tensors {
  const own = noTensors();
  for (const name in outputs) {
    const tensor = outputs[name];
    if (tensor !== undefined) own[name] = sliceRows(tensor, from, to);
  }
  return own;
}
