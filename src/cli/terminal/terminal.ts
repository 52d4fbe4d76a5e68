import type { Logger, OnProgress } from '../../base/index.ts';

/**
 * The only way a command reaches the outside: what it prints, asks and shows. Data goes to stdout with
 * `print`; everything said to a person goes to stderr by the other methods, so that output can be piped.
 */
export interface Terminal {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C and SIGTERM; long work takes it. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Called by the name `dvc`. */
  readonly asDvc: boolean;
  /** -q was given. */
  readonly quiet: boolean;
  /** 0, 1 (-v), 2 (-vv)... */
  readonly verbosity: number;
  readonly stdoutIsTty: boolean;
  readonly stderrIsTty: boolean;
  /** --no-pager was given. */
  readonly noPager: boolean;
  /** --debug: show stacks of expected errors too. */
  readonly debug: boolean;
  /** --wait-for-lock before the verb: wait for the project's lock without limit. */
  readonly waitForLock: boolean;
  /** Columns to fit tables into; Infinity when not a terminal: nothing is left out for a program. */
  readonly columns: number;
  readonly style: Style;
  /** A line of data on stdout. */
  print(line?: string): void;
  /** Text on stdout, without a newline added; bytes (what commands write) as they are, also on a terminal. */
  write(text: string | Uint8Array): void;
  /** A value as JSON on stdout: pretty on request or on a terminal, one line otherwise. */
  json(value: unknown): void;
  /** A value as JSON in one line: an event of a stream. */
  jsonLine(value: unknown): void;
  /** Something that happened, for `--json` of commands that take a while; silent without it. */
  event(event: { readonly event: string; readonly [fact: string]: unknown }): void;
  /** Text on stderr as it is: what a command of the user's wrote there, and what is drawn over again. */
  writeError(text: string | Uint8Array): void;
  /** Columns and rows of the terminal on stderr; 80 by 24 when it is none. */
  errorSize(): { readonly columns: number; readonly rows: number };
  /** A remark on stderr; silent with -q. */
  note(line: string): void;
  /** A line on stderr, shown even with -q. */
  error(line: string): void;
  /** `WARNING: ...` on stderr. */
  warn(line: string): void;
  /** "what to do next" lines on stderr; only shown to people (TTY, not -q, not CI). */
  next(...lines: string[]): void;
  /** Shows progress on a TTY after 0.3 s: name, count, rate, ETA. Call it as often as you like. */
  readonly progress: OnProgress;
  /** Removes the progress line before other output; done by every method here and at the end by `main`. */
  clearProgress(): void;
  /** Shows a spinner on a TTY while work without a count goes on (a clone, a start). */
  spin<T>(text: string, work: Promise<T>): Promise<T>;
  /** Asks as DVC's gc and destroy do, also where there is no TTY: answers may come through a pipe. */
  confirmAnywhere(question: string): Promise<boolean>;
  /** Asks for a value that is not shown while it is typed. @throws MlopsError `confirmation_needed` without a terminal. */
  askSecret(what: string): Promise<string>;
  /**
   * Lets a person choose by the arrow keys, or type a text where there is nothing to choose from. Without a terminal,
   * with --yes and with --no-input it is the first choice, or `fallback`.
   */
  choose(question: string, choices: readonly Choice[], fallback?: string): Promise<string>;
  /** Asks a yes/no question on a TTY, or to type `name` back where that is given. Without one: false, or throws `confirmation_needed` when `must`. */
  confirm(question: string, options?: { readonly must?: boolean; readonly name?: string }): Promise<boolean>;
}

/** One of several answers, and what a person reads of it. */
export interface Choice {
  readonly value: string;
  readonly about: string;
}

export interface Style {
  readonly enabled: boolean;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  blue(text: string): string;
  cyan(text: string): string;
}
