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

/** A command that runs, whoever started it. */
export interface Attached {
  /** What it is, for people: `process group 4711`. */
  readonly shown: string;
  /** Settles when nothing of the command runs any more. */
  readonly ended: Promise<void>;
  /** Ends the command and everything it started: SIGTERM (or the given signal), after the grace period SIGKILL. */
  cancel(signal?: NodeJS.Signals): Promise<void>;
}

export interface Execution {
  /** Names the command to `attach`, in another process too, for as long as it runs. */
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
  /** What all commands together may take; what is left out is not counted. */
  capacity(): Resources;
  start(spec: CommandSpec): Execution;
  /**
   * The command of an id that an execution of this kind had, perhaps in a process that is gone. Undefined when
   * nothing of it runs any more, or the id never was one.
   */
  attach(id: string): Attached | undefined;
}
