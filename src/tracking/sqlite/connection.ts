import {
  isSystemError,
  MlopsError,
  newerSchema,
  openDatabase,
  type Database,
  type Statement,
} from '../../base/index.ts';
import { matchesPattern } from '../rules/index.ts';
import type { Driver } from '../sql/context.ts';
import { compile } from '../sql/sql.ts';
import type { Insert, Query, Work } from '../sql/work.ts';
import { migrations } from './schema.ts';
import { StoreFile } from './store-file.ts';

export interface ConnectionOptions {
  readonly durability?: 'normal' | 'full' | undefined;
  /** How long a write waits for another process, in milliseconds. Default 20,000. */
  readonly busyTimeout?: number | undefined;
  /** Where runs of experiments without a location of their own keep artifacts. Default `mlflow-artifacts:`. */
  readonly artifactRoot?: string | undefined;
}

interface Waiting {
  readonly work: () => Work<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** Texts of searches vary without bound; those that come again and again stay prepared. */
const mostStatements = 500;

/**
 * One SQLite connection. Writers that wait at the same turn of the event loop share a transaction, each under
 * its own savepoint, so that one commit (and one fsync with durability full) serves all of them and a failing
 * one undoes only itself. A promise resolves after the commit. Another process's write is waited for without
 * blocking the event loop, so reads go on meanwhile.
 */
export class Connection implements Driver {
  readonly dialect = 'sqlite';
  readonly db: Database;
  readonly file: string;
  readonly #storeFile: StoreFile;
  readonly #statements = new Map<string, Statement>();
  readonly #inserts = new WeakMap<Insert, Statement>();
  readonly #busyTimeout: number;
  readonly #rollbacks: (() => void)[] = [];
  #queue: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #knownAt = performance.now();

  constructor(file: string, options: ConnectionOptions) {
    this.file = file;
    this.#busyTimeout = options.busyTimeout ?? 20_000;
    this.db = openDatabase(file, {
      migrations,
      durability: options.durability ?? 'normal',
      busyTimeout: this.#busyTimeout,
    });
    this.#storeFile = new StoreFile(file);
    // From here on waiting is done by a timer.
    this.db.pragma('busy_timeout = 1');
    this.db.pragma('case_sensitive_like = ON');
    this.db.pragma('cache_size = -32000');
    this.db.function('regexp', { deterministic: true }, (pattern: unknown, text: unknown) =>
      text === null ? null : Number(matchesPattern(String(pattern), String(text))),
    );
  }

  /** Reads are of one snapshot because nothing else runs meanwhile. */
  async read<Value>(work: () => Work<Value>): Promise<Value> {
    return this.run(work);
  }

  /** Runs work at once. */
  run<Value>(work: () => Work<Value>): Value {
    const steps = work();
    let step = steps.next();
    while (step.done !== true) step = steps.next(this.#answer(step.value));
    return step.value;
  }

  #answer(query: Query): unknown {
    if (query.kind === 'together') return query.queries.map((one) => this.#answer(one));
    if (query.kind === 'insert') {
      const statement = this.#insertion(query.insert);
      let changes = 0;
      for (const row of query.rows) changes += statement.run(...row).changes;
      return changes;
    }
    const { text, values } = compile(query.sql, 'sqlite');
    const statement = this.#statement(text);
    if (query.kind === 'count') return statement.run(...values).changes;
    if (!statement.reader) throw new Error(`returns no rows: ${text}`);
    if (query.kind === 'column') return statement.pluck(true).all(...values);
    return statement
      .pluck(false)
      .raw(query.kind !== 'rows')
      .all(...values);
  }

  /** A prepared statement; those that were not used for long are let go. */
  #statement(text: string): Statement {
    let statement = this.#statements.get(text);
    if (statement === undefined) statement = this.db.prepare(text);
    else if (this.#statements.size < mostStatements / 2) return statement;
    else this.#statements.delete(text);
    this.#statements.set(text, statement);
    if (this.#statements.size > mostStatements) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) this.#statements.delete(oldest);
    }
    return statement;
  }

  #insertion(insert: Insert): Statement {
    let statement = this.#inserts.get(insert);
    if (statement === undefined) {
      const columns = Object.keys(insert.columns);
      statement = this.db.prepare(
        `INSERT INTO ${insert.table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ${insert.conflict}`,
      );
      this.#inserts.set(insert, statement);
    }
    return statement;
  }

  /** Told whenever written rows were taken back, for caches of them. */
  onRollback(listener: () => void): void {
    this.#rollbacks.push(listener);
  }

  write<Value>(work: () => Work<Value>): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      this.#queue.push({ work, resolve, reject });
      this.#flushing ??= new Promise((done) => setImmediate(() => void this.#flush().finally(done)));
    });
  }

  /**
   * @throws MlopsError `store_replaced` when another file, or none, is at the path now; `store_version` when another
   *   program has brought its tables further than this one knows, at the latest a second after.
   */
  checkHere(): void {
    this.#storeFile.checkNow();
    const now = performance.now();
    if (now - this.#knownAt < 1000) return;
    this.#checkVersion();
    this.#knownAt = now;
  }

  #checkVersion(): void {
    const found = this.#statement('PRAGMA user_version').pluck(true).get() as number;
    if (found > migrations.length) throw newerSchema(this.file, found, migrations.length);
  }

  async close(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
    if (this.db.open) this.db.close();
  }

  async #flush(): Promise<void> {
    const deadline = Date.now() + this.#busyTimeout;
    for (;;) {
      try {
        this.#statement('BEGIN IMMEDIATE').run();
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
      this.#checkVersion();
      outcomes = this.#attemptAll(group);
      this.#statement('COMMIT').run();
      // Afterwards: what is still the file of this path now has the rows, and what is not gets no answer.
      this.#storeFile.check();
    } catch (error) {
      if (this.db.inTransaction) this.#statement('ROLLBACK').run();
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
    this.#statement('SAVEPOINT "group"').run();
    try {
      return group.map(({ work }): Outcome => ({ value: this.run(work) }));
    } catch (error) {
      // A full disk ends the whole transaction by itself.
      if (!this.db.inTransaction) throw error;
      this.#statement('ROLLBACK TO "group"').run();
      this.#rolledBack();
      if (group.length === 1) return [{ error }];
    }
    return group.map((waiting) => this.#attempt(waiting));
  }

  #attempt({ work }: Waiting): Outcome {
    this.#statement('SAVEPOINT request').run();
    try {
      const value = this.run(work);
      this.#statement('RELEASE request').run();
      return { value };
    } catch (error) {
      if (!this.db.inTransaction) throw error;
      this.#statement('ROLLBACK TO request').run();
      this.#statement('RELEASE request').run();
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
