import * as fs from 'node:fs';

import { isSystemError, processIsAlive } from '../base/index.ts';

/** Sends a signal to a process group that a local executor started; nothing when it is gone. */
export function endGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === 'win32' ? group : -group, signal);
  } catch (error) {
    // The group is gone already, or (macOS) holds only processes that are about to be reaped.
    if (!isSystemError(error, 'ESRCH', 'EPERM')) throw error;
  }
}

/** Whether any process of a group runs. Always false on Windows, which has no groups. */
export function groupIsAlive(group: number | undefined): boolean {
  if (group === undefined || process.platform === 'win32') return false;
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  return !isDead(group);
}

/** True where it is known that all that is left of a group waits for being reaped. */
function isDead(group: number): boolean {
  try {
    const members = membersOf(group);
    return members.length > 0 && members.every((fields) => fields[0] === 'Z' || fields[0] === 'X');
  } catch (error) {
    if (isSystemError(error)) return false;
    throw error;
  }
}

function membersOf(group: number): string[][] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const fields = statusFields(name);
      return fields?.[2] === String(group) ? [fields] : [];
    });
}

/**
 * What tells a process group from every other one that had or will have its number: when its leader was born, and at
 * which start of the machine. '' where that cannot be known.
 */
export function groupMark(group: number): string {
  const born = processBirth(group);
  const boot = bootId();
  return born === undefined || boot === '' ? '' : `${born}:${boot}`;
}

/**
 * Whether what runs under the number of a group is the group of that mark. A leader may be gone while others go on; these
 * are younger than it was.
 */
export function hasMark(group: number, mark: string): boolean {
  const [born = '', boot = ''] = mark.split(':');
  if (!/^\d+$/.test(born) || boot === '' || boot !== bootId()) return false;
  const leader = processBirth(group);
  if (leader !== undefined) return leader === born;
  const births = membersOf(group).map((fields) => Number(fields[19]));
  return births.length > 0 && births.every((birth) => birth >= Number(born));
}

/** Linux' own name of this start of the machine, which nobody elsewhere can guess. */
function bootId(): string {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch (error) {
    if (isSystemError(error)) return '';
    throw error;
  }
}

/** Where process ids mean the same: this start of the machine, and the container. '' where that cannot be known. */
export function processHome(): string {
  try {
    return `${bootId()}:${fs.readlinkSync('/proc/self/ns/pid')}`;
  } catch (error) {
    if (isSystemError(error)) return '';
    throw error;
  }
}

/** When a process was born, in the clock of the kernel; undefined where that cannot be known or it is gone. */
export function processBirth(pid: number): string | undefined {
  return statusFields(String(pid))?.[19];
}

/** The fields of Linux' `/proc/PID/stat` from the third one (the state) on. */
function statusFields(pid: string): string[] | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is a name in brackets that may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}

/** Whether the process of that birth still runs; ids are given again. */
export function isSameProcess(pid: number, born: string | undefined): boolean {
  if (!processIsAlive(pid)) return false;
  const fields = statusFields(String(pid));
  // What waits for being reaped does nothing any more.
  if (fields?.[0] === 'Z' || fields?.[0] === 'X') return false;
  const now = fields?.[19];
  return born === undefined || now === undefined || born === now;
}
