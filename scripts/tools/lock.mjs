/** A lock file between installs that run at the same time, from this checkout or another. */
import * as fs from 'node:fs';
import { ToolError } from './commands.mjs';

const LOCK_WAIT_MS = 40 * 60_000;

/** Holds a lock file with this process's id; takes over from a process that is gone. Answers how to let go. */
export async function lock(file) {
  const until = Date.now() + LOCK_WAIT_MS;
  for (let waits = 0; Date.now() < until; waits++) {
    try {
      fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => fs.rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!lockIsHeld(file)) fs.rmSync(file, { force: true });
    else if (waits === 0) console.log(`waiting for another install that holds ${file}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new ToolError(`another install holds ${file} for too long; remove that file if none is running`);
}

function lockIsHeld(file) {
  let pid;
  try {
    pid = Number(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
  // A file without a number was created a moment ago: its holder is about to write it.
  if (!Number.isInteger(pid) || pid <= 0)
    return Date.now() - (fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 5_000;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
