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
  type Tag,
  type TraceInfo,
} from '../mlflow/index.ts';
import { localRoots, type ArtifactStore, type ImportedVersion } from '../tracking/index.ts';
import { copyArtifacts } from './copy-artifacts.ts';
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
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((report: DatabaseReport) => void) | undefined;
}

interface Fill {
  readonly db: Database;
  readonly columns: ReadonlyMap<string, ReadonlySet<string>>;
  readonly report: DatabaseReport;
}

type Values = Readonly<Record<string, string | number | bigint | null | undefined>>;

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
  const db = openEmpty(file);
  const report: DatabaseReport = {
    ...{ experiments: 0, runs: 0, points: 0, loggedModels: 0, models: 0, versions: 0, traces: 0, files: 0 },
    problems: [...(await source.leftBehind())],
  };
  const fill: Fill = { db, columns: columnsOf(db), report };
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
        fillTrace(fill, trace.info);
        const location = trace.info.tags.find(({ key }) => key === 'mlflow.artifactLocation')?.value;
        if (location !== undefined) await copyFiles(source, location, target, report);
      }
    }
    for (const model of await source.models()) fillModel(fill, model);
    db.exec('COMMIT');
    return report;
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  } finally {
    db.close();
  }
}

function openEmpty(file: string): Database {
  if (!fs.existsSync(file)) {
    throw new MlopsError('invalid_value', `there is no database '${file}'`, {
      hint: `make it with the MLflow that will use it: \`mlflow db upgrade sqlite:///${path.resolve(file)}\``,
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
    throw new MlopsError('invalid_value', `'${file}' is not a database of MLflow`, {
      hint: `make one with \`mlflow db upgrade sqlite:///${path.resolve(file)}\``,
    });
  }
  throw new MlopsError('invalid_value', `'${file}' has runs, models or experiments already`, {
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

/** Inserts what the table has columns for; false when there is no such table. */
function insert({ db, columns }: Fill, table: string, values: Values): boolean {
  const known = columns.get(table);
  if (known === undefined) return false;
  const given = Object.entries(values).filter(([name, value]) => known.has(name) && value !== undefined);
  const names = given.map(([name]) => name);
  db.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`).run(
    ...given.map(([, value]) => value),
  );
  return true;
}

function fillExperiment(fill: Fill, experiment: Experiment): void {
  const id = BigInt(experiment.id);
  insert(fill, 'experiments', {
    experiment_id: id,
    name: experiment.name,
    artifact_location: experiment.artifactLocation,
    lifecycle_stage: experiment.lifecycle,
    creation_time: experiment.creationTime,
    last_update_time: experiment.lastUpdateTime,
  });
  for (const tag of experiment.tags) insert(fill, 'experiment_tags', { ...tag, experiment_id: id });
  fill.report.experiments++;
}

function fillRun(fill: Fill, run: Run, points: readonly Metric[]): void {
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
    start_time: info.startTime,
    end_time: info.endTime,
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
function pointValues({ key, value, timestamp, step }: Metric): Values {
  const nan = Number.isNaN(value);
  return { key, value: nan ? 0 : value, timestamp, step, is_nan: nan ? 1 : 0 };
}

function fillDataset(fill: Fill, { info }: Run, { dataset, tags }: DatasetInput): void {
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

function fillLink(fill: Fill, fromType: string, from: string, toType: string, to: string, step: number): string {
  const id = hexId();
  insert(fill, 'inputs', {
    input_uuid: id,
    source_type: fromType,
    source_id: from,
    destination_type: toType,
    destination_id: to,
    step,
  });
  return id;
}

function hexId(): string {
  return randomUUID().replaceAll('-', '');
}

function fillLoggedModel(fill: Fill, model: LoggedModel): void {
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
  for (const point of model.metrics) {
    insert(fill, 'logged_model_metrics', {
      ...named,
      metric_name: point.key,
      metric_timestamp_ms: point.timestamp,
      metric_step: point.step,
      metric_value: Number.isNaN(point.value) ? null : point.value,
      run_id: point.runId ?? model.sourceRunId,
      dataset_name: point.datasetName,
      dataset_digest: point.datasetDigest,
    });
  }
  fill.report.loggedModels++;
}

function fillModel(fill: Fill, { model, versions }: SourceModel): void {
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

function fillVersion(fill: Fill, version: ImportedVersion): void {
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

/** What MLflow keeps of a trace beside its files: spans that only our database has are left behind. */
function fillTrace(fill: Fill, trace: TraceInfo): void {
  const there = insert(fill, 'trace_info', {
    request_id: trace.id,
    experiment_id: BigInt(trace.experimentId),
    timestamp_ms: trace.requestTime,
    execution_time_ms: trace.duration,
    status: trace.state === 'STATE_UNSPECIFIED' ? 'IN_PROGRESS' : trace.state,
    client_request_id: trace.clientRequestId,
    request_preview: trace.requestPreview,
    response_preview: trace.responsePreview,
    trace_name: trace.tags.find(({ key }) => key === 'mlflow.traceName')?.value,
  });
  if (!there) {
    fill.report.problems.push(`trace ${trace.id} stays behind: this release of MLflow has none`);
    return;
  }
  // Its spans are read from its file, which every client writes beside them.
  const tags = trace.tags.filter(({ key }) => key !== 'mlflow.trace.spansLocation');
  const pairs = (table: string, items: readonly Tag[]): void => {
    for (const pair of items) insert(fill, table, { ...pair, request_id: trace.id });
  };
  pairs('trace_tags', tags);
  pairs('trace_request_metadata', trace.metadata);
  if (trace.assessments.length > 0) {
    fill.report.problems.push(`${trace.assessments.length} assessments of trace ${trace.id} stay behind`);
  }
  fill.report.traces++;
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
  if (from === undefined) return;
  await copyArtifacts(from, target(uri), { uri, report });
}
