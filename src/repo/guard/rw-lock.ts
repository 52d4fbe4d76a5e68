import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, lockFile, writeFileAtomic, processIsAlive } from '../../base/index.ts';

/** Who works on a path, as DVC writes it down. */
export interface Holder {
  readonly pid: number;
  readonly cmd: string;
}

interface Content {
  readonly write: Record<string, Holder>;
  readonly read: Record<string, Holder[]>;
}

export interface Paths {
  /** Absolute. */
  readonly read: readonly string[];
  readonly write: readonly string[];
}

export interface Conflict {
  readonly path: string;
  readonly holder: Holder;
}

/**
 * DVC's lock per path, `.dvc/tmp/rwlock`: while a stage command runs and the project itself is not locked,
 * it tells other processes (DVC's too) which files are being read and written. Only edited by who holds the
 * project's lock.
 */
export class RwLock {
  readonly #file: string;
  readonly #me: Holder;

  /** @param folder `.dvc/tmp`. */
  constructor(folder: string, command: string) {
    this.#file = path.join(folder, 'rwlock');
    this.#me = { pid: process.pid, cmd: command };
  }

  /** A process that works on one of these paths in a way that excludes us, and which path that is. */
  conflict(paths: Paths): Conflict | undefined {
    const content = this.#read();
    const all = [...paths.read, ...paths.write];
    for (const [held, holder] of Object.entries(content.write)) {
      const busy = this.#blocks(holder) ? all.find((own) => overlaps(own, held)) : undefined;
      if (busy !== undefined) return { path: busy, holder };
    }
    for (const [held, holders] of Object.entries(content.read)) {
      const holder = holders.find((other) => this.#blocks(other));
      const busy = holder === undefined ? undefined : paths.write.find((own) => overlaps(own, held));
      if (holder !== undefined && busy !== undefined) return { path: busy, holder };
    }
    return undefined;
  }

  async add(paths: Paths): Promise<void> {
    await this.#edit((content) => {
      for (const own of paths.write) content.write[own] = this.#me;
      for (const own of paths.read) {
        const others = (content.read[own] ?? []).filter((holder) => holder.pid !== this.#me.pid);
        content.read[own] = [...others, this.#me];
      }
    });
  }

  async remove(paths: Paths): Promise<void> {
    await this.#edit((content) => {
      for (const own of paths.write) if (content.write[own]?.pid === this.#me.pid) delete content.write[own];
      for (const own of paths.read) {
        const others = (content.read[own] ?? []).filter((holder) => holder.pid !== this.#me.pid);
        if (others.length > 0) content.read[own] = others;
        else delete content.read[own];
      }
    });
  }

  async #edit(change: (content: Content) => void): Promise<void> {
    const guard = await lockFile(`${this.#file}.lock`, { timeout: 3000, interval: 50 });
    try {
      const content = this.#read();
      change(content);
      const { write, read } = content;
      const kept = {
        ...(Object.keys(write).length > 0 ? { write } : {}),
        ...(Object.keys(read).length > 0 ? { read } : {}),
      };
      writeFileAtomic(this.#file, JSON.stringify(kept));
    } finally {
      guard.release();
    }
  }

  /** Entries of processes that are gone are left out. */
  #read(): Content {
    const text = readText(this.#file);
    const content: Content = { write: {}, read: {} };
    if (text === undefined || text.trim() === '{}') return content;
    const parsed = parse(text);
    for (const [held, holder] of Object.entries(parsed.write ?? {})) {
      if (processIsAlive(holder.pid)) content.write[held] = holder;
    }
    for (const [held, holders] of Object.entries(parsed.read ?? {})) {
      const alive = holders.filter((holder) => processIsAlive(holder.pid));
      if (alive.length > 0) content.read[held] = alive;
    }
    return content;
  }

  #blocks(holder: Holder): boolean {
    return holder.pid !== this.#me.pid;
  }
}

/** A file that is garbage protects nothing; it is written anew with the next entry. */
function parse(text: string): Partial<Content> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function overlaps(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
