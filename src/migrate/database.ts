import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, MlopsError, openDatabase, type Database } from '../base/index.ts';
import {
  loggedModelStatuses,
  readLoggedModelUri,
  runStatuses,
  stages,
  type DatasetInput,
  type Experiment,
  type LoggedModel,
  type Metric,
  type RegisteredModel,
  type Run,
  type Tag,
} from '../mlflow/index.ts';
import { localRoots, type ImportedVersion } from '../tracking/index.ts';
import { number, pairs, text, type Query, type Row } from './database-rows.ts';
import { tracesOf } from './database-traces.ts';
import type { MigrationSource, SourceModel, SourceRun } from './source.ts';

/**
 * An SQLite database of MLflow's own server, 2.9 to 3.17: tables that a version does not have count as empty.
 *
 * @param artifacts where `mlflow-artifacts:/` of that server is; default `mlartifacts` beside the database.
 * @throws MlopsError `invalid_value` for a database that is not MLflow's.
 */
export function databaseSource(file: string, artifacts?: string): MigrationSource {
  if (!fs.existsSync(file)) throw new MlopsError('invalid_value', `there is no database '${file}'`);
  const db = openDatabase(file, { migrations: [], readonly: true });
  const tables = new Set(
    read(db, `SELECT name FROM sqlite_master WHERE type = 'table'`).map((row) => text(row, 'name')),
  );
  if (!tables.has('alembic_version') || !tables.has('experiments')) {
    db.close();
    throw new MlopsError('invalid_value', `'${file}' is not a database of MLflow`, {
      hint: 'name the file that `mlflow server --backend-store-uri sqlite:///...` uses',
    });
  }
  const query = (table: string, rest: string, ...values: readonly unknown[]): readonly Row[] =>
    tables.has(table) ? read(db, `SELECT * FROM ${table} ${rest}`, ...values) : [];
  const root = path.resolve(artifacts ?? path.join(path.dirname(file), 'mlartifacts'));
  return {
    name: file,
    experiments: async () => query('experiments', 'ORDER BY experiment_id').map((row) => toExperiment(row, query)),
    runs: (id) => runsOf(id, query),
    loggedModels: async (id) =>
      query('logged_models', `WHERE experiment_id = ? AND lifecycle_stage = 'active'`, id).map((row) =>
        toLoggedModel(row, query),
      ),
    models: async () => query('registered_models', 'ORDER BY name').map((row) => toModel(row, query)),
    traces: (id) => tracesOf(id, query),
    artifacts: (uri) => {
      try {
        return localRoots(root)(uri);
      } catch (error) {
        if (isMlopsError(error, 'invalid_value')) return undefined;
        throw error;
      }
    },
    leftBehind: async () => leftBehind(db, tables),
    close: async () => void db.close(),
  };
}

function read(db: Database, sql: string, ...values: readonly unknown[]): readonly Row[] {
  return db.prepare<unknown[], Row>(sql).all(...values);
}

/** Tables that hold what we do not keep, when they hold anything. */
function leftBehind(db: Database, tables: ReadonlySet<string>): string[] {
  const others = {
    evaluation_datasets: 'evaluation datasets',
    scorers: 'scorers',
    webhooks: 'webhooks',
  };
  return Object.entries(others).flatMap(([table, noun]) => {
    if (!tables.has(table)) return [];
    const count = Number(read(db, `SELECT count(*) AS n FROM ${table}`)[0]?.['n'] ?? 0);
    return count === 0 ? [] : [`${count} ${noun} stay behind`];
  });
}

function toExperiment(row: Row, query: Query): Experiment {
  const id = text(row, 'experiment_id');
  return {
    id,
    name: text(row, 'name'),
    artifactLocation: text(row, 'artifact_location'),
    lifecycle: text(row, 'lifecycle_stage') === 'deleted' ? 'deleted' : 'active',
    creationTime: number(row, 'creation_time'),
    lastUpdateTime: number(row, 'last_update_time'),
    tags: pairs(query('experiment_tags', 'WHERE experiment_id = ?', id)),
  };
}

async function* runsOf(experimentId: string, query: Query): AsyncIterable<SourceRun> {
  for (const row of query('runs', 'WHERE experiment_id = ? ORDER BY start_time, run_uuid', experimentId)) {
    yield toRun(row, query);
  }
}

function toRun(row: Row, query: Query): SourceRun {
  const id = text(row, 'run_uuid');
  const status = text(row, 'status');
  const end = row['end_time'];
  const run: Run = {
    info: {
      id,
      experimentId: text(row, 'experiment_id'),
      name: text(row, 'name'),
      userId: text(row, 'user_id'),
      status: runStatuses.find((one) => one === status) ?? 'FINISHED',
      startTime: number(row, 'start_time'),
      endTime: end === null || end === undefined ? undefined : Number(end),
      artifactUri: text(row, 'artifact_uri'),
      lifecycle: text(row, 'lifecycle_stage') === 'deleted' ? 'deleted' : 'active',
    },
    metrics: [],
    params: pairs(query('params', 'WHERE run_uuid = ?', id)),
    tags: pairs(query('tags', 'WHERE run_uuid = ?', id)),
    datasets: datasetsOf(id, query),
    modelInputs: query('inputs', `WHERE source_id = ? AND destination_type = 'MODEL_INPUT'`, id).map((one) =>
      text(one, 'destination_id'),
    ),
    modelOutputs: query('inputs', `WHERE source_id = ? AND destination_type = 'MODEL_OUTPUT'`, id).map((one) => ({
      modelId: text(one, 'destination_id'),
      step: number(one, 'step'),
    })),
  };
  return { run, points: query('metrics', 'WHERE run_uuid = ?', id).map(toPoint) };
}

