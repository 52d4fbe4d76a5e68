import type { Direction, Params } from '../../tune/index.ts';

/** Where a number of a trial comes from. */
export type MetricSource =
  /** A key of a metrics file, or its whole content. */
  | { readonly kind: 'file'; readonly file: string; readonly key: string }
  /** A metric that the trial's process logs (`log_metric`). */
  | { readonly kind: 'tracking'; readonly key: string }
  /** `KEY=NUMBER`, `KEY: NUMBER` or JSON with the key, in a line of its output; the last one counts. */
  | { readonly kind: 'stdout'; readonly key: string };

export interface Objective {
  readonly source: MetricSource;
  readonly direction: Direction;
  /** The study is done when a trial is at least this good. */
  readonly target?: number | undefined;
}

/** Holds where the number is at most `max` and at least `min`. */
export interface Constraint {
  readonly source: MetricSource;
  readonly max?: number | undefined;
  readonly min?: number | undefined;
}

export type Job =
  | { readonly kind: 'pipeline'; readonly file: string; readonly targets: readonly string[] }
  | { readonly kind: 'command'; readonly command: string };

/** A study as `tune.yaml` and the flags describe it. Times are milliseconds. */
export interface TuneSettings {
  readonly study: string;
  readonly job: Job;
  readonly objectives: readonly Objective[];
  readonly constraints: readonly Constraint[];
  /** As `tune drive` takes it. */
  readonly space: Readonly<Record<string, unknown>>;
  readonly sampler: Readonly<Record<string, unknown>>;
  readonly pruner: Readonly<Record<string, unknown>> | undefined;
  /** What the pruner sees; the objective where it is not said. */
  readonly progress: { readonly source: MetricSource; readonly step: string | undefined } | undefined;
  readonly trials: number | undefined;
  readonly parallel: number;
  readonly timeout: number | undefined;
  readonly cost: { readonly source: MetricSource; readonly max: number } | undefined;
  /** Stop after so many trials without a better one. */
  readonly noImprovement: number | undefined;
  /** Stop when a model expects no more than this share of what was gained so far. */
  readonly terminator: { readonly after: number; readonly improvement: number } | undefined;
  readonly maxFailed: number | undefined;
  readonly trial: { readonly timeout: number | undefined; readonly retries: number };
  readonly dedupe: boolean;
  readonly enqueue: readonly Params[];
  /** Studies whose trials this one begins with. */
  readonly warmStart: readonly string[];
  /** A search of recorded runs that this study begins with: `experiment = 'x' and metrics.acc > 0.5`. */
  readonly fromRuns: string | undefined;
  /** The file that holds the searched parameters, where they don't name one (`FILE:KEY`). */
  readonly params: string;
  readonly experiment: string | undefined;
  /** What a command writes besides its metrics: it begins without, and never writes through to the workspace. */
  readonly outs: readonly string[];
  /** The trial's run is the one that MLflow's clients log into. */
  readonly join: boolean;
}

/** What a metric is called: its key, or its file's name where it has none. */
export function nameOf(source: MetricSource): string {
  if (source.key !== '') return source.key;
  return source.kind === 'file' ? source.file : source.kind;
}
