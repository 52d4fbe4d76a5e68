import * as path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable, type Readable } from 'node:stream';
import type { ReadStream } from 'node:tty';

import { createLogger, isSystemError, MlopsError, type Logger, type LogLevel } from '../../base/index.ts';
import type { Terminal } from './terminal.ts';
import { escapeControls, shown } from './escape.ts';
import { chooseByKeys } from './choose.ts';
import { ProgressLine } from './progress-line.ts';
import { createStyle, wantsColor } from './style.ts';

type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/** The process as `main` sees it; tests hand in their own. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Called by a link of the name `dvc` (an editor's `dvc.dvcPath`): say what DVC says, and nothing besides. */
  readonly asDvc: boolean;
}

/** The flags of every command that a terminal obeys. */
export interface TerminalFlags {
  readonly quiet: boolean;
  readonly verbosity: number;
  readonly cd: string | undefined;
  readonly color: 'auto' | 'always' | 'never';
  /** --yes: answer every question with yes. */
  readonly yes: boolean;
  /** --no-input: ask nothing; what cannot be done without an answer is not done. */
  readonly noInput: boolean;
  /** --no-pager: print long tables as they are. */
  readonly noPager: boolean;
  /** --wait-for-lock, which DVC has before the verb. */
  readonly waitForLock: boolean;
  /** --debug: show the stack of every error. */
  readonly debug: boolean;
}

export async function createTerminal(flags: TerminalFlags, streams: Streams): Promise<Terminal> {
  const { stdin, stdout, stderr, env } = streams;
  const stdoutIsTty = stdout.isTTY === true;
  const stderrIsTty = stderr.isTTY === true;
  const inCi = (env['CI'] ?? '') !== '' && env['CI'] !== 'false';
  const style = await createStyle(wantsColor(flags.color, stdoutIsTty && stderrIsTty, env));
  const line = new ProgressLine(
    (text) => stderr.write(text),
    () => stderr.columns || 80,
  );
  const showsProgress = stderrIsTty && !inCi && !flags.quiet && env['TERM'] !== 'dumb';
  const say = (text: string): void => {
    line.clear();
    stderr.write(`${shown(text, stderrIsTty)}\n`);
  };
  const log = createLogger(levelOf(flags, env), (level, message) => say(style.dim(`${level}: ${message}`)));
  const trace =
    log.level === 'info' || log.level === 'debug' || log.level === 'trace' ? await startTrace(log) : undefined;
  return {
    cwd: workingDirectory(flags, streams),
    env,
    signal: streams.signal,
    log,
    asDvc: streams.asDvc,
    quiet: flags.quiet,
    verbosity: flags.verbosity,
    debug: flags.debug,
    noPager: flags.noPager,
    waitForLock: flags.waitForLock,
    stdoutIsTty,
    stderrIsTty,
    columns: stdoutIsTty ? stdout.columns || 80 : Infinity,
    style,
    print: (text = '') => {
      line.clear();
      stdout.write(`${shown(text, stdoutIsTty)}\n`);
    },
    write: (text) => {
      line.clear();
      stdout.write(typeof text === 'string' ? shown(text, stdoutIsTty) : text);
    },
    writeError: (text) => {
      line.clear();
      stderr.write(text);
    },
    errorSize: () => ({ columns: stderr.columns || 80, rows: stderr.rows || 24 }),
    json: (value) => {
      line.clear();
      const text = JSON.stringify(value, undefined, stdoutIsTty ? 2 : undefined);
      stdout.write(`${stdoutIsTty ? escapeControls(text) : text}\n`);
    },
    jsonLine: (value) => {
      line.clear();
      const text = JSON.stringify(value);
      stdout.write(`${stdoutIsTty ? escapeControls(text) : text}\n`);
    },
    event: () => undefined,
    note: (text) => {
      if (!flags.quiet && !streams.asDvc) say(text);
    },
    warn: (text) => say(`${style.yellow('WARNING')}: ${text}`),
    error: say,
    next: (...lines) => {
      if (flags.quiet || streams.asDvc || inCi || !stderrIsTty) return;
      for (const text of lines) say(style.dim(text));
    },
    progress: (progress) => {
      trace?.progress(progress);
      if (showsProgress) line.update(progress);
    },
    clearProgress: () => {
      trace?.end();
      line.clear();
    },
    spin: (text, work) => (showsProgress ? spin(escapeControls(text), work, stderr) : work),
    confirmAnywhere: async (question) =>
      flags.yes ||
      (!flags.noInput &&
        (await askAnywhere(question, stdin, stdin.isTTY === true && stderrIsTty ? stderr : stdout, streams.signal))),
    askSecret: async (what) => {
      if (stdin.isTTY === true && stderrIsTty && !flags.noInput) {
        stderr.write(`${escapeControls(what)} (not shown): `);
        const answer = await ask('', stdin, new Silence(), streams.signal);
        stderr.write('\n');
        return answer;
      }
      throw new MlopsError('confirmation_needed', `There is no terminal to ask for the ${what} on.`, {
        hint: 'give it by --value-stdin, --value-file or --value-env',
      });
    },
    choose: async (question, choices, fallback = '') => {
      const first = choices[0]?.value ?? fallback;
      if (flags.yes || flags.noInput || stdin.isTTY !== true || !stderrIsTty) return first;
      if (choices.length > 0)
        return chooseByKeys(question, choices, stdin as ReadStream, stderr, style, streams.signal);
      const answer = await ask(`${style.bold(escapeControls(question))} `, stdin, stderr, streams.signal);
      return answer.trim() === '' ? fallback : answer.trim();
    },
    confirm: async (question, options = {}) => {
      if (flags.yes) return true;
      if (stdin.isTTY === true && stderrIsTty && !flags.noInput)
        return agree(question, options.name, stdin, stderr, streams.signal);
      if (options.must !== true) return false;
      throw new MlopsError('confirmation_needed', `${question} There is no terminal to ask on.`, {
        hint: 'say yes beforehand with --yes',
      });
    },
  };
}

