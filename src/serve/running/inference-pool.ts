import * as os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { messageOf, MlopsError, type Logger } from '../../base/index.ts';
import type { Tensors } from '../wire/tensor.ts';
import type { Runner, RunnerPool, RunResult } from './job.ts';
import { NearSessions } from './near-sessions.ts';
import { translate } from './runtime-messages.ts';
import type { FromWorker, LoadedInfo, ToWorker } from './worker-messages.ts';

export interface InferencePoolOptions {
  readonly workerFile: URL;
  /** Default: cores − 1, at least 1: the server's own thread needs a core too. */
  readonly threads?: number | undefined;
  /** Milliseconds up to which a lone request runs in the server's own thread. Default: 0.3. */
  readonly shortRun?: number | undefined;
  readonly log: Logger;
}

type Call = { readonly kind: ToWorker['kind']; resolve(message: FromWorker): void; reject(error: Error): void };
type Request = ToWorker extends infer Message ? (Message extends unknown ? Omit<Message, 'id'> : never) : never;

/** One inference thread. `runs` counts what was sent to it and is not answered yet. */
export class InferenceThread implements Runner {
  runs = 0;
  /** When the last sign of life came from a thread that had something to run. */
  #busySince = Infinity;
  #loading = 0;
  #worker: Worker;
  #calls = new Map<number, Call>();
  #nextId = 0;
  #closing = false;
  readonly #workerFile: URL;
  readonly #lost: (thread: InferenceThread, why: string) => void;
  readonly #free: () => void;

  constructor(workerFile: URL, lost: (thread: InferenceThread, why: string) => void, free: () => void) {
    this.#free = free;
    this.#workerFile = workerFile;
    this.#lost = lost;
    this.#worker = this.#start();
  }

