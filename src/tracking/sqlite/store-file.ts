import * as fs from 'node:fs';

import { MlopsError } from '../../base/index.ts';

/**
 * Watches that the files of an open store are still the ones at its path. SQLite writes on into files that were
 * deleted or renamed away, and all of that is lost when the process ends.
 */
export class StoreFile {
  readonly #file: string;
  readonly #database: string | undefined;
  /** Made by SQLite with the first transaction, and there until the last connection is closed. */
  #log: string | undefined;
  #goodAt = -Infinity;

  /** @param file a path, or `:memory:`, which is always there. */
  constructor(file: string) {
    this.#file = file;
    this.#database = file === ':memory:' ? undefined : identity(file);
    this.#log = identity(`${file}-wal`);
  }

  /** @throws MlopsError `store_replaced`. */
  check(): void {
    if (this.#database === undefined) return;
    this.#goodAt = -Infinity;
    const log = identity(`${this.#file}-wal`);
    this.#log ??= log;
    if (identity(this.#file) === this.#database && log === this.#log) {
      this.#goodAt = performance.now();
      return;
    }
    throw new MlopsError('store_replaced', `'${this.#file}' was deleted or replaced while it was open`, {
      hint: 'nothing more is written; restart the server, which then opens the file that is there',
    });
  }

  /** As `check`, looked at again after a tenth of a second: for answers that acknowledge nothing. */
  checkNow(now = performance.now()): void {
    if (now - this.#goodAt > 100) this.check();
  }
}

function identity(file: string): string | undefined {
  const stat = fs.statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? undefined : `${stat.dev} ${stat.ino}`;
}