function levelOf(flags: TerminalFlags, env: Streams['env']): LogLevel {
  const named = env['MLOPS_LOG'];
  if (named === 'error' || named === 'warn' || named === 'info' || named === 'debug' || named === 'trace') return named;
  if (flags.quiet) return 'error';
  return (['warn', 'info', 'debug'] as const)[flags.verbosity] ?? 'trace';
}

async function startTrace(log: Logger) {
  const { traceRequests, traceWork } = await import('./trace.ts');
  if (log.level !== 'info') traceRequests(log);
  return traceWork(log);
}

function workingDirectory(flags: TerminalFlags, streams: Streams): string {
  return flags.cd === undefined ? streams.cwd : path.resolve(streams.cwd, flags.cd);
}

/** A spinner for waits that have no count (a clone, a server that starts), shown after 0.3 s. */
async function spin<T>(text: string, work: Promise<T>, stream: Writable): Promise<T> {
  const early = await Promise.race([
    work.then(() => true),
    new Promise<false>((resolve) => setTimeout(resolve, 300, false).unref()),
  ]);
  if (early) return work;
  const { default: ora } = await import('ora');
  const spinner = ora({ text, stream: stream as NodeJS.WriteStream, discardStdin: false }).start();
  try {
    return await work;
  } finally {
    spinner.stop();
  }
}

/** As DVC's `ui.confirm`: answers also come through a pipe, until one is understood; without one it is no. */
async function askAnywhere(question: string, input: Readable, output: Writable, signal: AbortSignal): Promise<boolean> {
  const prompt = `${escapeControls(question)} [y/n]: `;
  const reader = createInterface({ input, signal });
  try {
    output.write(prompt);
    for await (const line of reader) {
      const answer = line.toLowerCase();
      if (/^(y|yes|n|no)$/.test(answer)) return answer.startsWith('y');
      output.write(`Your response must be one of: ['yes', 'no', 'y', 'n']. Please try again.\n${prompt}`);
    }
    if (signal.aborted) throw signal.reason;
    return false;
  } finally {
    reader.close();
  }
}

/** Where the echo of what is typed goes. */
class Silence extends Writable {
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

async function agree(
  question: string,
  name: string | undefined,
  input: Readable,
  output: Writable,
  signal: AbortSignal,
): Promise<boolean> {
  const how = name === undefined ? '[y/n]' : `Type ${name} to say yes`;
  const answer = (await ask(`${escapeControls(`${question} ${how}`)}: `, input, output, signal)).trim();
  return name === undefined ? /^y(es)?$/i.test(answer) : answer === name;
}

async function ask(question: string, input: Readable, output: Writable, signal: AbortSignal): Promise<string> {
  // Only as a terminal does it leave the echo to `output`.
  const reader = createInterface({ input, output, ...(output instanceof Silence ? { terminal: true } : {}) });
  try {
    return await reader.question(question, { signal });
  } catch (error) {
    if (isSystemError(error, 'ABORT_ERR')) throw signal.reason;
    throw error;
  } finally {
    reader.close();
  }
}
