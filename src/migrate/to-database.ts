import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, openDatabase, type Database } from '../base/index.ts';
import {
  loggedModelStatuses,
  type DatasetInput,
  type Experiment,
  type LoggedModel,
  type Metric,
  type Run,
} from '../mlflow/index.ts';
import { localRoots, type ArtifactStore, type ImportedVersion } from '../tracking/index.ts';
import { copyArtifacts } from './copy-artifacts.ts';
import { fillTrace, insert, int64, type Fill } from './fill-traces.ts';
import type { MigrationSource, SourceModel } from './source.ts';

export interface DatabaseReport {
  experiments: number;
  runs: number;
  points: number;
  loggedModels: number;
  models: number;
  versions: number;
  traces: number;
  files: number;
  /** What could not be carried. */
  readonly problems: string[];
}

export interface ToDatabaseOptions {
  /** Where `mlflow-artifacts:/` of the server on that database will be. Default: `mlartifacts` beside the file. */
  readonly artifacts?: string | undefined;
  /** What messages call the database. Default: the file. */
  readonly shown?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((report: DatabaseReport) => void) | undefined;
}

interface DatabaseFill extends Fill {
  readonly report: DatabaseReport;
}

/**
 * Fills an empty SQLite database that the user's own `mlflow db upgrade` made, so that MLflow's server goes on with
 * it: ids, times, histories, registry and traces stay. The rows are one transaction: all of them or none. Columns
 * and tables that this release of MLflow does not have are left out, and said so when something is lost by it.
 *
 * @throws MlopsError `invalid_value` when the database is not MLflow's, or not empty.
 */
export async function migrateToDatabase(
  source: MigrationSource,
  file: string,
  options: ToDatabaseOptions = {},
): Promise<DatabaseReport> {
  const db = openEmpty(file, options.shown ?? `sqlite:///${path.resolve(file)}`);
  const report: DatabaseReport = {
    ...{ experiments: 0, runs: 0, points: 0, loggedModels: 0, models: 0, versions: 0, traces: 0, files: 0 },
    problems: [...(await source.leftBehind())],
  };
  const fill: DatabaseFill = { db, columns: columnsOf(db), report };
  const target = localRoots(path.resolve(options.artifacts ?? path.join(path.dirname(file), 'mlartifacts')));
  const step = (): void => {
    options.signal?.throwIfAborted();
    options.onProgress?.(report);
  };
  try {
    db.exec('BEGIN IMMEDIATE');
    db.exec('DELETE FROM experiments');
    for (const experiment of await source.experiments()) {
      fillExperiment(fill, experiment);
      for await (const { run, points } of source.runs(experiment.id)) {
        step();
        fillRun(fill, run, points);
        await copyFiles(source, run.info.artifactUri, target, report);
      }
      for (const model of await source.loggedModels(experiment.id)) {
        step();
        fillLoggedModel(fill, model);
        await copyFiles(source, model.artifactUri, target, report);
      }
      for await (const trace of source.traces?.(experiment.id) ?? []) {
        step();
        fillTrace(fill, trace);
        const location = trace.info.tags.find(({ key }) => key === 'mlflow.artifactLocation')?.value;
        if (location !== undefined) await copyFiles(source, location, target, report);
      }
    }
    for (const model of await source.models()) fillModel(fill, model);
    if (report.files === 0) tellOfNoFiles(source, report);
    db.exec('COMMIT');
    return report;
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  } finally {
    db.close();
  }
}

function openEmpty(file: string, shown: string): Database {
  if (!fs.existsSync(file)) {
    throw new MlopsError('invalid_value', `there is no database '${file}'`, {
      hint: `make it with the MLflow that will use it: \`mlflow db upgrade ${shown}\``,
    });
  }
  const db = openDatabase(file, { migrations: [], keepJournal: true });
  const columns = columnsOf(db);
  const count = (table: string): number =>
    columns.has(table) ? Number(db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n) : 0;
  const isMlflow = columns.has('alembic_version') && columns.has('experiments') && columns.has('latest_metrics');
  const isEmpty = ['runs', 'registered_models', 'logged_models', 'trace_info'].every((table) => count(table) === 0);
  if (isMlflow && isEmpty && count('experiments') <= 1) return db;
  db.close();
  if (!isMlflow) {
    throw new MlopsError('invalid_value', `'${shown}' is not a database of MLflow`, {
      hint: `make one with \`mlflow db upgrade ${shown}\``,
    });
  }
  throw new MlopsError('invalid_value', `'${shown}' has runs, models or experiments already`, {
    hint: 'name a fresh database, or start MLflow on this one and name the address of that server',
  });
}

