import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, MlopsError } from './error.ts';
import { processIsAlive } from './process-alive.ts';

export interface FileLock {
  readonly path: string;
  release(): void;
}

export interface LockOptions {
  /** How long to go on trying, in milliseconds. Infinity waits for ever. Default 0. */
  readonly timeout?: number;
  /** Pause between two tries, in milliseconds. Default 500, as DVC. */
  readonly interval?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once, when the first try found the lock held. */
  readonly onWait?: () => void;
}

/**
 * Takes the lock that DVC's `zc.lockfile` takes: `flock(LOCK_EX | LOCK_NB)` on the file, whose content is
 * ` <pid>\n`. Node has no flock; `flock(1)` (or perl where there is none) locks a descriptor it inherits,
 * and the lock belongs to the open file description, so it outlives that helper. The descriptor is
 * close-on-exec: commands started later do not keep the lock.
 *
 * @throws MlopsError `lock_held` after the timeout, with the holder's pid in `data.pid`.
 */
export async function lockFile(file: string, options: LockOptions = {}): Promise<FileLock> {
  const deadline = Date.now() + (options.timeout ?? 0);
  for (let attempt = 0; ; attempt++) {
    options.signal?.throwIfAborted();
    const lock = tryLockFile(file);
    if (lock !== undefined) return lock;
    if (attempt === 0) options.onWait?.();
    if (Date.now() >= deadline) throw heldError(file);
    await delay(options.interval ?? 500, options.signal);
  }
}

/** One try without waiting; undefined when another process holds the lock. */
export function tryLockFile(file: string): FileLock | undefined {
  const fd = openLockFile(file);
  let locked = false;
  try {
    const answer = flock(fd);
    if (answer === 'no program') return tryPidFile(`${file}.pid`, file);
    locked = answer === 'locked';
    if (!locked) return undefined;
    fs.ftruncateSync(fd, 0);
    fs.writeSync(fd, ` ${process.pid}\n`, 0);
    return { path: file, release: () => fs.closeSync(fd) };
  } finally {
    if (!locked) fs.closeSync(fd);
  }
}

function openLockFile(file: string): number {
  try {
    return fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o666);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    return fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o666);
  }
}

const perlFlock = 'open(my $f, "<&=", 3) or exit 2; exit(flock($f, 6) ? 0 : 1)';

function flock(fd: number): 'locked' | 'held' | 'no program' {
  const stdio = ['ignore', 'ignore', 'ignore', fd] as ('ignore' | number)[];
  let result = spawnSync('flock', ['-xn', '3'], { stdio });
  if (isSystemError(result.error, 'ENOENT')) result = spawnSync('perl', ['-e', perlFlock], { stdio });
  if (isSystemError(result.error, 'ENOENT')) return 'no program';
  if (result.error !== undefined) throw result.error;
  return result.status === 0 ? 'locked' : 'held';
}

/**
 * Where the machine has neither flock nor perl: a file that only one process can create. It excludes our
 * own processes (DVC does not look at it); one left behind by a dead process is taken over.
 */
function tryPidFile(pidFile: string, lock: string): FileLock | undefined {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      fs.writeFileSync(pidFile, ` ${process.pid}\n`, { flag: 'wx' });
      fs.writeFileSync(lock, ` ${process.pid}\n`);
      return { path: lock, release: () => fs.rmSync(pidFile, { force: true }) };
    } catch (error) {
      if (!isSystemError(error, 'EEXIST')) throw error;
    }
    const pid = readPid(pidFile);
    // A file without a number is being written this very moment.
    if (!Number.isInteger(pid) || processIsAlive(pid)) return undefined;
    fs.rmSync(pidFile, { force: true });
  }
  return undefined;
}

function readPid(file: string): number {
  return Number.parseInt(fs.readFileSync(file, 'utf8').trim(), 10);
}

function heldError(file: string): MlopsError {
  const pid = readPid(file);
  const holder = Number.isInteger(pid) ? ` (process ${pid})` : '';
  return new MlopsError('lock_held', `Unable to acquire lock '${file}': another process${holder} holds it`, {
    hint: 'wait for it to finish, or run the same command with --wait-for-lock',
    data: Number.isInteger(pid) ? { pid } : {},
  });
}

function delay(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', aborted, { once: true });
    function done(): void {
      signal?.removeEventListener('abort', aborted);
      resolve();
    }
    function aborted(): void {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    }
  });
}
