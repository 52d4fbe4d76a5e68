import * as os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { errorCodes, MlopsError, type ErrorCode, type Logger } from '../../base/index.ts';
import type { Tensors } from '../wire/tensor.ts';
import type { FromWorker, LoadedInfo, ToWorker } from './worker-messages.ts';

export interface InferencePoolOptions {
  readonly workerFile: URL;
  /** Default: cores − 1, at least 1: the server's own thread needs a core too. */
  readonly threads?: number | undefined;
  readonly log: Logger;
}

export interface RunResult {
  readonly outputs: Tensors;
  /** Time inside the runtime. */
  readonly milliseconds: number;
}

type Call = { readonly kind: ToWorker['kind']; resolve(message: FromWorker): void; reject(error: Error): void };
type Request = ToWorker extends infer Message ? (Message extends unknown ? Omit<Message, 'id'> : never) : never;

/** One inference thread. `runs` counts what was sent to it and is not answered yet. */
export class InferenceThread {
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

/**
 * The inference threads and what is loaded in them. Every model is loaded in every thread, because sessions cannot be
 * shared between threads. A thread that dies is started again with all its models.
 */
export class InferencePool {
  readonly threads: readonly InferenceThread[];
  restarts = 0;
  /** A thread is in the runtime and does not come back: a plain exit of the process would wait for it. */
  stuck = false;
  /** Called when a run has ended, whoever asked for it: something else may start. */
  onFree: (() => void) | undefined;
  readonly #files = new Map<number, string>();
  /** Threads that were replaced and have not come back yet. */
  readonly #hung = new Set<Promise<void>>();
  readonly #log: Logger;
  #nextSession = 1;

  constructor(options: InferencePoolOptions) {
    this.#log = options.log;
    const count = Math.max(1, options.threads ?? os.availableParallelism() - 1);
    this.threads = Array.from(
      { length: count },
      () =>
        new InferenceThread(
          options.workerFile,
          (t, c) => this.#revive(t, c),
          () => this.onFree?.(),
        ),
    );
  }

  /**
   * Replaces threads that have been silent for longer than `limit` milliseconds: nobody waits for what they compute.
   * Only as many as there are threads at a time, or a model that is too slow would fill the machine with them.
   */
  replaceHung(limit: number): void {
    for (const thread of this.threads) {
      if (thread.silence <= limit || this.#hung.size >= this.threads.length) continue;
      const back = thread.replace();
      this.#hung.add(back);
      void back.then(() => this.#hung.delete(back));
    }
  }

  #revive(thread: InferenceThread, why: string): void {
    this.restarts++;
    this.#log.error(`an inference thread ${why}; another one was started`);
    for (const [session, file] of this.#files) {
      thread.call({ kind: 'load', session, file }).catch((error: unknown) => {
        this.#log.error(`loading '${file}' again failed: ${String(error)}`);
      });
    }
  }

  /** @throws MlopsError `model_broken` with the runtime's reason. */
  async load(file: string): Promise<{ session: number; info: LoadedInfo }> {
    const session = this.#nextSession++;
    try {
      const answers = await Promise.all(this.threads.map((thread) => thread.call({ kind: 'load', session, file })));
      const info = answers[0]?.info;
      if (info === undefined) throw new Error('a load was answered without facts');
      this.#files.set(session, file);
      return { session, info };
    } catch (error) {
      await this.release(session);
      throw error;
    }
  }

  async release(session: number): Promise<void> {
    this.#files.delete(session);
    await Promise.allSettled(this.threads.map((thread) => thread.call({ kind: 'release', session })));
  }

  /** The thread with the least to do, when it has less than `limit` runs. */
  free(limit: number): InferenceThread | undefined {
    let best: InferenceThread | undefined;
    for (const thread of this.threads) if (thread.runs < (best?.runs ?? limit)) best = thread;
    return best;
  }

  /** Ends all threads; false when one does not come back from the runtime within `patience` milliseconds. */
  async close(patience = Infinity): Promise<boolean> {
    const all = Promise.all([...this.threads.map((thread) => thread.close()), ...this.#hung]).then(() => true);
    const over = new AbortController();
    const late = delay(Math.min(patience, 2 ** 31 - 1), false, { signal: over.signal }).catch(() => true);
    this.stuck = !(await Promise.race([all, late]));
    over.abort();
    return !this.stuck;
  }
}

/** The runtime's message as an error of the catalogue, without source paths of its build. */
function translate(message: string, code: string | undefined): Error {
  if (code !== undefined && code in errorCodes) return new MlopsError(code as ErrorCode, message);
  const text = message
    .replace(/\/onnxruntime_src\/\S+\s?/g, '')
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim();
  if (
    /^(Load model from|Failed to load|Unsupported (model|data type)|Type Error|Exception during initialization|This is an invalid model|Could not find an implementation|Protobuf parsing)|protobuf parsing failed|not a registered function|is under development|Unsupported model IR|Load model/i.test(
      text,
    )
  ) {
    return new MlopsError('model_broken', `onnxruntime cannot load the model: ${text}`, {
      hint: 'export the model again with operators and types that onnxruntime 1.30 has on the CPU',
    });
  }
  if (/^(Got invalid dimensions|Invalid rank|Unexpected input data type|input '.*' is missing)/.test(text)) {
    return new MlopsError('invalid_input', text);
  }
  return new MlopsError('inference_failed', `the model failed on this input: ${text}`);
}
