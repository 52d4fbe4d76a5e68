import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

export const root: string = path.dirname(import.meta.dirname);
export const mlopsBin: string = path.join(root, 'bin/mlops.js');

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of a person without settings of their own: no global Git or DVC configuration. */
export function cleanEnv(
  home: string,
  extra: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const kept = ['PATH', 'LANG', 'TMPDIR', 'PYTHONHASHSEED'].map((name) => [name, process.env[name]] as const);
  const env: Record<string, string | undefined> = {
    ...Object.fromEntries(kept),
    HOME: home,
    XDG_CONFIG_HOME: path.join(home, '.config'),
    XDG_CONFIG_DIRS: path.join(home, '.xdg'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Test',
    GIT_AUTHOR_EMAIL: 'test@example.invalid',
    GIT_COMMITTER_NAME: 'Test',
    GIT_COMMITTER_EMAIL: 'test@example.invalid',
    DVC_NO_ANALYTICS: '1',
    DVC_SITE_CACHE_DIR: path.join(home, 'dvc-site'),
    SHELL: '/bin/bash',
    ...extra,
  };
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** A fresh folder (with a `home` beside it) that goes away after the test. */
export function temporaryFolder(prefix = 'mlops-test-'): string {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), prefix)));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs the built command line in a folder, as a person would. */
export function mlops(
  cwd: string,
  args: readonly string[],
  options: { env?: Record<string, string | undefined>; input?: string; timeout?: number } = {},
): Outcome {
  const env = cleanEnv(path.join(path.dirname(cwd), 'home'), options.env);
  const result = spawnSync(process.execPath, [mlopsBin, ...args], {
    cwd,
    env,
    encoding: 'utf8',
    input: options.input ?? '',
    timeout: options.timeout ?? 60_000,
    maxBuffer: 1 << 28,
  });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** The same with any other program. */
export function command(
  cwd: string,
  program: string,
  args: readonly string[],
  options: { env?: Record<string, string | undefined> } = {},
): Outcome {
  const env = cleanEnv(path.join(path.dirname(cwd), 'home'), options.env);
  const result = spawnSync(program, args, { cwd, env, encoding: 'utf8', timeout: 120_000, maxBuffer: 1 << 28 });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr + (result.error?.message ?? '') };
}

/** Starts the command line and gives it back while it runs; ended by pid after the test if still there. */
export function startMlops(cwd: string, args: readonly string[], env: Record<string, string | undefined> = {}) {
  const child = spawn(process.execPath, [mlopsBin, ...args], {
    cwd,
    env: cleanEnv(path.join(path.dirname(cwd), 'home'), env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const ended = new Promise<{ status: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.on('close', (status, signal) => resolve({ status, signal })),
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, output, ended };
}

/** The address that a started `server` or `serve` tells once it listens; waits for a minute. */
export async function urlOf({ child, output }: ReturnType<typeof startMlops>): Promise<string> {
  for (let tries = 0; tries < 1_200; tries++) {
    const url = / on (http:\/\/[\d.]+:\d+)/.exec(output.stderr)?.[1];
    if (url !== undefined) return url;
    if (child.exitCode !== null) break;
    await delay(50);
  }
  throw new Error(`the server did not start: ${output.stderr}`);
}

/** An empty project folder inside a temporary folder, with Git and `mlops init` done. */
export function freshProject(): string {
  const folder = path.join(temporaryFolder(), 'project');
  fs.mkdirSync(folder);
  command(folder, 'git', ['init', '-q', '-b', 'main']);
  const made = mlops(folder, ['init', '-q']);
  if (made.status !== 0) throw new Error(made.stderr);
  return folder;
}
