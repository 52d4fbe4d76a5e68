import { bucketStarts, type BucketKind } from './buckets.ts';
import type { Entry } from './entry.ts';
import { SummaryBuilder, type Summary } from './summary.ts';

export interface Selection {
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  /** Milliseconds since the epoch: from here on, and before there. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

export function isSelected(entry: Entry, { model, version, since, until }: Selection): boolean {
  return (
    (model === undefined || entry.model === model) &&
    (version === undefined || entry.version === version) &&
    (since === undefined || entry.at >= since) &&
    (until === undefined || entry.at < until)
  );
}

export interface ModelStats extends Summary {
  readonly model: string;
  /** By the ISO time of their start; empty unless asked for. */
  readonly buckets: Readonly<Record<string, Summary>>;
  readonly versions: Readonly<Record<string, Summary>>;
}

export interface StatsOptions extends Selection {
  readonly by?: BucketKind | 'version' | undefined;
  readonly zone?: string | undefined;
}

/** Statistics of the predictions, a model each, by name. An id that comes twice counts once. */
export async function statsOf(entries: AsyncIterable<Entry>, options: StatsOptions = {}): Promise<ModelStats[]> {
  const { by } = options;
  const start = by === undefined || by === 'version' ? undefined : bucketStarts(by, options.zone);
  const models = new Map<string, Gathered>();
  const seen = new Set<string>();
  for await (const entry of entries) {
    if (!isSelected(entry, options) || seen.has(entry.id)) continue;
    seen.add(entry.id);
    const model = grown(models, entry.model, () => new Gathered());
    model.all.add(entry);
    if (entry.version !== undefined) grown(model.versions, entry.version, () => new SummaryBuilder()).add(entry);
    if (start !== undefined) grown(model.buckets, start(entry.at), () => new SummaryBuilder()).add(entry);
  }
  return byName(models).map(([model, { all, buckets, versions }]) => ({
    model,
    ...all.finish(),
    buckets: finished(buckets),
    versions: finished(versions),
  }));
}

class Gathered {
  readonly all = new SummaryBuilder();
  readonly buckets = new Map<string, SummaryBuilder>();
  readonly versions = new Map<string, SummaryBuilder>();
}

function grown<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

export function byName<Value>(map: ReadonlyMap<string, Value>): [string, Value][] {
  return [...map].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
}

/** Summaries by name, in its order. */
export function finished(builders: ReadonlyMap<string, SummaryBuilder>): Record<string, Summary> {
  return Object.fromEntries(byName(builders).map(([key, builder]) => [key, builder.finish()]));
}
