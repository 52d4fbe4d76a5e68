import { setTimeout as delay } from 'node:timers/promises';

import { messageOf, MlopsError } from '../../base/index.ts';
import type { Tensors } from '../wire/tensor.ts';
import {
  ProcessLost,
  PythonProcess,
  type PythonDescription,
  type PythonProgram,
  type PythonResult,
} from './python-process.ts';

/** A place in the pool: a process with the model, and after it the next one. */
export class PythonRunner {
  /** What was sent to it and is not answered yet. */
  runs = 0;
  readonly #program: PythonProgram;
  readonly #told: { free(): void; restarted(): void };
  #process: PythonProcess;
  /** Settled when the model is loaded in the process. */
  #ready: Promise<unknown> = Promise.resolve();
  #loading = false;
  #busySince = Infinity;
  #closing = false;
  /** Starts that failed since the last that did not. */
  #failures = 0;

  constructor(program: PythonProgram, told: { free(): void; restarted(): void }) {
    this.#program = program;
    this.#told = told;
    this.#process = this.#spawn();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  #spawn(): PythonProcess {
    const made = new PythonProcess(this.#program);
    void this.#watch(made);
    return made;
  }

  async #watch(made: PythonProcess): Promise<void> {
    await made.ended;
    if (made === this.#process && !this.#closing && !this.#loading) this.#restart();
  }

  /** @throws MlopsError `program_missing`, `model_broken`. */
  async start(describe: boolean): Promise<PythonDescription> {
    const loading = this.#load(describe);
    this.#ready = loading;
    return loading;
  }

  async #load(describe: boolean): Promise<PythonDescription> {
    this.#loading = true;
    const { python } = this.#program;
    const late = new AbortController();
    void delay(loadLimit, undefined, { signal: late.signal, ref: false }).then(
      () => this.#process.kill(`did not load the model within ${loadLimit / 1000} s`),
      () => undefined,
    );
    try {
      return await this.#process.load(describe);
    } catch (error) {
      if (!(error instanceof ProcessLost)) throw error;
      if (/ENOENT|EACCES/.test(error.message)) {
        throw new MlopsError('program_missing', `the Python '${python}' cannot be started: ${error.message}`, {
          hint: 'name one with --python',
        });
      }
      const said = this.#process.said.split('\n').at(-1) ?? '';
      throw new MlopsError('model_broken', `the Python process ${error.message} while it loaded the model`, {
        ...(said === '' ? {} : { hint: said }),
      });
    } finally {
      late.abort();
      this.#loading = false;
    }
  }

  #restart(): void {
    this.#told.restarted();
    this.#program.log.error(`the Python process of ${this.#program.folder} was lost; another one was started`);
    this.#ready = this.#again();
    this.#ready.catch(() => undefined);
  }

  async #again(): Promise<void> {
    // A model that dies as soon as it is loaded must not keep the machine busy with that.
    if (this.#failures > 0) await delay(Math.min(10_000, 100 * 2 ** this.#failures), undefined, { ref: false });
    if (this.#closing) throw new ProcessLost('is being stopped', true);
    this.#process = this.#spawn();
    try {
      await this.#load(false);
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      this.#program.log.error(`starting Python again failed: ${messageOf(error)}`);
      if (!this.#closing) this.#restart();
      throw error;
    }
  }

  /** Milliseconds that the process has been silent with something to run. */
  get silence(): number {
    return this.#loading || this.#busySince === Infinity ? 0 : performance.now() - this.#busySince;
  }

  /** Ends the process by force; another one takes its place. */
  replace(why: string): void {
    this.#program.log.warn(`a Python process ${why}`);
    this.#busySince = Infinity;
    this.#process.kill(why);
  }

  /** @throws MlopsError `invalid_input`, `inference_failed`, `inference_thread_lost`. */
  async run(_session: number, feeds: Tensors): Promise<PythonResult> {
    this.runs++;
    try {
      for (let tries = 0; ; tries++) {
        let asked: PythonProcess | undefined;
        try {
          if (this.#failures > 0) throw new ProcessLost('cannot be started again at the moment', true);
          await this.#ready.catch(() => {
            throw new ProcessLost('cannot be started again', true);
          });
          asked = this.#process;
          if (this.#busySince === Infinity) this.#busySince = performance.now();
          const result = await asked.run(feeds);
          this.#busySince = performance.now();
          return result;
        } catch (error) {
          if (!(error instanceof ProcessLost)) throw error;
          // Once it has ended, the next one is on its way.
          await asked?.ended;
          if (error.final || tries > 0) throw lost(error.message);
        }
      }
    } finally {
      this.runs--;
      if (this.runs === 0) this.#busySince = Infinity;
      this.#told.free();
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#process.close();
  }
}

/** What loading a model may take, in milliseconds. */
const loadLimit = 300_000;

function lost(why: string): MlopsError {
  return new MlopsError('inference_thread_lost', `the Python process ${why} while it worked on this`, {
    hint: 'another one was started: send the request once more',
    data: { retry_after: 1 },
  });
}
