import type { Experiment, LoggedModel, Metric, ModelVersion, RegisteredModel, Run, Tag } from '../../mlflow/index.ts';
import type { Connection } from './connection.ts';
import { nextNumber } from './experiments.ts';
import { insertInputs, insertModel } from './inputs.ts';
import type { Keys } from './keys.ts';
import { insertMetrics, putTag } from './log.ts';
import { insertModelMetrics } from './logged-model-rows.ts';

/** A version with the place of its files, which the wire does not carry. */
export interface ImportedVersion extends ModelVersion {
  readonly location: string;
}

/**
 * Takes over things from another store with their ids and times. Each call is one transaction; what is there
 * already stays as it is, so an interrupted import can be run again.
 */
export interface Importer {
  /** @returns the id, a new one when another experiment has it, and the one that is there when the name is known. */
  experiment(experiment: Experiment): Promise<string>;
  /** @returns false when the run was there. */
  run(run: Run, points: readonly Metric[]): Promise<boolean>;
  loggedModel(model: LoggedModel): Promise<boolean>;
  registeredModel(model: RegisteredModel, versions: readonly ImportedVersion[]): Promise<boolean>;
}

export function importerOf(c: Connection, keys: Keys): Importer {
  return {
    experiment: (experiment) => c.write(() => importExperiment(c, experiment)),
    run: (run, points) => c.write(() => importRun(c, keys, run, points)),
    loggedModel: (model) => c.write(() => importLoggedModel(c, model)),
    registeredModel: (model, versions) => c.write(() => importRegisteredModel(c, model, versions)),
  };
}

function importExperiment(c: Connection, experiment: Experiment): string {
  const known = c.sql<{ id: string; n: number }>('SELECT id, n FROM experiments WHERE name = ?').get(experiment.name);
  const n = known?.n ?? freeNumber(c, experiment.id);
  const id = known?.id ?? (c.experimentNumber(experiment.id) === undefined ? experiment.id : String(n));
  if (known === undefined) {
    c.sql(
      `INSERT INTO experiments (n, id, name, artifact_location, lifecycle, creation_time, last_update_time)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      n,
      id,
      experiment.name,
      experiment.artifactLocation,
      experiment.lifecycle === 'active' ? 0 : 1,
      experiment.creationTime,
      experiment.lastUpdateTime,
    );
  }
  // Of an experiment that both have, like Default, the older birthday holds.
  c.sql('UPDATE experiments SET creation_time = min(creation_time, ?) WHERE n = ?').run(experiment.creationTime, n);
  for (const { key, value } of experiment.tags) {
    c.sql('INSERT INTO experiment_tags (experiment, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(
      n,
      key,
      value,
    );
  }
  return id;
}

/** Small ids stay the numbers that new experiments are counted from. */
function freeNumber(c: Connection, id: string): number {
  const wanted = Number(id);
  const taken = c.sql('SELECT 1 FROM experiments WHERE n = ? OR id = ?').get(wanted, id) !== undefined;
  return !taken && Number.isSafeInteger(wanted) && wanted < 1e9 ? wanted : nextNumber(c);
}

function importRun(c: Connection, keys: Keys, run: Run, points: readonly Metric[]): boolean {
  const { info } = run;
  if (c.sql('SELECT 1 FROM runs WHERE id = ?').get(info.id) !== undefined) return false;
  const experiment = c.experimentNumber(info.experimentId) ?? 0;
  const inserted = c
    .sql(
      `INSERT INTO runs (id, experiment, name, user_id, status, start_time, end_time, lifecycle, deleted_time, artifact_uri)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      info.id,
      experiment,
      info.name,
      info.userId,
      info.status,
      info.startTime,
      info.endTime ?? null,
      info.lifecycle === 'active' ? 0 : 1,
      info.lifecycle === 'active' ? null : Date.now(),
      info.artifactUri,
    );
  const ref = { n: Number(inserted.lastInsertRowid), experiment };
  for (const tag of run.tags) putTag(c, keys, ref, tag);
  for (const { key, value } of run.params) {
    c.sql('INSERT INTO params (run, key, experiment, value) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING').run(
      ref.n,
      keys.number(key),
      experiment,
      value,
    );
  }
  insertMetrics(c, keys, ref, points);
  insertInputs(c, ref, run.datasets, run.modelInputs);
  for (const { modelId, step } of run.modelOutputs) insertModel(c, ref.n, 'output', modelId, step);
  return true;
}

function importLoggedModel(c: Connection, model: LoggedModel): boolean {
  if (c.sql('SELECT 1 FROM logged_models WHERE id = ?').get(model.id) !== undefined) return false;
  const { lastInsertRowid } = c
    .sql(
      `INSERT INTO logged_models (id, experiment, name, artifact_uri, creation_time, last_updated_time, status,
       status_message, model_type, source_run_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      model.id,
      c.experimentNumber(model.experimentId) ?? 0,
      model.name,
      model.artifactUri,
      model.creationTime,
      model.lastUpdatedTime,
      model.status,
      model.statusMessage ?? null,
      model.modelType,
      model.sourceRunId,
    );
  const pairs = (table: string, items: readonly Tag[]): void => {
    for (const { key, value } of items) {
      c.sql(`INSERT INTO ${table} (model, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`).run(
        Number(lastInsertRowid),
        key,
        value,
      );
    }
  };
  pairs('logged_model_params', model.params);
  pairs('logged_model_tags', model.tags);
  for (const point of model.metrics) {
    insertModelMetrics(c, point.runId ?? model.sourceRunId, [{ ...point, modelId: model.id }]);
  }
  return true;
}

function importRegisteredModel(c: Connection, model: RegisteredModel, versions: readonly ImportedVersion[]): boolean {
  if (c.sql('SELECT 1 FROM registered_models WHERE name = ?').get(model.name) !== undefined) return false;
  const newest = Math.max(0, ...versions.map((version) => Number(version.version)));
  c.sql(
    `INSERT INTO registered_models (name, creation_time, last_updated_time, description, last_version)
     VALUES (?, ?, ?, ?, ?)`,
  ).run(model.name, model.creationTime, model.lastUpdatedTime, model.description, newest);
  for (const { key, value } of model.tags) {
    c.sql('INSERT INTO registered_model_tags (name, key, value) VALUES (?, ?, ?)').run(model.name, key, value);
  }
  for (const version of versions) importVersion(c, version);
  for (const { alias, version } of model.aliases) {
    c.sql('INSERT INTO model_aliases (name, alias, version) VALUES (?, ?, ?)').run(model.name, alias, Number(version));
  }
  return true;
}

function importVersion(c: Connection, version: ImportedVersion): void {
  c.sql(
    `INSERT INTO model_versions (name, version, creation_time, last_updated_time, user_id, stage, description, source,
     location, run_id, run_link, model_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    version.name,
    Number(version.version),
    version.creationTime,
    version.lastUpdatedTime,
    version.userId,
    version.stage,
    version.description,
    version.source,
    version.location,
    version.runId,
    version.runLink,
    version.modelId ?? null,
  );
  for (const { key, value } of version.tags) {
    c.sql('INSERT INTO model_version_tags (name, version, key, value) VALUES (?, ?, ?, ?)').run(
      version.name,
      Number(version.version),
      key,
      value,
    );
  }
}