  #start(): Worker {
    const worker = new Worker(this.#workerFile, { name: 'inference', stdout: false, stderr: false });
    worker.unref();
    worker.on('message', (message: FromWorker) => {
      // One that was replaced has finished after all: nobody waits for it.
      if (worker !== this.#worker) return;
      this.#busySince = this.runs > 1 ? performance.now() : Infinity;
      const call = this.#calls.get(message.id);
      this.#calls.delete(message.id);
      if (call?.kind === 'load') this.#loading--;
      if (message.error === undefined) call?.resolve(message);
      else call?.reject(translate(message.error.message, message.error.code));
    });
    let failure: Error | undefined;
    worker.on('error', (error) => (failure = error));
    worker.on('exit', (code) => {
      if (worker !== this.#worker) return;
      const error = new MlopsError('inference_thread_lost', 'the inference thread ended while it worked on this', {
        hint: 'it was started again: send the request once more',
        cause: failure,
        data: { retry_after: 1 },
      });
      this.#startAnew(`ended with code ${code}`, error);
    });
    return worker;
  }

  #startAnew(why: string, error: Error): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.runs = 0;
    this.#loading = 0;
    this.#busySince = Infinity;
    if (!this.#closing) {
      this.#worker = this.#start();
      this.#lost(this, why);
    }
    for (const call of calls) call.reject(error);
  }

  /** Milliseconds that the thread has been silent with something to run. */
  get silence(): number {
    // Loading a large model takes its time, and runs wait behind it.
    return this.#loading > 0 || this.#busySince === Infinity ? 0 : performance.now() - this.#busySince;
  }

  /**
   * Puts a fresh thread in the place of one that does not come back from the runtime. The old one cannot be stopped
   * there (see `close`): it is told to end when it does come back. The returned promise says when it has.
   */
  replace(): Promise<void> {
    const hung = this.#worker;
    const ended = ending(hung);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    hung.postMessage({ kind: 'close', id: -1 } satisfies ToWorker);
    const error = new MlopsError('inference_thread_lost', 'the inference thread hung and was replaced', {
      data: { retry_after: 1 },
    });
    this.#startAnew('did not answer in time', error);
    return ended;
  }

  call(request: Request): Promise<FromWorker> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { kind: request.kind, resolve, reject });
      if (request.kind === 'load') this.#loading++;
      const message: ToWorker = { ...request, id };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      this.#worker.postMessage(message);
    });
  }

  async run(session: number, feeds: Tensors, fetches: readonly string[]): Promise<RunResult> {
    if (this.runs === 0) this.#busySince = performance.now();
    this.runs++;
    const runs = this.#worker;
    try {
      const { outputs, milliseconds } = await this.call({ kind: 'run', session, feeds, fetches });
      return { outputs: outputs ?? {}, milliseconds: milliseconds ?? 0 };
    } finally {
      if (runs === this.#worker) this.runs--;
      this.#free();
    }
  }

  /** Ends the thread by an uncaught error, as a bug would: a message that is none. For tests of recovery. */
  crash(): Promise<void> {
    const ended = ending(this.#worker);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(null);
    return ended;
  }

  /**
   * Lets the thread end by itself. It is never terminated while the runtime computes: that would abort the whole
   * process (the addon throws where nothing can catch it).
   */
  async close(): Promise<void> {
    this.#closing = true;
    const ended = ending(this.#worker);
    this.#worker.ref();
    const message: ToWorker = { kind: 'close', id: -1 };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(message);
    await ended;
  }
}

function ending(worker: Worker): Promise<void> {
  return new Promise((resolve) => worker.once('exit', () => resolve()));
}

/** A model in a thread of its own, before requests reach it. */
export interface Aside {
  readonly session: number;
  readonly info: LoadedInfo;
  run(feeds: Tensors, fetches: readonly string[]): Promise<RunResult>;
}

/** What the threads that take a model over are warmed up with. */
export interface WarmUp {
  readonly feeds: Tensors | undefined;
  readonly fetches: readonly string[];
}

/** A model that takes longer to load, in milliseconds, keeps threads of its own: loading it would stop the others. */
const quickLoad = 100;

/**
 * The inference threads and what is loaded in them. A model is loaded and tried in a thread of its own, one model at a
 * time, so that it delays no request to the others. What loads quickly then moves to the threads that all models share;
 * what does not stays, with as many threads of its own: sessions cannot pass from one thread to another. A thread that
 * dies is started again with its models.
 */
export class InferencePool implements RunnerPool {
  /** The threads that models share. */
  readonly threads: readonly InferenceThread[];
  restarts = 0;
  /** A thread is in the runtime and does not come back: a plain exit of the process would wait for it. */
  stuck = false;
  /** Called when a run has ended, whoever asked for it: something else may start. */
  onFree: (() => void) | undefined;
  readonly #near: NearSessions;
  readonly #files = new Map<number, string>();
  /** The threads in which a session is. */
  readonly #homes = new Map<number, readonly InferenceThread[]>();
  readonly #own = new Set<InferenceThread>();
  #aside: InferenceThread | undefined;
  /** The last of the loads that wait for each other. */
  #loads: Promise<unknown> = Promise.resolve();
  /** Threads that were replaced or let go and have not ended yet. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #log: Logger;
  readonly #make: () => InferenceThread;
  #nextSession = 1;
  readonly #nearRunner: Runner = {
    run: async (session, feeds, fetches) => {
      try {
        return await this.#near.run(session, feeds, fetches);
      } catch (error) {
        throw translate(messageOf(error), undefined);
      }
    },
  };

  constructor(options: InferencePoolOptions) {
    this.#log = options.log;
    this.#near = new NearSessions(options.shortRun);
    const count = Math.max(1, options.threads ?? os.availableParallelism() - 1);
    this.#make = () =>
      new InferenceThread(
        options.workerFile,
        (t, c) => this.#revive(t, c),
        () => this.onFree?.(),
      );
    this.threads = Array.from({ length: count }, this.#make);
  }

  /**
   * Replaces threads that have been silent for longer than `limit` milliseconds: nobody waits for what they compute.
   * Only as many as there are threads at a time, or a model that is too slow would fill the machine with them.
   */
  replaceHung(limit: number): void {
    for (const thread of [...this.threads, ...this.#own]) {
      if (thread.silence <= limit || this.#leaving.size >= this.threads.length) continue;
      this.#leave(thread.replace());
    }
  }

  #leave(ended: Promise<void>): void {
    this.#leaving.add(ended);
    void ended.then(() => this.#leaving.delete(ended));
  }

  #revive(thread: InferenceThread, why: string): void {
    this.restarts++;
    this.#log.error(`an inference thread ${why}; another one was started`);
    for (const [session, homes] of this.#homes) {
      const file = this.#files.get(session) ?? '';
      if (!homes.includes(thread)) continue;
      thread.call({ kind: 'load', session, file, describe: false }).catch((error: unknown) => {
        this.#log.error(`loading '${file}' again failed: ${String(error)}`);
      });
    }
  }

  /**
   * Loads a model aside, lets `prepare` try it there, and opens it to `free` when that is done.
   *
   * @throws MlopsError `model_broken` with the runtime's reason, and what `prepare` throws.
   */
  load<Result extends WarmUp>(file: string, prepare: (aside: Aside) => Promise<Result>): Promise<Result> {
    const before = this.#loads;
    const loading = (async () => {
      await before.catch(() => undefined);
      return this.#load(file, prepare);
    })();
    this.#loads = loading;
    return loading;
  }

  async #load<Result extends WarmUp>(file: string, prepare: (aside: Aside) => Promise<Result>): Promise<Result> {
    const session = this.#nextSession++;
    const aside = (this.#aside ??= this.#make());
    const made: InferenceThread[] = [];
    try {
      const { info, milliseconds = 0 } = await aside.call({ kind: 'load', session, file, describe: true });
      if (info === undefined) throw new Error('a load was answered without facts');
      const result = await prepare({ session, info, run: (feeds, fetches) => aside.run(session, feeds, fetches) });
      const quick = milliseconds <= quickLoad;
      if (!quick) made.push(...Array.from({ length: this.threads.length - 1 }, this.#make));
      // One after the other: the rest of them go on.
      for (const thread of quick ? this.threads : made) await moveIn(thread, session, file, result);
      this.#files.set(session, file);
      if (quick) {
        this.#homes.set(session, this.threads);
        this.#near.consider(session, file, info, milliseconds);
        await aside.call({ kind: 'release', session });
      } else {
        this.#aside = undefined;
        for (const thread of [aside, ...made]) this.#own.add(thread);
        this.#homes.set(session, [aside, ...made]);
      }
      return result;
    } catch (error) {
      for (const thread of made) this.#leave(thread.close());
      await Promise.allSettled([aside, ...this.threads].map((thread) => thread.call({ kind: 'release', session })));
      throw error;
    }
  }

  async release(session: number): Promise<void> {
    const homes = this.#homes.get(session) ?? [];
    this.#files.delete(session);
    this.#homes.delete(session);
    await this.#near.release(session);
    await Promise.allSettled(
      homes.map(async (thread) => {
        await thread.call({ kind: 'release', session });
        if (!this.#own.delete(thread)) return;
        // A thread that has a model of its own no longer serves for the next load.
        if (this.#aside === undefined) this.#aside = thread;
        else this.#leave(thread.close());
      }),
    );
  }

  /**
   * The thread of a session with the least to do, when it has less than `limit` runs. No more threads compute at a time
   * than models share.
   */
  free(session: number, limit: number): InferenceThread | undefined {
    const full = this.#computing() >= this.threads.length;
    let best: InferenceThread | undefined;
    for (const thread of this.#homes.get(session) ?? []) {
      if (full && thread.runs === 0) continue;
      if (thread.runs < (best?.runs ?? limit)) best = thread;
    }
    return best;
  }

  /**
   * The server's own thread, where a run of these inputs is over sooner than a message to another thread would take.
   * For a request that nobody waits behind.
   */
  near(session: number, feeds: Tensors): Runner | undefined {
    return this.#near.takes(session, feeds) ? this.#nearRunner : undefined;
  }

  /** What a run took: the next ones of its size are expected to take as long. */
  ran(session: number, feeds: Tensors, milliseconds: number): void {
    this.#near.ran(session, feeds, milliseconds);
  }

  /** True while a thread has something to run. */
  get busy(): boolean {
    return this.#computing() > 0;
  }

  #computing(): number {
    let busy = 0;
    for (const thread of this.threads) if (thread.runs > 0) busy++;
    for (const thread of this.#own) if (thread.runs > 0) busy++;
    return busy;
  }

  /** Ends all threads; false when one does not come back from the runtime within `patience` milliseconds. */
  async close(patience = Infinity): Promise<boolean> {
    await this.#near.close();
    const threads = [...this.threads, ...this.#own, ...(this.#aside === undefined ? [] : [this.#aside])];
    const all = Promise.all([...threads.map((thread) => thread.close()), ...this.#leaving]).then(() => true);
    const over = new AbortController();
    const late = delay(Math.min(patience, 2 ** 31 - 1), false, { signal: over.signal }).catch(() => true);
    this.stuck = !(await Promise.race([all, late]));
    over.abort();
    return !this.stuck;
  }
}

async function moveIn(thread: InferenceThread, session: number, file: string, warmUp: WarmUp): Promise<void> {
  await thread.call({ kind: 'load', session, file, describe: false });
  if (warmUp.feeds === undefined) return;
  // The first run is a slow one. One that fails says nothing: the values are made up.
  await thread.run(session, warmUp.feeds, warmUp.fetches).catch(() => undefined);
}