function toPoint(row: Row): Metric {
  const nan = number(row, 'is_nan') !== 0;
  return {
    key: text(row, 'key'),
    value: nan ? NaN : number(row, 'value'),
    timestamp: number(row, 'timestamp'),
    step: number(row, 'step'),
  };
}

function datasetsOf(run: string, query: Query): DatasetInput[] {
  const inputs = query(
    'inputs',
    `WHERE destination_id = ? AND destination_type = 'RUN' AND source_type = 'DATASET'`,
    run,
  );
  return inputs.flatMap((input) =>
    query('datasets', 'WHERE dataset_uuid = ?', text(input, 'source_id')).map((row) => ({
      dataset: {
        name: text(row, 'name'),
        digest: text(row, 'digest'),
        sourceType: text(row, 'dataset_source_type'),
        source: text(row, 'dataset_source'),
        schema: text(row, 'dataset_schema') || undefined,
        profile: text(row, 'dataset_profile') || undefined,
      },
      tags: pairs(query('input_tags', 'WHERE input_uuid = ?', text(input, 'input_uuid'))),
    })),
  );
}

function toLoggedModel(row: Row, query: Query): LoggedModel {
  const id = text(row, 'model_id');
  const of = (table: string): Tag[] =>
    query(table, 'WHERE model_id = ?', id).map((one) => ({
      key: text(one, 'param_key') || text(one, 'tag_key'),
      value: text(one, 'param_value') || text(one, 'tag_value'),
    }));
  return {
    id,
    experimentId: text(row, 'experiment_id'),
    name: text(row, 'name'),
    artifactUri: text(row, 'artifact_location'),
    creationTime: number(row, 'creation_timestamp_ms'),
    lastUpdatedTime: number(row, 'last_updated_timestamp_ms'),
    status: loggedModelStatuses[number(row, 'status')] ?? 'LOGGED_MODEL_STATUS_UNSPECIFIED',
    statusMessage: text(row, 'status_message') || undefined,
    modelType: text(row, 'model_type'),
    sourceRunId: text(row, 'source_run_id'),
    tags: of('logged_model_tags'),
    params: of('logged_model_params'),
    metrics: query('logged_model_metrics', 'WHERE model_id = ?', id).map((one) => ({
      key: text(one, 'metric_name'),
      value: one['metric_value'] === null ? NaN : number(one, 'metric_value'),
      timestamp: number(one, 'metric_timestamp_ms'),
      step: number(one, 'metric_step'),
      runId: text(one, 'run_id'),
      modelId: id,
      datasetName: text(one, 'dataset_name') || undefined,
      datasetDigest: text(one, 'dataset_digest') || undefined,
    })),
  };
}

function toModel(row: Row, query: Query): SourceModel {
  const name = text(row, 'name');
  const model: RegisteredModel = {
    name,
    creationTime: number(row, 'creation_time'),
    lastUpdatedTime: number(row, 'last_updated_time'),
    description: text(row, 'description'),
    latestVersions: [],
    tags: pairs(
      query('registered_model_tags', 'WHERE name = ?', name).map(({ key, value }) => ({
        key: key ?? '',
        value: value ?? '',
      })),
    ),
    aliases: query('registered_model_aliases', 'WHERE name = ?', name).map((one) => ({
      alias: text(one, 'alias'),
      version: text(one, 'version'),
    })),
  };
  const rows = query('model_versions', `WHERE name = ? AND current_stage <> 'Deleted_Internal' ORDER BY version`, name);
  return { model, versions: rows.map((one) => toVersion(one, query)) };
}

function toVersion(row: Row, query: Query): ImportedVersion {
  const [name, version, source] = [text(row, 'name'), text(row, 'version'), text(row, 'source')];
  const stage = text(row, 'current_stage');
  const modelId = readLoggedModelUri(source);
  return {
    name,
    version,
    creationTime: number(row, 'creation_time'),
    lastUpdatedTime: number(row, 'last_updated_time'),
    userId: text(row, 'user_id'),
    stage: stages.find((one) => one === stage) ?? 'None',
    description: text(row, 'description'),
    source,
    runId: text(row, 'run_id'),
    runLink: text(row, 'run_link'),
    modelId,
    status: 'READY',
    statusMessage: '',
    tags: query('model_version_tags', 'WHERE name = ? AND version = ?', name, Number(version)).map((one) => ({
      key: text(one, 'key'),
      value: text(one, 'value'),
    })),
    aliases: [],
    location: text(row, 'storage_location') || source,
  };
}
