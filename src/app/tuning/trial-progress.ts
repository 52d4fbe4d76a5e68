import * as path from 'node:path';

import type { Metric } from '../../mlflow/index.ts';
import { LiveMetrics } from '../recording/live-metrics.ts';
import { cleanKey } from '../recording/report-metrics.ts';
import { nameOf, type MetricSource, type TuneSettings } from './settings.ts';

/** How often a file is looked at, in milliseconds. */
const lookEvery = 200;

/**
 * The intermediate values of a trial, in the order in which they come, each step once: from its output, from what it
 * logs, or from a file that it writes.
 */
export class Progress {
  readonly #source: MetricSource;
  readonly #report: (step: number, value: number) => Promise<boolean>;
  readonly #onPrune: (step: number) => void;
  #live: LiveMetrics | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #seen = new Set<number>();
  #turn: Promise<void> = Promise.resolve();
  #pruned = false;

  constructor(
    settings: TuneSettings,
    report: (step: number, value: number) => Promise<boolean>,
    onPrune: (step: number) => void,
  ) {
    const [objective] = settings.objectives;
    this.#source = settings.progress?.source ?? objective?.source ?? { kind: 'tracking', key: '' };
    this.#report = report;
    this.#onPrune = onPrune;
  }

  /** A pruner has spoken. */
  get pruned(): boolean {
    return this.#pruned;
  }

  /** @param root where the trial runs. */
  begin(root: string): void {
    if (this.#source.kind !== 'file') return;
    const file = path.join(root, this.#source.file);
    const key = cleanKey(nameOf(this.#source));
    this.#live = new LiveMetrics({
      outs: [{ path: file, report: true }],
      folders: [],
      onPoints: (points) => {
        for (const point of points) if (point.key === key) this.#put(point.step, point.value);
      },
    });
    this.#timer = setInterval(() => this.#live?.look(), lookEvery);
    this.#timer.unref();
  }

  logged({ key, value, step }: Metric): void {
    if (this.#source.kind === 'tracking' && key === this.#source.key) this.#put(step, value);
  }

  /** Numbers of a line of output; a step among them is theirs, else they are counted. */
  printed(told: readonly (readonly [key: string, value: number])[]): void {
    if (this.#source.kind !== 'stdout') return;
    const value = told.find(([key]) => key === this.#source.key)?.[1];
    const step = told.find(([key]) => /^(?:step|epoch|iteration)$/i.test(key))?.[1];
    if (value !== undefined) this.#put(step ?? this.#seen.size, value);
  }

  /** Waits until all that came was reported. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#live?.look(true);
    await this.#turn;
  }

  #put(step: number, value: number): void {
    if (this.#seen.has(step) || !Number.isSafeInteger(step) || step < 0) return;
    this.#seen.add(step);
    this.#turn = this.#tell(this.#turn, step, value);
  }

  async #tell(before: Promise<void>, step: number, value: number): Promise<void> {
    await before;
    // What comes after the pruner's word is not looked at, so that a slow machine decides as a fast one.
    if (this.#pruned || !(await this.#report(step, value))) return;
    this.#pruned = true;
    this.#onPrune(step);
  }
}
