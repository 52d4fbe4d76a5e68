import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, openDatabase } from '../base/index.ts';
import { checkStoreFile, refuseBareHost, withoutPassword } from './address.ts';
import { localRoots, type OpenArtifacts } from './artifacts/roots.ts';
import { sqliteStore, type SqliteOptions } from './sqlite/sqlite-store.ts';
import type { RemoteOptions } from './remote/client.ts';
import { loginFor } from './remote/logins.ts';
import type { TrackingStore } from './store.ts';

export interface OpenTrackingOptions extends SqliteOptions {
  /** Most connections to a PostgreSQL server at once. Default 10. */
  readonly size?: number | undefined;
  /** How long a request waits for a PostgreSQL server that is away, in milliseconds. Default 20,000. */
  readonly patience?: number | undefined;
  /** Longest time for one statement of PostgreSQL, in milliseconds. Default 60,000. */
  readonly statementTimeout?: number | undefined;
  /** Where `mlflow-artifacts:/` is. Default: `artifacts` beside the SQLite file. */
  readonly artifacts?: string | OpenArtifacts | undefined;
  /** Credentials for a server; default: MLFLOW_TRACKING_TOKEN, _USERNAME and _PASSWORD of `env`, else those of `mlops login`. */
  readonly remote?: RemoteOptions | undefined;
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Ends requests to a server. */
  readonly signal?: AbortSignal | undefined;
}

interface Kind {
  /** The addresses that are of this kind. */
  readonly scheme: RegExp;
  readonly open: (uri: string, options: OpenTrackingOptions) => TrackingStore | Promise<TrackingStore>;
}

/** The kinds of stores by the scheme of their address; the first that fits. Those that need much are loaded here only. */
const kinds: readonly Kind[] = [
  { scheme: /^https?:/i, open: openRemote },
  { scheme: /^postgres(?:ql)?(?:\+\w+)?:/i, open: openPostgres },
  { scheme: /^(?:sqlite|memory|:memory):|^(?![a-z][a-z0-9+.-]+:)/i, open: openSqlite },
  { scheme: /^file:/i, open: refuseFileStore },
];

/**
 * Opens a tracking store: a path or `sqlite:///PATH` of a SQLite file (made when absent, with its folder),
 * `memory:`, `postgresql://USER@HOST/DATABASE`, or `http(s)://HOST` of a server that speaks MLflow's protocol.
 *
 * @throws MlopsError `invalid_value` for other schemes, with the way to migrate where there is one.
 */
export async function openTracking(uri: string, options: OpenTrackingOptions = {}): Promise<TrackingStore> {
  refuseBareHost(uri);
  const kind = kinds.find(({ scheme }) => scheme.test(uri));
  if (kind !== undefined) return kind.open(uri, options);
  throw new MlopsError('invalid_value', `a tracking store cannot be opened at '${withoutPassword(uri)}'`, {
    hint: 'use sqlite:///ABSOLUTE/PATH.db, postgresql://USER@HOST/DATABASE or http://HOST:PORT',
  });
}

async function openRemote(uri: string, options: OpenTrackingOptions): Promise<TrackingStore> {
  const { remoteStore } = await import('./remote/remote-store.ts');
  return remoteStore(uri, {
    ...(options.remote ?? credentials(uri, options.env ?? process.env)),
    signal: options.signal,
  });
}

async function openPostgres(uri: string, options: OpenTrackingOptions): Promise<TrackingStore> {
  const { postgresStore } = await import('./postgres/postgres-store.ts');
  return postgresStore(uri, artifactsOf(options, 'artifacts'), options);
}

function refuseFileStore(uri: string): never {
  throw new MlopsError('invalid_value', `'${uri}' is a file store of MLflow, which mlops does not write to`, {
    hint: `copy it once with \`mlops migrate mlflow ${uri}\`, then leave --backend-store-uri out`,
  });
}

function artifactsOf({ artifacts }: OpenTrackingOptions, fallback: string): OpenArtifacts {
  if (artifacts === undefined) return localRoots(path.resolve(fallback));
  return typeof artifacts === 'string' ? localRoots(path.resolve(artifacts)) : artifacts;
}

/** Those of the environment and the address go before what `mlops login` keeps. */
function credentials(uri: string, env: Readonly<Record<string, string | undefined>>): RemoteOptions {
  const given = {
    token: env['MLFLOW_TRACKING_TOKEN'],
    username: env['MLFLOW_TRACKING_USERNAME'],
    password: env['MLFLOW_TRACKING_PASSWORD'],
  };
  const isNone = Object.values(given).every((value) => value === undefined || value === '');
  return isNone && new URL(uri).username === '' ? { token: loginFor(uri, env) } : given;
}

export function openSqlite(uri: string, options: OpenTrackingOptions = {}): TrackingStore {
  const file = sqliteFile(uri);
  if (file !== ':memory:') {
    checkStoreFile(file, uri);
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    refuseMlflowDatabase(file);
  }
  return sqliteStore(file, artifactsOf(options, path.join(path.dirname(path.resolve(file)), 'artifacts')), options);
}

/** The file that an URI names; `:memory:` for `memory:` and `sqlite://`. */
function sqliteFile(uri: string): string {
  if (uri === 'memory:' || uri === ':memory:' || uri === 'sqlite://' || uri === 'sqlite:///:memory:') return ':memory:';
  return path.resolve(/^sqlite:\/\/\/(.+)$/.exec(uri)?.[1] ?? uri);
}

/** A database of MLflow's own server would be taken for an empty one of ours, and changed. */
function refuseMlflowDatabase(file: string): void {
  if (schemaVersion(file) !== 0) return;
  const db = openDatabase(file, { migrations: [], readonly: true });
  try {
    const found = db.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'`).get();
    if (found === undefined) return;
  } finally {
    db.close();
  }
  throw new MlopsError('invalid_value', `'${file}' is a database of MLflow's own server`, {
    hint: `copy it once with \`mlops migrate mlflow sqlite:///${file}\`, then go on with the copy`,
  });
}

/** The number that SQLite keeps at byte 60 of a file for its owner: ours counts migrations. Undefined without a file. */
function schemaVersion(file: string): number | undefined {
  if (!fs.existsSync(file)) return undefined;
  const header = Buffer.alloc(64);
  const fd = fs.openSync(file, 'r');
  try {
    return fs.readSync(fd, header, 0, 64, 0) === 64 && !fs.existsSync(`${file}-wal`)
      ? header.readUInt32BE(60)
      : undefined;
  } finally {
    fs.closeSync(fd);
  }
}
