import * as os from 'node:os';
import { Worker } from 'node:worker_threads';

import { locateWorker } from '../../base/index.ts';
import { LogSummary, type LogState } from './log-summary.ts';
import type { Part, Scanned } from './scan-segment.ts';

/** Fewer bytes are scanned before a thread would have begun. */
const worthThread = 32 * 1024 * 1024;

/** What the thread answers, a part each in turn. */
export type ScannedApart = Omit<Scanned, 'summary'> & { readonly state: LogState };

/** Scans every other one of some files in a thread of its own, where there is a processor for it and enough to do. */
export class ScanAhead {
  readonly #worker: Worker | undefined;
  readonly #found = new Map<string, Promise<Scanned | undefined>>();

  constructor(parts: readonly Part[]) {
    const apart = parts.filter((_, i) => i % 2 === 1);
    const bytes = apart.reduce((sum, { from, end }) => sum + end - from, 0);
    if (bytes < worthThread || os.availableParallelism() < 2) return;
    const turns: ((found: Scanned | undefined) => void)[] = [];
    for (const { file } of apart) this.#found.set(file, new Promise((resolve) => turns.push(resolve)));
    this.#worker = new Worker(locateWorker('scan'), { name: 'scan', stdout: false, stderr: false });
    this.#worker.on('message', ({ state, ...rest }: ScannedApart) => {
      const summary = new LogSummary();
      summary.mergeState(state);
      turns.shift()?.({ ...rest, summary });
    });
    // What a thread cannot do is done without it, and fails where it is asked for.
    const leave = (): void => {
      for (const resolve of turns) resolve(undefined);
    };
    this.#worker.on('error', leave).on('exit', leave);
    for (const part of apart) this.#worker.postMessage(part, []);
  }

  /** What was found in a file; undefined for one that is not scanned ahead. */
  async take({ file }: Pick<Part, 'file'>): Promise<Scanned | undefined> {
    return this.#found.get(file);
  }

  close(): void {
    void this.#worker?.terminate();
  }
}