function columnsOf(db: Database): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const rows = db
    .prepare<[], { table: string; column: string }>(
      `SELECT m.name AS "table", c.name AS "column" FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'`,
    )
    .all();
  for (const { table, column } of rows) found.set(table, (found.get(table) ?? new Set()).add(column));
  return found;
}

function fillExperiment(fill: DatabaseFill, experiment: Experiment): void {
  const id = BigInt(experiment.id);
  insert(fill, 'experiments', {
    experiment_id: id,
    name: experiment.name,
    artifact_location: experiment.artifactLocation,
    lifecycle_stage: experiment.lifecycle,
    creation_time: int64(experiment.creationTime),
    last_update_time: int64(experiment.lastUpdateTime),
  });
  for (const tag of experiment.tags) insert(fill, 'experiment_tags', { ...tag, experiment_id: id });
  fill.report.experiments++;
}

function fillRun(fill: DatabaseFill, run: Run, points: readonly Metric[]): void {
  const { info } = run;
  const named = { run_uuid: info.id };
  insert(fill, 'runs', {
    ...named,
    name: info.name,
    source_type: 'UNKNOWN',
    source_name: '',
    entry_point_name: '',
    source_version: '',
    user_id: info.userId,
    status: info.status,
    start_time: int64(info.startTime),
    end_time: int64(info.endTime),
    lifecycle_stage: info.lifecycle,
    deleted_time: info.lifecycle === 'deleted' ? Date.now() : undefined,
    artifact_uri: info.artifactUri,
    experiment_id: BigInt(info.experimentId),
  });
  for (const pair of run.params) insert(fill, 'params', { ...named, ...pair });
  for (const pair of run.tags) insert(fill, 'tags', { ...named, ...pair });
  for (const point of points) insert(fill, 'metrics', { ...named, ...pointValues(point) });
  for (const point of run.metrics) insert(fill, 'latest_metrics', { ...named, ...pointValues(point) });
  for (const input of run.datasets) fillDataset(fill, run, input);
  for (const id of run.modelInputs) fillLink(fill, 'RUN_INPUT', info.id, 'MODEL_INPUT', id, 0);
  for (const { modelId, step } of run.modelOutputs)
    fillLink(fill, 'RUN_OUTPUT', info.id, 'MODEL_OUTPUT', modelId, step);
  fill.report.runs++;
  fill.report.points += points.length;
}

/** MLflow keeps NaN as 0 with a mark. */
function pointValues({ key, value, timestamp, step }: Metric): Parameters<typeof insert>[2] {
  const nan = Number.isNaN(value);
  return { key, value: nan ? 0 : value, timestamp: int64(timestamp), step: int64(step), is_nan: nan ? 1 : 0 };
}

function fillDataset(fill: DatabaseFill, { info }: Run, { dataset, tags }: DatasetInput): void {
  const known = fill.db
    .prepare<unknown[], { id: string }>(
      'SELECT dataset_uuid AS id FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?',
    )
    .get(BigInt(info.experimentId), dataset.name, dataset.digest);
  const id = known?.id ?? hexId();
  if (known === undefined) {
    insert(fill, 'datasets', {
      dataset_uuid: id,
      experiment_id: BigInt(info.experimentId),
      name: dataset.name,
      digest: dataset.digest,
      dataset_source_type: dataset.sourceType,
      dataset_source: dataset.source,
      dataset_schema: dataset.schema,
      dataset_profile: dataset.profile,
    });
  }
  const input = fillLink(fill, 'DATASET', id, 'RUN', info.id, 0);
  for (const { key, value } of tags) insert(fill, 'input_tags', { input_uuid: input, name: key, value });
}

function fillLink(
  fill: DatabaseFill,
  fromType: string,
  from: string,
  toType: string,
  to: string,
  step: number,
): string {
  const id = hexId();
  insert(fill, 'inputs', {
    input_uuid: id,
    source_type: fromType,
    source_id: from,
    destination_type: toType,
    destination_id: to,
    step: int64(step),
  });
  return id;
}

function hexId(): string {
  return randomUUID().replaceAll('-', '');
}

