import type { Purge, PurgeQuery } from '../types.ts';
import type { Connection } from './connection.ts';

interface Gone {
  readonly n: number;
  readonly id: string;
  readonly uri: string;
}

/** Permanently removes deleted runs, logged models and experiments; the caller holds the transaction. */
export function purge(c: Connection, query: PurgeQuery): Purge {
  const before = query.deletedBefore ?? Number.MAX_SAFE_INTEGER;
  const experiments = c
    .sql<Gone>('SELECT n, id, artifact_location AS uri FROM experiments WHERE lifecycle = 1 AND last_update_time <= ?')
    .all(before);
  const all = JSON.stringify(experiments.map((one) => one.n));
  const runs = c
    .sql<Gone>(
      `SELECT n, id, artifact_uri AS uri FROM runs WHERE (lifecycle = 1 AND COALESCE(deleted_time, 0) <= ?)
       OR experiment IN (SELECT value FROM json_each(?))`,
    )
    .all(before, all);
  const models = c
    .sql<Gone>(
      `SELECT n, id, artifact_uri AS uri FROM logged_models WHERE (lifecycle = 1 AND COALESCE(deleted_time, 0) <= ?)
       OR experiment IN (SELECT value FROM json_each(?))`,
    )
    .all(before, all);
  if (query.dryRun !== true) remove(c, runs, models, all);
  return {
    runs: runs.map((run) => run.id),
    models: models.map((model) => model.id),
    experiments: experiments.map((experiment) => experiment.id),
    artifactUris: [...runs, ...models, ...experiments].map((one) => one.uri),
  };
}

function remove(c: Connection, runs: readonly Gone[], models: readonly Gone[], experiments: string): void {
  const numbers = JSON.stringify(runs.map((run) => run.n));
  c.sql(
    `DELETE FROM run_dataset_tags WHERE input IN
     (SELECT id FROM run_datasets WHERE run IN (SELECT value FROM json_each(?)))`,
  ).run(numbers);
  for (const table of ['run_datasets', 'run_models', 'metrics', 'latest', 'params', 'tags']) {
    c.sql(`DELETE FROM ${table} WHERE run IN (SELECT value FROM json_each(?))`).run(numbers);
  }
  c.sql('DELETE FROM runs WHERE n IN (SELECT value FROM json_each(?))').run(numbers);
  const modelNumbers = JSON.stringify(models.map((model) => model.n));
  for (const table of ['logged_model_params', 'logged_model_tags', 'logged_model_metrics']) {
    c.sql(`DELETE FROM ${table} WHERE model IN (SELECT value FROM json_each(?))`).run(modelNumbers);
  }
  c.sql('DELETE FROM logged_models WHERE n IN (SELECT value FROM json_each(?))').run(modelNumbers);
  c.sql('DELETE FROM datasets WHERE experiment IN (SELECT value FROM json_each(?))').run(experiments);
  c.sql('DELETE FROM experiment_tags WHERE experiment IN (SELECT value FROM json_each(?))').run(experiments);
  c.sql('DELETE FROM experiments WHERE n IN (SELECT value FROM json_each(?))').run(experiments);
}
