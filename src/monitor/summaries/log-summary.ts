import type { ModelStats, Selection } from '../stats.ts';
import { SummaryBuilder, type Summary, type SummaryState } from '../summary.ts';

/** The summary of predictions in JSON: one for each model, version and bucket. */
export type LogState = readonly {
  readonly model: string;
  readonly version?: string | undefined;
  readonly bucket?: string | undefined;
  readonly summary: SummaryState;
}[];

interface Cell {
  readonly model: string;
  readonly version: string | undefined;
  readonly bucket: string | undefined;
  readonly summary: SummaryBuilder;
}

type ByBucket = Map<string | undefined, Cell>;

/** Summaries of predictions by model, version and bucket. Two of them merge. */
export class LogSummary {
  readonly #models = new Map<string, Map<string | undefined, ByBucket>>();
  #last: Cell | undefined;

  of(model: string, version: string | undefined, bucket?: string): SummaryBuilder {
    const last = this.#last;
    if (last?.model === model && last.version === version && last.bucket === bucket) return last.summary;
    const versions = grown(this.#models, model, () => new Map<string | undefined, ByBucket>());
    const buckets = grown(versions, version, (): ByBucket => new Map());
    this.#last = grown(buckets, bucket, () => ({ model, version, bucket, summary: new SummaryBuilder() }));
    return this.#last.summary;
  }

  merge(other: LogSummary): void {
    for (const { model, version, bucket, summary } of other.#cells()) this.of(model, version, bucket).merge(summary);
  }

  mergeState(state: LogState): void {
    for (const { model, version, bucket, summary } of state) this.of(model, version, bucket).mergeState(summary);
  }

  *#cells(): Generator<Cell> {
    for (const versions of this.#models.values()) for (const buckets of versions.values()) yield* buckets.values();
  }

  toState(): LogState {
    return [...this.#cells()].map(({ summary, ...names }) => ({ ...names, summary: summary.toState() }));
  }

  stats({ model: only, version: onlyVersion }: Pick<Selection, 'model' | 'version'>): ModelStats[] {
    const found: ModelStats[] = [];
    for (const [model, versions] of byName(this.#models)) {
      if (only !== undefined && model !== only) continue;
      const all = new SummaryBuilder();
      const byVersion = new Map<string, SummaryBuilder>();
      const byBucket = new Map<string, SummaryBuilder>();
      for (const [version, cells] of versions) {
        if (onlyVersion !== undefined && version !== onlyVersion) continue;
        for (const { bucket, summary } of cells.values()) {
          all.merge(summary);
          if (version !== undefined) grown(byVersion, version, () => new SummaryBuilder()).merge(summary);
          if (bucket !== undefined) grown(byBucket, bucket, () => new SummaryBuilder()).merge(summary);
        }
      }
      if (all.predictions === 0) continue;
      found.push({ model, ...all.finish(), buckets: finished(byBucket), versions: finished(byVersion) });
    }
    return found;
  }
}

/** The earliest and the latest time of what was summarised. */
export function extentOf(state: LogState): [first: number, last: number] {
  let [first, last] = [Infinity, -Infinity];
  for (const { summary } of state) {
    if (summary.predictions === 0) continue;
    first = Math.min(first, summary.first);
    last = Math.max(last, summary.last);
  }
  return [first, last];
}

function grown<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

function byName<Value>(map: ReadonlyMap<string, Value>): [string, Value][] {
  return [...map].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
}

/** Summaries by name, in its order. */
function finished(builders: ReadonlyMap<string, SummaryBuilder>): Record<string, Summary> {
  return Object.fromEntries(byName(builders).map(([key, builder]) => [key, builder.finish()]));
}
