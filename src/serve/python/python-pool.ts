import * as fs from 'node:fs';
import * as os from 'node:os';

import type { Logger } from '../../base/index.ts';
import { PythonRunner } from './python-runner.ts';
import type { PythonDescription, PythonProgram } from './python-process.ts';

export interface PythonPoolOptions {
  /** Processes of each model. Default: cores - 1, at least 1. */
  readonly processes?: number | undefined;
  /** Resident bytes of a process above which it is replaced. Default: half of the machine's memory. */
  readonly memoryLimit?: number | undefined;
  readonly log: Logger;
}

/** Sessions of Python models have numbers from here on: none of the inference threads comes so far. */
const firstSession = 2 ** 30;
/** How often the memory of the processes is looked at, in milliseconds. */
const memoryInterval = 250;

/**
 * Python models: each has processes of its own, so that one that hangs, dies or eats memory harms no other. A process
 * that is lost is replaced; what it worked on is sent to the next one once, unless it was ended for what it did.
 */
export class PythonPool {
  /** Called when a run has ended: something else may start. */
  onFree: (() => void) | undefined;
  readonly #models = new Map<number, readonly PythonRunner[]>();
  readonly #processes: number;
  readonly #memoryLimit: number;
  readonly #log: Logger;
  #nextSession = firstSession;
  #watch: NodeJS.Timeout | undefined;
  #restarts = 0;

  constructor(options: PythonPoolOptions) {
    this.#processes = Math.max(1, options.processes ?? os.availableParallelism() - 1);
    this.#memoryLimit = options.memoryLimit ?? os.totalmem() / 2;
    this.#log = options.log;
  }

  /** Processes that were started in place of others. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Whether a session is one of a Python model. */
  owns(session: number): boolean {
    return session >= firstSession;
  }

  /**
   * Starts the processes of a model and waits until all have loaded it.
   *
   * @throws MlopsError `program_missing`, `model_broken`.
   */
  async load(program: Omit<PythonProgram, 'log'>): Promise<{ session: number; description: PythonDescription }> {
    const session = this.#nextSession++;
    const make = () =>
      new PythonRunner(
        { ...program, log: this.#log },
        {
          free: () => this.onFree?.(),
          restarted: () => this.#restarts++,
        },
      );
    const first = make();
    const runners = [first];
    try {
      const description = await first.start(true);
      const others = Array.from({ length: this.#processes - 1 }, make);
      runners.push(...others);
      await Promise.all(others.map((runner) => runner.start(false)));
      this.#models.set(session, runners);
      this.#startWatch();
      return { session, description };
    } catch (error) {
      await Promise.all(runners.map((runner) => runner.close()));
      throw error;
    }
  }

  async release(session: number): Promise<void> {
    const runners = this.#models.get(session) ?? [];
    this.#models.delete(session);
    await Promise.all(runners.map((runner) => runner.close()));
  }

  /** The process of a model with the least to do, when it has less than `limit` runs. */
  free(session: number, limit: number): PythonRunner | undefined {
    let best: PythonRunner | undefined;
    for (const runner of this.#models.get(session) ?? []) {
      if (runner.runs < (best?.runs ?? limit)) best = runner;
    }
    return best;
  }

  /** Replaces processes that have been silent for longer than `limit` milliseconds with something to run. */
  replaceHung(limit: number): void {
    for (const runner of this.#all()) {
      if (runner.silence > limit) runner.replace('did not answer in time');
    }
  }

  /** True while a process has something to run. */
  get busy(): boolean {
    return this.#all().some((runner) => runner.runs > 0);
  }

  #all(): PythonRunner[] {
    return [...this.#models.values()].flat();
  }

  #startWatch(): void {
    if (this.#watch !== undefined || process.platform !== 'linux') return;
    this.#watch = setInterval(() => {
      for (const runner of this.#all()) {
        const bytes = residentBytes(runner.pid);
        if (bytes <= this.#memoryLimit) continue;
        const [has, may] = [bytes, this.#memoryLimit].map((value) => `${Math.round(value / 2 ** 20)} MB`);
        runner.replace(`took ${has} of memory, ${may} are allowed (--python-memory)`);
      }
    }, memoryInterval);
    this.#watch.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    const runners = this.#all();
    this.#models.clear();
    await Promise.all(runners.map((runner) => runner.close()));
  }
}

function residentBytes(pid: number | undefined): number {
  if (pid === undefined) return 0;
  try {
    const [, kilobytes = '0'] =
      /^VmRSS:\s{1,20}(\d{1,15}) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}
