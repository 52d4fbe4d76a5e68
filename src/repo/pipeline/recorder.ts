import type { PyMap } from '../../base/index.ts';
import type { Stage } from '../../project/index.ts';

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
  /** What the stage makes, and may let grow while it runs. */
  readonly outs: readonly StageOut[];
  /** The `dvclive` folder of its working directory (absolute), where no stage has it, or something in it, as an output. */
  readonly dvclive: string | undefined;
}

export interface StageOut {
  /** Absolute; a file or a folder, which need not be there yet. */
  readonly path: string;
  /** True for metrics and plots. */
  readonly report: boolean;
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
  /** Something may be about to run: what takes time can be started beside other work. */
  prepare(): void;
  begin(start: RunStart): Promise<void>;
  stage(start: StageStart): Promise<StageRecorder>;
  /** @param stages all stages of the project as they are now. */
  end(status: 'finished' | 'failed' | 'killed', stages: readonly Stage[]): Promise<{ runId: string } | undefined>;
}

/** The recorder that writes nothing: `--no-record`, `--dry`. */
export const noRecorder: Recorder = {
  prepare: () => undefined,
  begin: async () => undefined,
  stage: async () => ({ env: {}, metric: () => undefined, end: async () => undefined }),
  end: async () => undefined,
};
