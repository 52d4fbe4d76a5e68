import type { Purge, PurgeQuery } from '../types.ts';
import { among, raw, sql } from './sql.ts';
import { all, run, type Work } from './work.ts';

interface Gone {
  readonly n: number;
  readonly id: string;
  readonly uri: string;
}

/** Permanently removes deleted runs, logged models and experiments. */
export function* purge(query: PurgeQuery): Work<Purge> {
  const before = query.deletedBefore ?? Number.MAX_SAFE_INTEGER;
  const experiments = yield* all<Gone>(
    sql`SELECT n, id, artifact_location AS uri FROM experiments WHERE lifecycle = 1 AND last_update_time <= ${before}`,
  );
  const gone = experiments.map((one) => one.n);
  const ofThese = among(raw('experiment'), gone);
  const runs = yield* all<Gone>(
    sql`SELECT n, id, artifact_uri AS uri FROM runs
      WHERE (lifecycle = 1 AND COALESCE(deleted_time, 0) <= ${before}) OR ${ofThese}`,
  );
  const models = yield* all<Gone>(
    sql`SELECT n, id, artifact_uri AS uri FROM logged_models
      WHERE (lifecycle = 1 AND COALESCE(deleted_time, 0) <= ${before}) OR ${ofThese}`,
  );
  if (query.dryRun !== true) yield* remove(runs, models, gone);
  return {
    runs: runs.map((one) => one.id),
    models: models.map((model) => model.id),
    experiments: experiments.map((experiment) => experiment.id),
    artifactUris: [...runs, ...models, ...experiments].map((one) => one.uri),
  };
}

function* remove(runs: readonly Gone[], models: readonly Gone[], experiments: readonly number[]): Work<void> {
  const runNumbers = runs.map(({ n }) => n);
  const ofRuns = among(raw('run'), runNumbers);
  yield* run(sql`DELETE FROM run_dataset_tags WHERE input IN (SELECT id FROM run_datasets WHERE ${ofRuns})`);
  for (const table of ['run_datasets', 'run_models', 'metrics', 'latest', 'params', 'tags']) {
    yield* run(sql`DELETE FROM ${raw(table)} WHERE ${ofRuns}`);
  }
  yield* run(sql`DELETE FROM runs WHERE ${among(raw('n'), runNumbers)}`);
  const modelNumbers = models.map(({ n }) => n);
  for (const table of ['logged_model_params', 'logged_model_tags', 'logged_model_metrics']) {
    yield* run(sql`DELETE FROM ${raw(table)} WHERE ${among(raw('model'), modelNumbers)}`);
  }
  yield* run(sql`DELETE FROM logged_models WHERE ${among(raw('n'), modelNumbers)}`);
  for (const table of ['datasets', 'experiment_tags']) {
    yield* run(sql`DELETE FROM ${raw(table)} WHERE ${among(raw('experiment'), experiments)}`);
  }
  yield* run(sql`DELETE FROM experiments WHERE ${among(raw('n'), experiments)}`);
}
