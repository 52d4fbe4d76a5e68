import * as os from 'node:os';
import { Worker } from 'node:worker_threads';

import { errorCodes, MlopsError, type ErrorCode, type Logger } from '../base/index.ts';
import type { Tensors } from './tensor.ts';
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

type Call = { resolve(message: FromWorker): void; reject(error: Error): void };
type Request = ToWorker extends infer Message ? (Message extends unknown ? Omit<Message, 'id'> : never) : never;

/** One inference thread. `runs` counts what was sent to it and is not answered yet. */
export class InferenceThread {
  runs = 0;
  #worker: Worker;
  #calls = new Map<number, Call>();
  #nextId = 0;
  #closing = false;
  readonly #workerFile: URL;
  readonly #lost: (thread: InferenceThread, code: number) => void;
  readonly #free: () => void;

  constructor(workerFile: URL, lost: (thread: InferenceThread, code: number) => void, free: () => void) {
    this.#free = free;
    this.#workerFile = workerFile;
    this.#lost = lost;
    this.#worker = this.#start();
  }

  #start(): Worker {
    const worker = new Worker(this.#workerFile, { name: 'inference', stdout: false, stderr: false });
    worker.unref();
    worker.on('message', (message: FromWorker) => {
      const call = this.#calls.get(message.id);
      this.#calls.delete(message.id);
      if (message.error === undefined) call?.resolve(message);
      else call?.reject(translate(message.error.message, message.error.code));
    });
    let failure: Error | undefined;
    worker.on('error', (error) => (failure = error));
    worker.on('exit', (code) => {
      const calls = [...this.#calls.values()];
      this.#calls.clear();
      this.runs = 0;
      if (!this.#closing) {
        this.#worker = this.#start();
        this.#lost(this, code);
      }
      const error = new MlopsError('inference_thread_lost', 'the inference thread ended while it worked on this', {
        hint: 'it was started again: send the request once more',
        cause: failure,
        data: { retry_after: 1 },
      });
      for (const call of calls) call.reject(error);
    });
    return worker;
  }

  call(request: Request): Promise<FromWorker> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      const message: ToWorker = { ...request, id };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      this.#worker.postMessage(message);
    });
  }

  async run(session: number, feeds: Tensors, fetches: readonly string[]): Promise<RunResult> {
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
    const ended = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
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
    const ended = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.ref();
    const message: ToWorker = { kind: 'close', id: -1 };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(message);
    await ended;
  }
}

/**
 * The inference threads and what is loaded in them. Every model is loaded in every thread, because sessions cannot be
 * shared between threads. A thread that dies is started again with all its models.
 */
export class InferencePool {
  readonly threads: readonly InferenceThread[];
  restarts = 0;
  /** Called when a run has ended, whoever asked for it: something else may start. */
  onFree: (() => void) | undefined;
  readonly #files = new Map<number, string>();
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

  #revive(thread: InferenceThread, code: number): void {
    this.restarts++;
    this.#log.error(`an inference thread ended with code ${code}; it was started again`);
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

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }
}

/** The runtime's message as an error of the catalogue, without source paths of its build. */
function translate(message: string, code: string | undefined): Error {
  if (code !== undefined && code in errorCodes) return new MlopsError(code as ErrorCode, message);
  const text = message
    .replace(/\/onnxruntime_src\/\S+\s?/g, '')
    .replace(/\s*\n\s*/g, ' ')
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
