import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';

import { isSystemError, MlopsError } from '../base/index.ts';

export interface GitResult {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface GitCall {
  /** Bytes for git's standard input. */
  readonly input?: string | Uint8Array;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Exit statuses that are answers rather than failures. Default: only 0. */
  readonly accept?: readonly number[];
}

/** Output of one call: a full `ls-tree` of a million files is about 100 MB. */
const maxBuffer = 4 * 1024 ** 3;

/**
 * Runs git once in a directory and waits for it. A plain spawn costs about 2 ms, which is why nothing
 * here goes through a library.
 *
 * @throws MlopsError `program_missing` without git on the PATH, `git_failed` with git's own message.
 */
export function runGit(cwd: string, args: readonly string[], call: GitCall = {}): GitResult {
  const result = spawnSync('git', args, {
    cwd,
    maxBuffer,
    env: environment(call),
    ...(call.input === undefined ? { stdio: ['ignore', 'pipe', 'pipe'] } : { input: call.input }),
  });
  if (result.error !== undefined) throw spawnFailure(result.error, cwd);
  return checked(args, call, {
    status: result.status ?? 128,
    stdout: result.stdout,
    stderr: result.stderr.toString('utf8'),
  });
}

/** As `runGit`, beside other work: for answers that are needed later. */
export function startGit(cwd: string, args: readonly string[], call: GitCall = {}): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, { cwd, env: environment(call), stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (error) => reject(spawnFailure(error, cwd)));
    child.on('close', (code) => {
      const result = {
        status: code ?? 128,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString('utf8'),
      };
      try {
        resolve(checked(args, call, result));
      } catch (error) {
        reject(error);
      }
    });
    // A git that ends before it read everything says why by its status.
    child.stdin.on('error', () => undefined);
    child.stdin.end(call.input ?? '');
  });
}

/**
 * Environment for a git that may stand anywhere: a folder of a clone can be made to look like a bare repository, whose
 * config would name programs. Needs Git 2.38; older ones do not look at it.
 */
export function onlyOwnRepositories(): Readonly<Record<string, string>> {
  const count = Number(process.env['GIT_CONFIG_COUNT'] ?? '0');
  return {
    GIT_CONFIG_COUNT: String(count + 1),
    [`GIT_CONFIG_KEY_${count}`]: 'safe.bareRepository',
    [`GIT_CONFIG_VALUE_${count}`]: 'explicit',
  };
}

function environment(call: GitCall): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', ...call.env };
}

function checked(args: readonly string[], call: GitCall, result: GitResult): GitResult {
  if (!(call.accept ?? [0]).includes(result.status)) throw gitFailure(args, result.status, result.stderr);
  return result;
}

/** The standard output of a call as text without its final newline. */
export function gitText(cwd: string, args: readonly string[], call: GitCall = {}): string {
  return runGit(cwd, args, call).stdout.toString('utf8').replace(/\n$/, '');
}

/** Splits the output of a `-z` option. */
export function splitNul(output: Buffer): string[] {
  const parts = output.toString('utf8').split('\0');
  if (parts.at(-1) === '') parts.pop();
  return parts;
}

function spawnFailure(error: Error, cwd: string): Error {
  // Node says ENOENT as well when the working directory does not exist.
  if (!isSystemError(error, 'ENOENT') || !fs.existsSync(cwd)) return error;
  return new MlopsError('program_missing', 'git is not on the PATH', {
    hint: 'install Git (https://git-scm.com/downloads), or work without it: `mlops init --no-scm`',
    cause: error,
  });
}

function gitFailure(args: readonly string[], status: number, stderr: string): MlopsError {
  const message = stderr.trim().replace(/^fatal: /, '');
  const shown = message === '' ? `exit status ${status}` : message;
  if (/not a git repository/.test(stderr)) {
    return new MlopsError('not_a_git_repo', shown, { hint: 'run `git init` first' });
  }
  return new MlopsError('git_failed', `git ${args[0] ?? ''}: ${shown}`, { data: { status } });
}
