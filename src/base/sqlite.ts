import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import type BetterSqlite3 from 'better-sqlite3';

import { isMlopsError, isSystemError, messageOf, MlopsError } from './error.ts';

export type Database = BetterSqlite3.Database;
export type Statement<Row = unknown> = BetterSqlite3.Statement<unknown[], Row>;

/** A numbered step of a schema. `up` runs inside the migration's transaction; it is never edited after release. */
export interface Migration {
  readonly name: string;
  readonly up: string | ((db: Database) => void);
}

export interface OpenOptions {
  readonly migrations: readonly Migration[];
  /** `normal` survives kill -9, `full` also a power cut. Default `normal`. */
  readonly durability?: 'normal' | 'full';
  /** How long a statement waits for another process's write, in milliseconds. Default 20,000. */
  readonly busyTimeout?: number;
  readonly readonly?: boolean;
  /** Leaves the journal mode as it is: for a file of another program. */
  readonly keepJournal?: boolean;
  /** Opens a schema of any version as it is: to look at it. */
  readonly anyVersion?: boolean;
}

/**
 * Opens an SQLite file in WAL mode and brings its schema up to date. Several processes may do so at once:
 * one migrates under an immediate transaction, the others wait for it. Migrations are recorded by number
 * in `PRAGMA user_version`. A new file can be read by its owner alone.
 *
 * @throws MlopsError `store_version` (written by a newer mlops), `store_broken` (not a database), `store_busy`.
 */
export function openDatabase(file: string, options: OpenOptions): Database {
  try {
    const { Sqlite, nativeBinding } = loadSqlite();
    const { readonly = false, busyTimeout = 20_000 } = options;
    if (!readonly && file !== ':memory:') makePrivate(file);
    const db = new Sqlite(file, { readonly, timeout: busyTimeout, ...(nativeBinding && { nativeBinding }) });
    try {
      configure(db, options);
      if (options.anyVersion !== true) migrate(db, file, options);
    } catch (error) {
      db.close();
      throw error;
    }
    return db;
  } catch (error) {
    throw explain(error, file);
  }
}

/** A new file is its owner's alone: stores hold secrets. SQLite gives the files beside it the same mode. */
function makePrivate(file: string): void {
  try {
    fs.closeSync(fs.openSync(file, 'ax', 0o600));
  } catch {
    // It is there already, or SQLite will say why it cannot be.
  }
}

type Sqlite = typeof BetterSqlite3;

/**
 * Loaded here and only here: commands without a store must not pay for it. The addon is named, because the package
 * looks for it in a dozen places.
 */
function loadSqlite(): { Sqlite: Sqlite; nativeBinding: string | undefined } {
  const loaded = createRequire(import.meta.url)('better-sqlite3') as Sqlite & { readonly default?: Sqlite };
  return { Sqlite: loaded.default ?? loaded, nativeBinding: findAddon() };
}

function findAddon(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve('better-sqlite3/build/Release/better_sqlite3.node');
  } catch {
    return undefined;
  }
}

function configure(db: Database, options: OpenOptions): void {
  if (options.readonly !== true && options.keepJournal !== true) db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${options.durability === 'full' ? 'FULL' : 'NORMAL'}`);
  db.pragma('foreign_keys = ON');
}

function migrate(db: Database, file: string, options: OpenOptions): void {
  const wanted = options.migrations.length;
  if (versionOf(db) === wanted) return;
  if (versionOf(db) > wanted) throw newerSchema(file, versionOf(db), wanted);
  if (options.readonly === true) return;
  db.transaction(() => {
    // Read again inside the write lock: another process may have migrated while this one waited.
    for (let version = versionOf(db); version < wanted; version++) {
      const step = options.migrations[version];
      if (step === undefined) break;
      if (typeof step.up === 'string') db.exec(step.up);
      else step.up(db);
    }
    if (versionOf(db) < wanted) db.pragma(`user_version = ${wanted}`);
  }).immediate();
}

function versionOf(db: Database): number {
  return db.pragma('user_version', { simple: true }) as number;
}

/** What a program says that does not know the tables of a store. */
export function newerSchema(file: string, found: number, known: number): MlopsError {
  return new MlopsError(
    'store_version',
    `'${file}' has schema version ${found}, this mlops knows versions up to ${known}`,
    {
      hint: 'upgrade mlops (npm i -g mlops)',
    },
  );
}

function explain(error: unknown, file: string): unknown {
  if (isMlopsError(error)) return error;
  if (isSystemError(error, 'SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_LOCKED')) {
    return new MlopsError('store_busy', `'${file}' is locked by another process`, {
      hint: 'try again when it has finished',
      cause: error,
    });
  }
  if (isSystemError(error, 'SQLITE_NOTADB', 'SQLITE_CORRUPT')) {
    return new MlopsError('store_broken', `'${file}' is not a usable SQLite database: ${messageOf(error)}`, {
      hint: 'move that file away to start with an empty store, or restore a backup',
      cause: error,
    });
  }
  // Its loader (`bindings`) throws an error without a code where the addon was never compiled.
  const isUnbuilt = messageOf(error).startsWith('Could not locate the bindings file');
  if (isUnbuilt || isSystemError(error, 'MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED')) {
    return new MlopsError('program_missing', `better-sqlite3 cannot be loaded: ${messageOf(error).split('\n')[0]}`, {
      hint: 'it is compiled at installation where no prebuilt binary can be had: run `npm rebuild better-sqlite3` (needs a C++ compiler and Python)',
      cause: error,
    });
  }
  return error;
}
