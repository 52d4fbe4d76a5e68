import type { ErrorCode } from '../../base/index.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Whose flags, texts and exit codes rule a verb; see "Whose verb is it" in docs/architecture.md. */
export type Owner = 'dvc' | 'mlflow' | 'mlops';

/** What shell completion offers for a value. */
export type Completes =
  | 'path'
  | 'stage'
  | 'target'
  | 'remote'
  | 'model'
  | 'run'
  | 'experiment'
  | 'template'
  | 'revision'
  | 'version'
  | 'param'
  | 'plot-template'
  | 'topic'
  | 'error';

export interface FlagSpec {
  /** Long name without dashes: `force`. Read back under this name. */
  readonly name: string;
  /** Single letter without the dash. */
  readonly short?: string;
  /** Further long names: `dry-run` for `dry`. */
  readonly aliases?: readonly string[];
  /** Placeholder of the value (`NAME`); without it the flag is a switch. */
  readonly value?: string;
  /** The value may be left out (`--untracked-files[=all]`); then the flag reads as ''. */
  readonly optionalValue?: boolean;
  /** `each`: may be given several times. `many`: takes all words up to the next flag (argparse's nargs). */
  readonly repeat?: 'each' | 'many';
  /** Only these values. */
  readonly choices?: readonly string[];
  /** Value is a whole number. */
  readonly integer?: boolean;
  /** There is a `--no-NAME` too; reads as false then, undefined when neither was given. */
  readonly negatable?: boolean;
  readonly summary: string;
  readonly default?: string;
  /** Environment variable that gives the value where the flag is absent. */
  readonly env?: string;
  readonly hidden?: boolean;
  /** A flag that DVC's verb lacks: no beginning of it stands for it, since that may stand for one of DVC's. */
  readonly ours?: boolean;
  readonly completes?: Completes;
}

export interface ArgSpec {
  readonly name: string;
  readonly summary: string;
  readonly optional?: boolean;
  readonly variadic?: boolean;
  readonly completes?: Completes;
  readonly choices?: readonly string[];
}

/** One command as data: help, completion, docs/cli.md and the parser are made from it. */
export interface Command {
  /** The words after `mlops`: `add`, `remote add`, `runs artifacts list`. */
  readonly name: string;
  /** Other spellings DVC has: `ls` for `list`. */
  readonly aliases?: readonly string[];
  readonly owner: Owner;
  /** One line, imperative, without a full stop. */
  readonly summary: string;
  /** Further paragraphs of the help. */
  readonly description?: string;
  /** What to type, and what it does. The first is the most common use. */
  readonly examples: readonly (readonly [command: string, does: string])[];
  readonly args?: readonly ArgSpec[];
  readonly flags?: readonly FlagSpec[];
  /** Words after a bare `--` are handed over as `rest` (`mlops run -- COMMAND`). */
  readonly passthrough?: boolean;
  /** From the first argument on, words that look like flags are arguments too (`stage add ... COMMAND -x`). */
  readonly rawTail?: boolean;
  /** Documented exit statuses besides 0 and those of the owner. */
  readonly exits?: Readonly<Record<number, string>>;
  /** Exit status when the verb itself fails, where DVC has another one than 255 (add, push, commit...: 1). */
  readonly failure?: number;
  readonly hidden?: boolean;
  /** Takes a while: `--json` prints what happens as it happens, a line of JSON per event (docs/json.md). */
  readonly stream?: boolean;
  /** Does the work; returns the exit status (0 when it returns nothing). Errors are thrown. */
  run(input: Input, terminal: Terminal): Promise<number | void> | number | void;
}

/** What a command module exports as `verb`: one command, or a word with sub-commands (`remote add`). */
export type Verb = Command | { readonly name: string; readonly summary: string; readonly commands: readonly Command[] };

/** The parsed command line of one command. */
export interface Input {
  /** Positional arguments in order; variadic ones flattened at the end. */
  readonly args: readonly string[];
  /** Words after `--` of a `passthrough` command. */
  readonly rest: readonly string[];
  /** True when the switch was given. */
  on(flag: string): boolean;
  /** For `negatable` flags: true, false, or undefined when not given. */
  choice(flag: string): boolean | undefined;
  /** The value, its environment variable, its default, or undefined. */
  text(flag: string): string | undefined;
  /** As `text`, as a whole number. */
  number(flag: string): number | undefined;
  /** All values of a repeated flag; empty when not given. */
  list(flag: string): readonly string[];
  given(flag: string): boolean;
}

/** Exit statuses of DVC by error code, for verbs that it owns; everything else is its 255. */
export const dvcExitStatus: Partial<Record<ErrorCode, number>> = {
  bad_config: 251,
  interrupted: 252,
  not_a_project: 253,
  usage: 254,
  special_file: 255,
};
