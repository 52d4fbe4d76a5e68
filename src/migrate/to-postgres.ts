import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { fillDatabase, snapshotDatabase, withoutPassword } from '../tracking/index.ts';
import type { MigrationSource } from './source.ts';
import { migrateToDatabase, type DatabaseReport, type ToDatabaseOptions } from './to-database.ts';

export interface ToPostgresOptions extends ToDatabaseOptions {
  /** Where `mlflow-artifacts:/` of the server on that database will be. */
  readonly artifacts: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Fills an empty PostgreSQL database that the user's own `mlflow db upgrade` made, so that MLflow's server goes on with
 * it. The rows are made in an SQLite file with its tables, then carried over in one transaction.
 *
 * @throws MlopsError `invalid_value` when the database is not MLflow's, or not empty, or cannot hold a value.
 */
export async function migrateToPostgres(
  source: MigrationSource,
  uri: string,
  { env, ...options }: ToPostgresOptions,
): Promise<DatabaseReport> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-migrate-'));
  const file = path.join(folder, 'mlflow.db');
  try {
    await snapshotDatabase(uri, file, env);
    const report = await migrateToDatabase(source, file, { ...options, shown: withoutPassword(uri) });
    await fillDatabase(uri, file, 'experiments', env);
    return report;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
