import type { BucketKind } from './buckets.ts';
import type { Entry } from './entry.ts';
import type { Summary } from './summary.ts';

/** Milliseconds since the epoch: from here on, and before there. */
export interface Window {
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

export interface Selection extends Window {
  readonly model?: string | undefined;
  readonly version?: string | undefined;
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
