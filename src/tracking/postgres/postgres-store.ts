import type { OpenArtifacts } from '../artifacts/roots.ts';
import { governed } from '../rules/index.ts';
import { Context } from '../sql/context.ts';
import { problemsOf } from '../sql/checks.ts';
import { makeDefaultExperiment, sqlHalves } from '../sql/halves.ts';
import type { TrackingStore } from '../store.ts';
import { readAddress } from './address.ts';
import { copyFromSqlite, copyToSqlite } from './copy.ts';
import { Database } from './database.ts';
import { upgradeSchema } from './migrate.ts';
import { PointLog } from './points.ts';
import type { PoolOptions } from './pool.ts';

export interface PostgresOptions extends PoolOptions {
  readonly artifactRoot?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * The PostgreSQL kind: tables of its own in the schema `mlops` of a database, made and brought up to date when opened.
 *
 * @throws MlopsError `invalid_value` for a bad address or a database of MLflow's own server, `store_refused`,
 *   `store_busy` when the server cannot be reached, `store_version`.
 */
export async function postgresStore(
  uri: string,
  artifacts: OpenArtifacts,
  options: PostgresOptions = {},
): Promise<TrackingStore> {
  const address = readAddress(uri, options.env ?? process.env);
  const { artifactRoot = 'mlflow-artifacts:' } = options;
  const db = new Database(address, options);
  try {
    await upgradeSchema(db, address.schema);
    await db.write(() => makeDefaultExperiment(artifactRoot));
  } catch (error) {
    await db.close();
    throw error;
  }
  const context = new Context(db, artifactRoot);
  const halves = sqlHalves(context);
  const log = new PointLog(context, (id, metrics) => halves.logBatch(id, { metrics }));
  return governed({
    kind: 'postgres',
    url: address.shown,
    artifacts,
    ...halves,
    logBatch: (id, batch) => {
      const { metrics = [], params = [], tags = [] } = batch;
      const plain = params.length + tags.length === 0 && metrics.length > 0;
      // Points of a logged model are also kept with it.
      if (!plain || metrics.some(({ modelId = '' }) => modelId !== '')) return halves.logBatch(id, batch);
      return log.log(id, metrics);
    },
    checkHere: () => db.checkCurrent(),
    gauges: () => db.gauges(),
    backup: (file) => copyToSqlite(db, file),
    restore: (file) => copyFromSqlite(db, file),
    problems: async () => db.read(problemsOf),
    close: () => db.close(),
  });
}
