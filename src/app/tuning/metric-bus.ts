import type { Metric } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';

/**
 * A tracking store that tells what is logged into some runs, and into runs below those: the scripts of trials log
 * through it.
 */
export class MetricBus {
  readonly store: TrackingStore;
  readonly #listeners = new Map<string, (metric: Metric) => void>();
  /** By a run below: the run that is listened to. */
  readonly #owners = new Map<string, string>();

  constructor(store: TrackingStore) {
    this.store = {
      ...store,
      createRun: async (run) => {
        const made = await store.createRun(run);
        const parent = run.tags?.find(({ key }) => key === 'mlflow.parentRunId')?.value;
        if (parent !== undefined) this.#owners.set(made.info.id, this.#owners.get(parent) ?? parent);
        return made;
      },
      logBatch: async (id, batch) => {
        await store.logBatch(id, batch);
        const listener = this.#listeners.get(this.#owners.get(id) ?? id);
        if (listener !== undefined) for (const metric of batch.metrics ?? []) listener(metric);
      },
      // It belongs to whoever opened it.
      close: async () => undefined,
    };
  }

  /** @returns what ends it. */
  listen(runId: string, listener: (metric: Metric) => void): () => void {
    this.#listeners.set(runId, listener);
    return () => void this.#listeners.delete(runId);
  }
}
