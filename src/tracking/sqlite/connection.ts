import { isSystemError, MlopsError, openDatabase, type Database, type Statement } from '../../base/index.ts';
import { migrations } from './schema.ts';

export interface ConnectionOptions {
  readonly durability?: 'normal' | 'full' | undefined;
  /** How long a write waits for another process, in milliseconds. Default 20,000. */
  readonly busyTimeout?: number | undefined;
  /** Where runs of experiments without a location of their own keep artifacts. Default `mlflow-artifacts:`. */
  readonly artifactRoot?: string | undefined;
}

interface Waiting {
  readonly work: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/**
 * One SQLite connection. Writers that wait at the same turn of the event loop share a transaction, each under
 * its own savepoint, so that one commit (and one fsync with durability full) serves all of them and a failing
 * one undoes only itself. A promise resolves after the commit. Another process's write is waited for without
 * blocking the event loop, so reads go on meanwhile.
 */
export class Connection {
  readonly db: Database;
  readonly file: string;
  readonly artifactRoot: string;
  readonly #statements = new Map<string, Statement>();
  readonly #busyTimeout: number;
  readonly #experimentIds = new Map<number, string>();
  readonly #rollbacks: (() => void)[] = [];
  #queue: Waiting[] = [];
  #flushing: Promise<void> | undefined;

  constructor(file: string, options: ConnectionOptions) {
    this.file = file;
    this.artifactRoot = options.artifactRoot ?? 'mlflow-artifacts:';
    this.#busyTimeout = options.busyTimeout ?? 20_000;
    this.db = openDatabase(file, {
      migrations,
      durability: options.durability ?? 'normal',
      busyTimeout: this.#busyTimeout,
    });
    // From here on waiting is done by a timer.
    this.db.pragma('busy_timeout = 1');
    this.db.pragma('case_sensitive_like = ON');
    this.db.pragma('cache_size = -32000');
  }

  /** A prepared statement, made once per text. */
  sql<Row>(text: string): Statement<Row> {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement as Statement<Row>;
  }

  /** A statement that is not kept: for texts that vary without bound. */
  once<Row>(text: string): Statement<Row> {
    return this.db.prepare<unknown[], Row>(text);
  }

  /** The id by which the outside knows experiment `n`. Ids never change, so those that were read are kept. */
  experimentId(n: number): string {
    let id = this.#experimentIds.get(n);
    if (id === undefined) {
      id = this.sql<{ id: string }>('SELECT id FROM experiments WHERE n = ?').get(n)?.id ?? '';
      if (!this.db.inTransaction && id !== '') this.#experimentIds.set(n, id);
    }
    return id;
  }

  experimentNumber(id: string): number | undefined {
    return this.sql<{ n: number }>('SELECT n FROM experiments WHERE id = ?').get(id)?.n;
  }

  /** Told whenever written rows were taken back, for caches of them. */
  onRollback(listener: () => void): void {
    this.#rollbacks.push(listener);
  }

  /** Runs synchronous work in a transaction; resolves with its value when that is committed. */
  write<Value>(work: () => Value): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      this.#queue.push({ work, resolve, reject });
      this.#flushing ??= new Promise((done) => setImmediate(() => void this.#flush().finally(done)));
    });
  }

  async close(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
    if (this.db.open) this.db.close();
  }

  async #flush(): Promise<void> {
    const deadline = Date.now() + this.#busyTimeout;
    for (;;) {
      try {
        this.sql('BEGIN IMMEDIATE').run();
        break;
      } catch (error) {
        if (!isSystemError(error, 'SQLITE_BUSY') || Date.now() > deadline) {
          this.#giveUp(error);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 4));
      }
    }
    this.#commit(this.#take());
  }

  #take(): Waiting[] {
    const group = this.#queue;
    this.#queue = [];
    this.#flushing = undefined;
    return group;
  }

  #commit(group: readonly Waiting[]): void {
    let outcomes: readonly Outcome[];
    try {
      outcomes = this.#attemptAll(group);
      this.sql('COMMIT').run();
    } catch (error) {
      if (this.db.inTransaction) this.sql('ROLLBACK').run();
      this.#rolledBack();
      for (const waiting of group) waiting.reject(explain(error, this.file));
      return;
    }
    for (const [i, { resolve, reject }] of group.entries()) {
      const outcome = outcomes[i];
      if (outcome !== undefined && 'value' in outcome) resolve(outcome.value as never);
      else reject(explain(outcome?.error, this.file));
    }
  }

  /**
   * Failures are rare and a savepoint costs as much as an insert: all work is done without any at first. When
   * one fails everything is undone and done once more, now each under a savepoint of its own.
   */
  #attemptAll(group: readonly Waiting[]): readonly Outcome[] {
    this.sql('SAVEPOINT "group"').run();
    try {
      return group.map(({ work }): Outcome => ({ value: work() }));
    } catch (error) {
      // A full disk ends the whole transaction by itself.
      if (!this.db.inTransaction) throw error;
      this.sql('ROLLBACK TO "group"').run();
      this.#rolledBack();
      if (group.length === 1) return [{ error }];
    }
    return group.map((waiting) => this.#attempt(waiting));
  }

  #attempt({ work }: Waiting): Outcome {
    this.sql('SAVEPOINT request').run();
    try {
      const value = work();
      this.sql('RELEASE request').run();
      return { value };
    } catch (error) {
      if (!this.db.inTransaction) throw error;
      this.sql('ROLLBACK TO request').run();
      this.sql('RELEASE request').run();
      this.#rolledBack();
      return { error };
    }
  }

  #rolledBack(): void {
    for (const listener of this.#rollbacks) listener();
  }

  #giveUp(error: unknown): void {
    for (const waiting of this.#take()) waiting.reject(explain(error, this.file));
  }
}

function explain(error: unknown, file: string): unknown {
  if (isSystemError(error, 'SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_LOCKED')) {
    return new MlopsError('store_busy', `'${file}' is locked by another process`, {
      hint: 'try again when it has finished',
      cause: error,
    });
  }
  if (isSystemError(error, 'SQLITE_FULL', 'SQLITE_IOERR_WRITE')) {
    return new MlopsError('disk_full', `no space left to write '${file}'`, {
      hint: 'free some space and try again; nothing half-written remains',
      cause: error,
    });
  }
  return error;
}
