import type { Experiment, LoggedModel, Metric, ModelVersion, RegisteredModel, Run, Tag } from '../../mlflow/index.ts';
import type { ImportedVersion, Importer } from '../importer.ts';
import { experimentNumber, type Context } from './context.ts';
import { nextNumber } from './experiments.ts';
import { insertInputs, insertModel } from './inputs.ts';
import { insertMetrics, insertParams, keysOf, putTags } from './log.ts';
import { insertModelMetrics } from './logged-model-rows.ts';
import { raw, sql } from './sql.ts';
import { get, one, run, type Work } from './work.ts';

export function importerOf(c: Context): Importer {
  return {
    experiment: (experiment) => c.writeAlone(() => importExperiment(c, experiment)),
    run: (imported, points) => c.write(() => importRun(c, imported, points)),
    loggedModel: (model) => c.write(() => importLoggedModel(model)),
    registeredModel: (model, versions) => c.write(() => importRegisteredModel(model, versions)),
  };
}

function* importExperiment(c: Context, experiment: Experiment): Work<string> {
  const { name, artifactLocation, lifecycle, creationTime, lastUpdateTime } = experiment;
  const known = yield* get<{ id: string; n: number }>(sql`SELECT id, n FROM experiments WHERE name = ${name}`);
  const n = known?.n ?? (yield* freeNumber(c, experiment.id));
  const taken = known === undefined && (yield* experimentNumber(experiment.id)) !== undefined;
  const id = known?.id ?? (taken ? String(n) : experiment.id);
  if (known === undefined) {
    yield* run(
      sql`INSERT INTO experiments (n, id, name, artifact_location, lifecycle, creation_time, last_update_time)
        VALUES (${n}, ${id}, ${name}, ${artifactLocation}, ${lifecycle === 'active' ? 0 : 1}, ${creationTime},
          ${lastUpdateTime})`,
    );
  }
  // Of an experiment that both have, like Default, the older birthday holds.
  yield* run(
    sql`UPDATE experiments SET creation_time = ${creationTime} WHERE n = ${n} AND creation_time > ${creationTime}`,
  );
  for (const { key, value } of experiment.tags) {
    yield* run(
      sql`INSERT INTO experiment_tags (experiment, key, value) VALUES (${n}, ${key}, ${value}) ON CONFLICT DO NOTHING`,
    );
  }
  return id;
}

/** Small ids stay the numbers that new experiments are counted from. */
function* freeNumber(c: Context, id: string): Work<number> {
  const wanted = Number(id);
  if (!Number.isSafeInteger(wanted) || wanted >= 1e9) return yield* nextNumber();
  const taken = yield* get(sql`SELECT 1 FROM experiments WHERE n = ${wanted} OR id = ${id}`);
  if (taken !== undefined) return yield* nextNumber();
  if (c.dialect === 'postgres') {
    const next = sql`SELECT setval('experiment_numbers', greatest(${wanted}::bigint, 1, last_value)) FROM experiment_numbers`;
    yield* get(next);
  }
  return wanted;
}

function* importRun(c: Context, imported: Run, points: readonly Metric[]): Work<boolean> {
  const { info, tags, params } = imported;
  yield* c.keys.make(keysOf({ tags, params, metrics: points }));
  if ((yield* get(sql`SELECT 1 FROM runs WHERE id = ${info.id}`)) !== undefined) return false;
  const experiment = (yield* experimentNumber(info.experimentId)) ?? 0;
  const deleted = info.lifecycle === 'deleted';
  const { n } = yield* one<{ n: number }>(
    sql`INSERT INTO runs (id, experiment, name, user_id, status, start_time, end_time, lifecycle, deleted_time, artifact_uri)
      VALUES (${info.id}, ${experiment}, ${info.name}, ${info.userId}, ${info.status}, ${info.startTime}, ${info.endTime},
        ${deleted ? 1 : 0}, ${deleted ? Date.now() : null}, ${info.artifactUri}) RETURNING n`,
  );
  const ref = { n, experiment };
  yield* putTags(c, ref, tags);
  yield* insertParams(c, info.id, ref, params);
  yield* insertMetrics(c, ref, points);
  yield* insertInputs(ref, imported.datasets, imported.modelInputs);
  for (const { modelId, step } of imported.modelOutputs) yield* insertModel(n, 'output', modelId, step);
  return true;
}

function* importLoggedModel(model: LoggedModel): Work<boolean> {
  if ((yield* get(sql`SELECT 1 FROM logged_models WHERE id = ${model.id}`)) !== undefined) return false;
  const experiment = (yield* experimentNumber(model.experimentId)) ?? 0;
  const { n } = yield* one<{ n: number }>(
    sql`INSERT INTO logged_models (id, experiment, name, artifact_uri, creation_time, last_updated_time, status,
      status_message, model_type, source_run_id) VALUES (${model.id}, ${experiment}, ${model.name}, ${model.artifactUri},
      ${model.creationTime}, ${model.lastUpdatedTime}, ${model.status}, ${model.statusMessage}, ${model.modelType},
      ${model.sourceRunId}) RETURNING n`,
  );
  function* pairs(table: string, items: readonly Tag[]): Work<void> {
    for (const { key, value } of items) {
      yield* run(
        sql`INSERT INTO ${raw(table)} (model, key, value) VALUES (${n}, ${key}, ${value}) ON CONFLICT DO NOTHING`,
      );
    }
  }
  yield* pairs('logged_model_params', model.params);
  yield* pairs('logged_model_tags', model.tags);
  for (const point of model.metrics) {
    yield* insertModelMetrics(point.runId ?? model.sourceRunId, [{ ...point, modelId: model.id }]);
  }
  return true;
}

function* importRegisteredModel(model: RegisteredModel, versions: readonly ImportedVersion[]): Work<boolean> {
  const { name } = model;
  if ((yield* get(sql`SELECT 1 FROM registered_models WHERE name = ${name}`)) !== undefined) return false;
  const newest = Math.max(0, ...versions.map((version) => Number(version.version)));
  yield* run(
    sql`INSERT INTO registered_models (name, creation_time, last_updated_time, description, last_version)
      VALUES (${name}, ${model.creationTime}, ${model.lastUpdatedTime}, ${model.description}, ${newest})`,
  );
  for (const { key, value } of model.tags) {
    yield* run(sql`INSERT INTO registered_model_tags (name, key, value) VALUES (${name}, ${key}, ${value})`);
  }
  for (const version of versions) yield* importVersion(version);
  for (const { alias, version } of model.aliases) {
    yield* run(sql`INSERT INTO model_aliases (name, alias, version) VALUES (${name}, ${alias}, ${Number(version)})`);
  }
  return true;
}

function* importVersion(imported: ImportedVersion): Work<void> {
  const v: ModelVersion = imported;
  const number = Number(v.version);
  yield* run(
    sql`INSERT INTO model_versions (name, version, creation_time, last_updated_time, user_id, stage, description, source,
      location, run_id, run_link, model_id) VALUES (${v.name}, ${number}, ${v.creationTime}, ${v.lastUpdatedTime},
      ${v.userId}, ${v.stage}, ${v.description}, ${v.source}, ${imported.location}, ${v.runId}, ${v.runLink}, ${v.modelId})`,
  );
  for (const { key, value } of v.tags) {
    yield* run(
      sql`INSERT INTO model_version_tags (name, version, key, value) VALUES (${v.name}, ${number}, ${key}, ${value})`,
    );
  }
}
