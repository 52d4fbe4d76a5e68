export interface CommandSpec {
  /** Program and arguments, started without a shell. */
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** The whole environment; nothing is inherited besides. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `inherit` gives the command the terminal; `pipe` streams its output to `onOutput`. */
  readonly output: 'inherit' | 'pipe';
  readonly onOutput?: (chunk: Uint8Array, stream: 'stdout' | 'stderr') => void;
  readonly resources?: Resources;
}

export interface Resources {
  readonly cpus?: number;
  readonly gpus?: number;
  readonly memoryBytes?: number;
}

export interface CommandResult {
  /** Exit code, or null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly startedAt: number;
  readonly endedAt: number;
  /** True when the command ended but left processes of its group running. */
  readonly background?: boolean;
}

export interface Execution {
  /** Process id for local kinds, a job id otherwise. */
  readonly id: string;
  /** Settles when the command and its output have ended; never rejects for a command's own failure. */
  readonly done: Promise<CommandResult>;
  /** Ends the command and everything it started: SIGTERM (or the given signal), after the grace period SIGKILL. */
  cancel(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Port: runs one command. Kinds: local processes; later Ray and Slurm.
 * `start` throws `program_missing` when the program cannot be started.
 */
export interface Executor {
  readonly kind: string;
  start(spec: CommandSpec): Execution;
}