function fillLoggedModel(fill: DatabaseFill, model: LoggedModel): void {
  const named = { model_id: model.id, experiment_id: BigInt(model.experimentId) };
  const there = insert(fill, 'logged_models', {
    ...named,
    name: model.name,
    artifact_location: model.artifactUri,
    creation_timestamp_ms: model.creationTime,
    last_updated_timestamp_ms: model.lastUpdatedTime,
    status: loggedModelStatuses.indexOf(model.status),
    lifecycle_stage: 'active',
    model_type: model.modelType,
    source_run_id: model.sourceRunId === '' ? undefined : model.sourceRunId,
    status_message: model.statusMessage,
  });
  if (!there) {
    fill.report.problems.push(`logged model ${model.id} stays behind: this release of MLflow has none`);
    return;
  }
  for (const { key, value } of model.params) {
    insert(fill, 'logged_model_params', { ...named, param_key: key, param_value: value });
  }
  for (const { key, value } of model.tags) {
    insert(fill, 'logged_model_tags', { ...named, tag_key: key, tag_value: value });
  }
  const taken = new Set<string>();
  for (const point of model.metrics) {
    // MLflow's key leaves dataset and value out.
    const key = JSON.stringify([point.key, point.timestamp, point.step, point.runId]);
    if (taken.has(key)) {
      const where = point.datasetName === undefined ? '' : ` on '${point.datasetName}'`;
      fill.report.problems.push(
        `one point of metric '${point.key}'${where} of logged model ${model.id} stays behind: MLflow keeps one for each run, step and time`,
      );
      continue;
    }
    taken.add(key);
    insert(fill, 'logged_model_metrics', {
      ...named,
      metric_name: point.key,
      metric_timestamp_ms: int64(point.timestamp),
      metric_step: int64(point.step),
      // MLflow has no mark for NaN here, and cannot send what is no number.
      metric_value: Number.isNaN(point.value) ? 0 : point.value,
      run_id: point.runId ?? model.sourceRunId,
      dataset_name: point.datasetName,
      dataset_digest: point.datasetDigest,
    });
  }
  fill.report.loggedModels++;
}

function fillModel(fill: DatabaseFill, { model, versions }: SourceModel): void {
  const { name } = model;
  insert(fill, 'registered_models', {
    name,
    creation_time: model.creationTime,
    last_updated_time: model.lastUpdatedTime,
    description: model.description,
  });
  for (const tag of model.tags) insert(fill, 'registered_model_tags', { name, ...tag });
  for (const version of versions) fillVersion(fill, version);
  for (const { alias, version } of model.aliases) {
    const there = insert(fill, 'registered_model_aliases', { name, alias, version: Number(version) });
    if (!there) fill.report.problems.push(`alias '${alias}' of '${name}' stays behind`);
  }
  fill.report.models++;
}

function fillVersion(fill: DatabaseFill, version: ImportedVersion): void {
  const named = { name: version.name, version: Number(version.version) };
  insert(fill, 'model_versions', {
    ...named,
    creation_time: version.creationTime,
    last_updated_time: version.lastUpdatedTime,
    description: version.description,
    user_id: version.userId === '' ? undefined : version.userId,
    current_stage: version.stage,
    source: version.source,
    run_id: version.runId === '' ? undefined : version.runId,
    status: 'READY',
    run_link: version.runLink,
    storage_location: version.location,
  });
  for (const tag of version.tags) insert(fill, 'model_version_tags', { ...named, ...tag });
  fill.report.versions++;
}

/** A server may have kept its artifacts elsewhere: that there are none here is then no good news. */
function tellOfNoFiles(source: MigrationSource, report: DatabaseReport): void {
  const root = source.artifacts('mlflow-artifacts:/')?.localPath?.('');
  if (report.runs + report.loggedModels === 0 || root === undefined) return;
  const found = fs.existsSync(root)
    ? `there are no artifacts in ${root}`
    : `there is no folder ${root}, so no artifacts came along`;
  report.problems.push(`${found}; if the server had another --artifacts-destination, name it with --from-artifacts`);
}

async function copyFiles(
  source: MigrationSource,
  uri: string,
  target: (uri: string) => ArtifactStore,
  report: DatabaseReport,
): Promise<void> {
  // Object stores stay where they are.
  if (!uri.startsWith('mlflow-artifacts:')) return;
  const from = source.artifacts(uri);
  if (from !== undefined) await copyArtifacts(from, target(uri), { uri, report });
}
