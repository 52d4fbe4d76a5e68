import * as os from 'node:os';
import { Worker } from 'node:worker_threads';

import { MlopsError, locateWorker } from '../../base/index.ts';
import type { VersionFacts } from '../running/served-version.ts';
import { isUpload } from '../wire/upload.ts';
import { buffersOf } from '../wire/packed-texts.ts';
import type { Tensors } from '../wire/tensor.ts';
import type { Route, RouteQuery } from './envelope.ts';
import { NearExchange, type Asked, type Exchange, type ExchangeInputs } from './exchange.ts';
import {
  factsOf,
  unpackError,
  type Calls,
  type FromExchange,
  type Writing,
  type Written,
} from './exchange-messages.ts';

export interface ExchangeOptions {
  /** The built `exchange.worker.ts`. */
  readonly file: () => URL;
  /** Threads at most. Default: cores - 1, from 1 to 4. */
  readonly threads: number;
  /** A body of more bytes is read in another thread: a CSV table of the default takes some twenty milliseconds. */
  readonly largeBody: number;
  /** An answer of more values is written in another thread. */
  readonly largeAnswer: number;
}

const defaults: ExchangeOptions = {
  file: () => locateWorker('exchange'),
  threads: Math.max(1, Math.min(4, os.availableParallelism() - 1)),
  largeBody: 256 * 1024,
  largeAnswer: 64 * 1024,
};

/** How many bytes of a body there are to parse: raw tensors of numbers behind a JSON part only have to be copied. */
function parsedBytes(body: Buffer, { headerLength }: Asked, texts: boolean): number {
  const length = Number(headerLength ?? body.length);
  return texts || !(length < body.length) ? body.length : length;
}

/**
 * The threads that read large bodies and write large answers; started when the first one is needed. Small bodies are
 * read at once, here: going to another thread would take longer.
 */
export class ExchangeThreads {
  readonly #options: ExchangeOptions;
  readonly #threads = new Set<ExchangeThread>();
  #nextExchange = 1;

  constructor(options: Partial<ExchangeOptions> = {}) {
    this.#options = { ...defaults, ...options };
  }

  /**
   * Parses a body. A large one is handed over: nothing is left in `body`.
   *
   * @param exact keep 64-bit integers.
   * @param texts raw tensors of the body may hold texts.
   * @throws MlopsError `bad_json`, `bad_request`, `unsupported_media`, `body_too_large`.
   */
  open(asked: Asked, body: unknown, exact: boolean, texts = false): Exchange | Promise<Exchange> {
    const near = asked.protocol === 'native' && Buffer.isBuffer(body) && isUpload(body, asked.contentType);
    if (!Buffer.isBuffer(body) || near || parsedBytes(body, asked, texts) <= this.#options.largeBody) {
      return new NearExchange(asked, body, exact);
    }
    return this.#openFar(asked, body, exact);
  }

  async #openFar(asked: Asked, body: Buffer, exact: boolean): Promise<Exchange> {
    const thread = this.#thread();
    const exchange = this.#nextExchange++;
    const own = body.byteOffset === 0 && body.byteLength === body.buffer.byteLength ? body : new Uint8Array(body);
    const ask = { exchange, asked, exact, body: own };
    const namesModel = await thread.call('open', ask, [own.buffer as ArrayBuffer]);
    return new FarExchange(thread, exchange, namesModel);
  }

  /** True for outputs that take long to write. */
  isLarge(outputs: Tensors): boolean {
    let values = 0;
    for (const name in outputs) values += outputs[name]?.data.length ?? 0;
    return values > this.#options.largeAnswer;
  }

  /** Writes an answer. Its outputs are handed over. */
  write({ version, ...rest }: Omit<Writing, 'version'> & { version: VersionFacts }): Promise<Written> {
    return this.#thread().call('write', { version: factsOf(version), ...rest }, buffersOf(rest.raw));
  }

  /** The one with the least to do. */
  #thread(): ExchangeThread {
    let best: ExchangeThread | undefined;
    for (const thread of this.#threads) if (best === undefined || thread.pending < best.pending) best = thread;
    if (best !== undefined && (best.pending === 0 || this.#threads.size >= this.#options.threads)) return best;
    const made = new ExchangeThread(this.#options.file(), () => this.#threads.delete(made));
    this.#threads.add(made);
    return made;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.close()));
  }
}

class ExchangeThread {
  readonly #worker: Worker;
  readonly #calls = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>();
  #nextId = 1;
  #ended: Error | undefined;

  constructor(file: URL, onEnd: () => void) {
    this.#worker = new Worker(file, { name: 'exchange', stdout: false, stderr: false });
    this.#worker.unref();
    this.#worker.on('message', ({ id, answer, error }: FromExchange) => {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.resolve(answer as never);
      else call?.reject(unpackError(error));
    });
    this.#worker.on('error', (error) => (this.#ended = lost(error)));
    this.#worker.on('exit', () => {
      onEnd();
      const error = (this.#ended ??= lost(undefined));
      for (const call of this.#calls.values()) call.reject(error);
      this.#calls.clear();
    });
  }

  get pending(): number {
    return this.#calls.size;
  }

  call<Kind extends keyof Calls>(
    kind: Kind,
    ask: Calls[Kind]['ask'],
    transfer: ArrayBuffer[] = [],
  ): Promise<Calls[Kind]['answer']> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#worker.postMessage({ id, kind, ask }, transfer);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

function lost(cause: unknown): MlopsError {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new MlopsError('body_too_large', 'reading the body takes more memory than there is', {
      hint: 'send it in parts, or as raw tensors (v2 protocol)',
      cause,
    });
  }
  return new MlopsError('inference_thread_lost', 'the thread that reads large bodies ended while it worked on this', {
    hint: 'send the request once more',
    cause,
    data: { retry_after: 1 },
  });
}

/** An exchange in another thread. */
class FarExchange implements Exchange {
  readonly namesModel: boolean;
  readonly #thread: ExchangeThread;
  readonly #exchange: number;
  #open = true;

  constructor(thread: ExchangeThread, exchange: number, namesModel: boolean) {
    this.#thread = thread;
    this.#exchange = exchange;
    this.namesModel = namesModel;
  }

  route(query: RouteQuery, own: ReadonlySet<string> | undefined): Promise<Route> {
    return this.#thread.call('route', { exchange: this.#exchange, query, own });
  }

  isEmpty(version: VersionFacts): Promise<boolean> {
    return this.#thread.call('isEmpty', { exchange: this.#exchange, version: factsOf(version) });
  }

  async read(version: VersionFacts, said: ReadonlySet<string> | undefined, logs: boolean): Promise<ExchangeInputs> {
    this.#open = false;
    const ask = { exchange: this.#exchange, version: factsOf(version), said, logs };
    const { rows, ...inputs } = await this.#thread.call('read', ask);
    return { ...inputs, rows: () => rows };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#thread.call('close', { exchange: this.#exchange }).catch(() => undefined);
  }
}
