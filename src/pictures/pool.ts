import * as os from 'node:os';
import { Worker } from 'node:worker_threads';

import { MlopsError } from '../base/index.ts';
import { badPicture, pictureLimits, type PictureLimits } from './limits.ts';
import type { DrawJob, DrawnPicture, FromPictures, PictureJob, PreparedPicture, ToPictures } from './messages.ts';

type Done = PreparedPicture | DrawnPicture;

export interface PicturePoolOptions {
  /** The built `picture.worker.ts`. */
  readonly file: () => URL;
  /** Threads at most, started when they are needed. Default: as many as cores, from 1 to 8. */
  readonly threads: number;
  /** Pictures that may wait; a request that comes when so many do is refused. */
  readonly maxQueue: number;
  readonly limits: PictureLimits;
}

interface Waiting {
  readonly job: ToPictures['job'];
  resolve(done: Done): void;
  reject(error: Error): void;
}

/** Decodes and prepares pictures in threads: so many at a time, the others wait in order. */
export class PicturePool {
  readonly options: PicturePoolOptions;
  readonly #threads = new Set<PictureThread>();
  readonly #queue: Waiting[] = [];
  #closed = false;

  constructor(options: Partial<PicturePoolOptions> & Pick<PicturePoolOptions, 'file'>) {
    const threads = Math.max(1, Math.min(8, os.availableParallelism()));
    this.options = { threads, maxQueue: 256, limits: pictureLimits, ...options };
  }

  /** @throws MlopsError `bad_picture`, `overloaded`, `program_missing`. */
  async prepareAll(
    files: readonly Uint8Array[],
    how: Omit<PictureJob, 'bytes' | 'limits'>,
  ): Promise<PreparedPicture[]> {
    if (this.#queue.length >= this.options.maxQueue) {
      throw new MlopsError('overloaded', `${this.#queue.length} pictures wait to be decoded`, {
        hint: 'try again in a second',
        data: { retry_after: 1 },
      });
    }
    const { limits } = this.options;
    const jobs = files.map((bytes) => this.#ask({ ...how, bytes, limits }) as Promise<PreparedPicture>);
    const outcomes = await Promise.allSettled(jobs);
    return outcomes.map((outcome, i) => {
      if (outcome.status === 'fulfilled') return outcome.value;
      throw files.length === 1 ? outcome.reason : numbered(outcome.reason, i);
    });
  }

  /** @throws MlopsError `bad_picture`. */
  draw(bytes: Uint8Array, how: Omit<DrawJob, 'bytes' | 'limits'>): Promise<DrawnPicture> {
    return this.#ask({ ...how, bytes, limits: this.options.limits }) as Promise<DrawnPicture>;
  }

  #ask(job: ToPictures['job']): Promise<Done> {
    const answer = new Promise<Done>((resolve, reject) => this.#queue.push({ job, resolve, reject }));
    this.#pump();
    return answer;
  }

  #pump(): void {
    while (this.#queue.length > 0 && !this.#closed) {
      const thread = this.#free();
      const next = thread === undefined ? undefined : this.#queue.shift();
      if (thread === undefined || next === undefined) return;
      void this.#work(thread, next);
    }
  }

  async #work(thread: PictureThread, waiting: Waiting): Promise<void> {
    try {
      waiting.resolve(await thread.run(waiting.job));
    } catch (error) {
      waiting.reject(error as Error);
    }
    this.#pump();
  }

  #free(): PictureThread | undefined {
    for (const thread of this.#threads) if (!thread.busy) return thread;
    if (this.#threads.size >= this.options.threads) return undefined;
    const made = new PictureThread(this.options.file(), () => {
      this.#threads.delete(made);
      // One that was given up was still in its place when its picture was answered.
      this.#pump();
    });
    this.#threads.add(made);
    return made;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#queue.splice(0)) waiting.reject(lost());
    await Promise.all([...this.#threads].map((thread) => thread.close()));
  }
}

/** The error of one of several pictures, with its place. */
function numbered(error: unknown, index: number): unknown {
  if (!(error instanceof MlopsError)) return error;
  const { code, message, hint } = error;
  return new MlopsError(code, `picture ${index}: ${message}`, { hint, cause: error });
}

function lost(): MlopsError {
  return new MlopsError('inference_thread_lost', 'the thread that decodes pictures ended while it worked on this', {
    hint: 'send the request once more',
    data: { retry_after: 1 },
  });
}

class PictureThread {
  readonly #worker: Worker;
  #current: { readonly id: number; resolve(done: Done): void; reject(error: Error): void } | undefined;
  #ended = false;
  #nextId = 1;

  constructor(file: URL, onEnd: () => void) {
    this.#worker = new Worker(file, { name: 'picture', stdout: false, stderr: false });
    this.#worker.unref();
    this.#worker.on('message', ({ id, done, refused }: FromPictures) => {
      const current = this.#current;
      if (current?.id !== id) return;
      this.#current = undefined;
      if (done !== undefined) current.resolve(done);
      else current.reject(refusal(refused));
    });
    this.#worker.on('error', () => this.#end(onEnd));
    this.#worker.on('exit', () => this.#end(onEnd));
  }

  get busy(): boolean {
    return this.#current !== undefined || this.#ended;
  }

  run(job: ToPictures['job']): Promise<Done> {
    const id = this.#nextId++;
    const { time } = job.limits;
    return new Promise<Done>((resolve, reject) => {
      // The decoder has the same limit, and a thread that keeps to neither is given up.
      const timer = setTimeout(() => {
        reject(badPicture(`decoding and resizing it takes more than ${time} ms`));
        void this.close();
      }, time + 500);
      this.#current = {
        id,
        resolve: (done) => (clearTimeout(timer), resolve(done)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      };
      // Copied, for the body that it is a part of stays here.
      const bytes = new Uint8Array(job.bytes);
      const message: ToPictures = { id, job: { ...job, bytes } };
      this.#worker.postMessage(message, [bytes.buffer]);
    });
  }

  #end(onEnd: () => void): void {
    this.#ended = true;
    onEnd();
    this.#current?.reject(lost());
    this.#current = undefined;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

function refusal(refused: FromPictures['refused']): Error {
  if (refused?.code === undefined) return new Error(refused?.message ?? 'a picture thread answered nothing');
  const { code, message, hint } = refused;
  return new MlopsError(code, message, { hint });
}
