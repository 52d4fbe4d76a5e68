import type { PyMap } from '../base/index.ts';

/** What a `repro` is about to do, told once before the first stage that runs. */
export interface RunStart {
  readonly command: string;
  readonly stages: readonly string[];
  readonly startedAt: number;
}

/** A dep or out as recorded: referenced by hash and path, never copied. */
export interface Lineage {
  readonly path: string;
  readonly role: 'dep' | 'out' | 'metric' | 'plot';
  readonly md5: string | undefined;
  readonly size: number | undefined;
}

export interface StageStart {
  readonly stage: string;
  readonly command: string;
  readonly cwd: string;
  readonly startedAt: number;
  /** Metric and plot files (absolute) that may grow while the stage runs. */
  readonly liveFiles: readonly string[];
}

export interface StageEnd {
  readonly status: 'ran' | 'cached' | 'failed' | 'killed';
  readonly endedAt: number;
  /** Per parameter file: key to value, as in dvc.lock. */
  readonly params: ReadonlyMap<string, PyMap>;
  readonly lineage: readonly Lineage[];
  /** Absolute paths of metric and plot files, small and worth copying. */
  readonly reports: readonly string[];
  /** The last lines of the stage's output, at most some kilobytes. */
  readonly logTail: string;
  readonly exitCode?: number | null;
}

export interface StageRecorder {
  /** Environment to add to the stage's commands (tracking endpoint, MLOPS_RUN_ID). */
  readonly env: Readonly<Record<string, string>>;
  metric(key: string, value: number, step: number, timestamp: number): void;
  end(end: StageEnd): Promise<void>;
}

/**
 * Port: writes down what a repro does. Kinds: `noRecorder` here, the tracking store in `app`.
 * Duties: a failure to record never fails the stage (the kind reports it through its own channel);
 * `begin` is called only when something will run; stages may be recorded concurrently.
 */
export interface Recorder {
  begin(start: RunStart): Promise<void>;
  stage(start: StageStart): Promise<StageRecorder>;
  end(status: 'finished' | 'failed' | 'killed'): Promise<{ runId: string } | undefined>;
}

/** The recorder that writes nothing: `--no-record`, `--dry`. */
export const noRecorder: Recorder = {
  begin: async () => undefined,
  stage: async () => ({ env: {}, metric: () => undefined, end: async () => undefined }),
  end: async () => undefined,
};
