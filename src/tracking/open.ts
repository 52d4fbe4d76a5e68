import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, openDatabase } from '../base/index.ts';
import { localRoots, type OpenArtifacts } from './artifacts/roots.ts';
import { sqliteStore, type SqliteOptions } from './sqlite/sqlite-store.ts';
import type { RemoteOptions } from './remote/client.ts';
import type { TrackingStore } from './store.ts';

export interface OpenTrackingOptions extends SqliteOptions {
  /** Where `mlflow-artifacts:/` is. Default: `artifacts` beside the SQLite file. */
  readonly artifacts?: string | OpenArtifacts | undefined;
  /** Credentials for a server; default: MLFLOW_TRACKING_TOKEN, _USERNAME and _PASSWORD of `env`. */
  readonly remote?: RemoteOptions | undefined;
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Ends requests to a server. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a tracking store: a path or `sqlite:///PATH` of a SQLite file (made when absent, with its folder),
 * `memory:`, or `http(s)://HOST` of a server that speaks MLflow's protocol.
 *
 * @throws MlopsError `invalid_value` for other schemes, with the way to migrate where there is one.
 */
export async function openTracking(uri: string, options: OpenTrackingOptions = {}): Promise<TrackingStore> {
  if (!/^https?:/i.test(uri)) return openSqlite(uri, options);
  // Loaded only here: most commands work on a file.
  const { remoteStore } = await import('./remote/remote-store.ts');
  return remoteStore(uri, { ...(options.remote ?? credentials(options.env ?? process.env)), signal: options.signal });
}

function credentials(env: Readonly<Record<string, string | undefined>>): RemoteOptions {
  return {
    token: env['MLFLOW_TRACKING_TOKEN'],
    username: env['MLFLOW_TRACKING_USERNAME'],
    password: env['MLFLOW_TRACKING_PASSWORD'],
  };
}

export function openSqlite(uri: string, options: OpenTrackingOptions = {}): TrackingStore {
  const file = sqliteFile(uri);
  if (file !== ':memory:') {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    refuseMlflowDatabase(file);
  }
  const { artifacts = path.join(path.dirname(path.resolve(file)), 'artifacts') } = options;
  const open = typeof artifacts === 'string' ? localRoots(path.resolve(artifacts)) : artifacts;
  return sqliteStore(file, open, options);
}

/** The file that an URI names; `:memory:` for `memory:` and `sqlite://`. */
function sqliteFile(uri: string): string {
  if (uri === 'memory:' || uri === ':memory:' || uri === 'sqlite://' || uri === 'sqlite:///:memory:') return ':memory:';
  const sqlite = /^sqlite:\/\/\/(.+)$/.exec(uri)?.[1];
  if (sqlite !== undefined) return path.resolve(sqlite);
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1];
  if (scheme === undefined) return path.resolve(uri);
  if (scheme === 'file') {
    throw new MlopsError('invalid_value', `'${uri}' is a file store of MLflow, which mlops does not write to`, {
      hint: `copy it once with \`mlops migrate mlflow ${uri}\`, then leave --backend-store-uri out`,
    });
  }
  throw new MlopsError('invalid_value', `a tracking store cannot be opened at '${uri.replace(/\/\/[^@/]*@/, '//')}'`, {
    hint: 'use sqlite:///ABSOLUTE/PATH.db or http://HOST:PORT',
  });
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
