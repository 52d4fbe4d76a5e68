import type { LoggedModel, LoggedModelStatus, Metric, Tag } from '../../mlflow/index.ts';
import { noLoggedModel } from '../rules/index.ts';
import type { Connection } from './connection.ts';

export interface LoggedModelRow {
  readonly n: number;
  readonly id: string;
  readonly experiment: number;
  readonly name: string;
  readonly artifact_uri: string;
  readonly creation_time: number;
  readonly last_updated_time: number;
  readonly status: string;
  readonly status_message: string | null;
  readonly model_type: string;
  readonly source_run_id: string;
  readonly lifecycle: number;
}

export function findLoggedModel(c: Connection, id: string): LoggedModelRow | undefined {
  return c.sql<LoggedModelRow>('SELECT * FROM logged_models WHERE id = ? AND lifecycle = 0').get(id);
}

/** The row, deleted or not. */
export function anyLoggedModel(c: Connection, id: string): LoggedModelRow {
  const row = c.sql<LoggedModelRow>('SELECT * FROM logged_models WHERE id = ?').get(id);
  if (row === undefined) throw noLoggedModel(id);
  return row;
}

export function needLoggedModel(c: Connection, id: string): LoggedModelRow {
  const row = findLoggedModel(c, id);
  if (row === undefined) throw noLoggedModel(id);
  return row;
}

/** Points that name a model are also points of that model. */
export function insertModelMetrics(c: Connection, runId: string, points: readonly Metric[]): void {
  for (const point of points) {
    if (point.modelId === undefined || point.modelId === '') continue;
    const model = anyLoggedModel(c, point.modelId);
    const nan = Number.isNaN(point.value);
    c.sql(
      `INSERT INTO logged_model_metrics (model, key, run_id, timestamp, step, value, is_nan, dataset_name, dataset_digest)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ).run(
      model.n,
      point.key,
      runId,
      point.timestamp,
      point.step,
      nan ? 0 : point.value,
      nan ? 1 : 0,
      point.datasetName ?? null,
      point.datasetDigest ?? null,
    );
  }
}

interface ModelMetricRow {
  readonly key: string;
  readonly run_id: string;
  readonly timestamp: number;
  readonly step: number;
  readonly value: number;
  readonly is_nan: number;
  readonly dataset_name: string | null;
  readonly dataset_digest: string | null;
}

export function toLoggedModel(c: Connection, row: LoggedModelRow): LoggedModel {
  const pairs = (table: string): Tag[] =>
    c.sql<Tag>(`SELECT key, value FROM ${table} WHERE model = ? ORDER BY key`).all(row.n);
  return {
    id: row.id,
    experimentId: c.experimentId(row.experiment),
    name: row.name,
    artifactUri: row.artifact_uri,
    creationTime: row.creation_time,
    lastUpdatedTime: row.last_updated_time,
    status: row.status as LoggedModelStatus,
    statusMessage: row.status_message ?? undefined,
    modelType: row.model_type,
    sourceRunId: row.source_run_id,
    tags: pairs('logged_model_tags'),
    params: pairs('logged_model_params'),
    metrics: newestMetrics(c, row),
  };
}

/** The newest point of each metric on each dataset. */
function newestMetrics(c: Connection, row: LoggedModelRow): Metric[] {
  const rows = c
    .sql<ModelMetricRow>('SELECT * FROM logged_model_metrics WHERE model = ? ORDER BY key, step, timestamp, value')
    .all(row.n);
  const newest = new Map<string, ModelMetricRow>();
  for (const point of rows) newest.set(JSON.stringify([point.key, point.dataset_name, point.dataset_digest]), point);
  return [...newest.values()].map((point) => ({
    key: point.key,
    value: point.is_nan === 0 ? point.value : NaN,
    timestamp: point.timestamp,
    step: point.step,
    modelId: row.id,
    runId: point.run_id,
    datasetName: point.dataset_name ?? undefined,
    datasetDigest: point.dataset_digest ?? undefined,
  }));
}
