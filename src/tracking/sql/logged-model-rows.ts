import type { LoggedModel, LoggedModelStatus, Metric, Tag } from '../../mlflow/index.ts';
import { noLoggedModel } from '../rules/index.ts';
import type { Context } from './context.ts';
import { sql } from './sql.ts';
import { all, get, run, type Work } from './work.ts';

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

export function findLoggedModel(id: string): Work<LoggedModelRow | undefined> {
  return get<LoggedModelRow>(sql`SELECT * FROM logged_models WHERE id = ${id} AND lifecycle = 0`);
}

/** The row, deleted or not. */
export function* anyLoggedModel(id: string): Work<LoggedModelRow> {
  const row = yield* get<LoggedModelRow>(sql`SELECT * FROM logged_models WHERE id = ${id}`);
  if (row === undefined) throw noLoggedModel(id);
  return row;
}

export function* needLoggedModel(id: string): Work<LoggedModelRow> {
  const row = yield* findLoggedModel(id);
  if (row === undefined) throw noLoggedModel(id);
  return row;
}

/** Points that name a model are also points of that model. */
export function* insertModelMetrics(runId: string, points: readonly Metric[]): Work<void> {
  for (const point of points) {
    if (point.modelId === undefined || point.modelId === '') continue;
    const { n } = yield* anyLoggedModel(point.modelId);
    const nan = Number.isNaN(point.value);
    yield* run(
      sql`INSERT INTO logged_model_metrics (model, key, run_id, timestamp, step, value, is_nan, dataset_name, dataset_digest)
        VALUES (${n}, ${point.key}, ${runId}, ${point.timestamp}, ${point.step}, ${nan ? 0 : point.value}, ${nan ? 1 : 0},
          ${point.datasetName}, ${point.datasetDigest}) ON CONFLICT DO NOTHING`,
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

export function* toLoggedModel(c: Context, row: LoggedModelRow): Work<LoggedModel> {
  return {
    id: row.id,
    experimentId: yield* c.experimentId(row.experiment),
    name: row.name,
    artifactUri: row.artifact_uri,
    creationTime: row.creation_time,
    lastUpdatedTime: row.last_updated_time,
    status: row.status as LoggedModelStatus,
    statusMessage: row.status_message ?? undefined,
    modelType: row.model_type,
    sourceRunId: row.source_run_id,
    tags: yield* all<Tag>(sql`SELECT key, value FROM logged_model_tags WHERE model = ${row.n} ORDER BY key`),
    params: yield* all<Tag>(sql`SELECT key, value FROM logged_model_params WHERE model = ${row.n} ORDER BY key`),
    metrics: yield* pointsOf(row),
  };
}

/** Every point, of every run and step and dataset. */
function* pointsOf(row: LoggedModelRow): Work<Metric[]> {
  const rows = yield* all<ModelMetricRow>(
    sql`SELECT * FROM logged_model_metrics WHERE model = ${row.n} ORDER BY key, step, timestamp, value`,
  );
  return rows.map((point) => ({
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
