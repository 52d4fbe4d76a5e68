import type { ModelStats, Selection } from '../stats.ts';
import { byName, finished } from '../stats.ts';
import { SummaryBuilder, type SummaryState } from '../summary.ts';

/** The summary of predictions in JSON: one for each model and version. */
export type LogState = readonly {
  readonly model: string;
  readonly version?: string | undefined;
  readonly summary: SummaryState;
}[];

/** Summaries of predictions by model and version. Two of them merge. */
export class LogSummary {
  readonly #models = new Map<string, Map<string | undefined, SummaryBuilder>>();

  of(model: string, version: string | undefined): SummaryBuilder {
    let versions = this.#models.get(model);
    if (versions === undefined) this.#models.set(model, (versions = new Map()));
    let summary = versions.get(version);
    if (summary === undefined) versions.set(version, (summary = new SummaryBuilder()));
    return summary;
  }

  merge(other: LogSummary): void {
    for (const [model, versions] of other.#models)
      for (const [version, summary] of versions) this.of(model, version).merge(summary);
  }

  mergeState(state: LogState): void {
    for (const { model, version, summary } of state) this.of(model, version).mergeState(summary);
  }

  toState(): LogState {
    return [...this.#models].flatMap(([model, versions]) =>
      [...versions].map(([version, summary]) => ({ model, version, summary: summary.toState() })),
    );
  }

  stats({ model: only, version: onlyVersion }: Pick<Selection, 'model' | 'version'>): ModelStats[] {
    const found: ModelStats[] = [];
    for (const [model, versions] of byName(this.#models)) {
      if (only !== undefined && model !== only) continue;
      const named = new Map<string, SummaryBuilder>();
      const all = new SummaryBuilder();
      let some = false;
      for (const [version, summary] of versions) {
        if (onlyVersion !== undefined && version !== onlyVersion) continue;
        some = true;
        all.merge(summary);
        if (version !== undefined) named.set(version, summary);
      }
      if (some) found.push({ model, ...all.finish(), buckets: {}, versions: finished(named) });
    }
    return found;
  }
}
