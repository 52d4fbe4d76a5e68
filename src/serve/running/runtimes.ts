import type { PythonPool } from '../python/python-pool.ts';
import type { Tensors } from '../wire/tensor.ts';
import type { InferencePool } from './inference-pool.ts';
import type { Runner, RunnerPool } from './job.ts';

/** The inference threads and the Python processes as one: a session belongs to one of them. */
export class Runtimes implements RunnerPool {
  readonly #threads: InferencePool;
  readonly #python: PythonPool;

  constructor(threads: InferencePool, python: PythonPool) {
    this.#threads = threads;
    this.#python = python;
  }

  set onFree(told: (() => void) | undefined) {
    this.#threads.onFree = told;
    this.#python.onFree = told;
  }

  get onFree(): (() => void) | undefined {
    return this.#threads.onFree;
  }

  free(session: number, limit: number): Runner | undefined {
    return this.#python.owns(session) ? this.#python.free(session, limit) : this.#threads.free(session, limit);
  }

  near(session: number, feeds: Tensors): Runner | undefined {
    return this.#python.owns(session) ? undefined : this.#threads.near(session, feeds);
  }

  ran(session: number, feeds: Tensors, milliseconds: number): void {
    if (!this.#python.owns(session)) this.#threads.ran(session, feeds, milliseconds);
  }

  replaceHung(limit: number): void {
    this.#threads.replaceHung(limit);
    this.#python.replaceHung(limit);
  }

  get busy(): boolean {
    return this.#threads.busy || this.#python.busy;
  }
}
