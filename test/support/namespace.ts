/**
 * Small and read-only file systems for tests, without being root: a user and mount namespace of its own
 * (`unshare -rm`), kept open by one sleeping process. Inside, whoever runs the test may mount.
 */
import { spawn, spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { onTestFinished } from 'vitest';
import { cleanEnv, mlopsBin, type Outcome } from '../cli.ts';

export interface Namespace {
  /** The arguments of `nsenter` that run a program inside, in a folder as it is seen inside. */
  words(cwd: string, program: string, args: readonly string[]): readonly string[];
  /** Runs a program inside, in a folder as it is seen inside. */
  command(cwd: string, program: string, args: readonly string[]): Outcome;
  mlops(cwd: string, args: readonly string[]): Outcome;
  /** A fresh file system of this many MiB over a folder; what was in the folder is hidden. */
  mountSmall(folder: string, mebibytes: number): void;
  resize(folder: string, mebibytes: number): void;
  /** From here on nothing below the folder can be changed, not by root either. */
  makeReadOnly(folder: string): void;
  makeWritable(folder: string): void;
  /** Where a folder of the inside is found from outside. */
  outside(folder: string): string;
}

/** Whether this machine lets us have one. */
export function namespacesWork(): boolean {
  const script = 'mount -t tmpfs -o size=1m none /tmp && nsenter --version';
  return spawnSync('unshare', ['-rm', 'sh', '-c', script], { stdio: 'ignore' }).status === 0;
}

export async function openNamespace(): Promise<Namespace> {
  const holder = spawn('unshare', ['-rm', 'sh', '-c', 'echo ready; exec sleep 900'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void holder.kill('SIGKILL'));
  await new Promise((resolve, reject) => {
    holder.stdout.once('data', resolve);
    holder.once('error', reject);
    holder.once('exit', () => reject(new Error('no namespace')));
  });
  const enter = ['-t', String(holder.pid), '-U', '-m', '--preserve-credentials', '--'];
  // nsenter's own --wd would open the folder as it is outside.
  const inFolder = ['sh', '-c', 'cd "$0" && exec "$@"'];
  const own: Namespace = {
    words: (cwd, program, args) => [...enter, ...inFolder, cwd, program, ...args],
    command(cwd, program, args) {
      const env = cleanEnv(path.join(path.dirname(cwd), 'home'));
      const result = spawnSync('nsenter', own.words(cwd, program, args), {
        env,
        encoding: 'utf8',
        timeout: 240_000,
        maxBuffer: 1 << 26,
      });
      return { status: result.status, stdout: result.stdout, stderr: result.stderr + (result.error?.message ?? '') };
    },
    mlops: (cwd, args) => own.command(cwd, process.execPath, [mlopsBin, ...args]),
    mountSmall: (folder, mebibytes) => mount('-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'none', folder),
    resize: (folder, mebibytes) => mount('-o', `remount,size=${mebibytes}m`, folder),
    makeReadOnly(folder) {
      mount('--bind', folder, folder);
      mount('-o', 'remount,ro,bind', folder);
    },
    makeWritable: (folder) => run('umount', [folder]),
    outside: (folder) => `/proc/${holder.pid}/root${folder}`,
  };
  const run = (program: string, args: readonly string[]): void => {
    const result = own.command('/', program, args);
    if (result.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${result.stderr}`);
  };
  const mount = (...args: string[]): void => run('mount', args);
  return own;
}
