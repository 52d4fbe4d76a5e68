import type { Metric, Run, RunInfo, RunStatus, Tag } from '../../mlflow/index.ts';
import { inactiveRun, noRun } from '../rules/index.ts';
import type { Connection } from './connection.ts';
import { push } from './group.ts';
import { datasetsOf, modelsOf } from './inputs.ts';
import type { Keys } from './keys.ts';

export interface RunRow {
  readonly n: number;
  readonly id: string;
  readonly experiment: number;
  readonly name: string;
  readonly user_id: string;
  readonly status: string;
  readonly start_time: number;
  readonly end_time: number | null;
  readonly lifecycle: number;
  readonly artifact_uri: string;
}

type PairRow = readonly [run: number, key: number, value: string];
type LatestRow = readonly [run: number, key: number, value: number, isNan: number, step: number, timestamp: number];

/** The row of a run, deleted or not. */
export function needRun(c: Connection, id: string): RunRow {
  const row = c.sql<RunRow>('SELECT * FROM runs WHERE id = ?').get(id);
  if (row === undefined) throw noRun(id);
  return row;
}

/** The row of a run that may be written to. */
export function activeRun(c: Connection, id: string): { readonly n: number; readonly experiment: number } {
  const row = c
    .sql<{ n: number; experiment: number; lifecycle: number }>('SELECT n, experiment, lifecycle FROM runs WHERE id = ?')
    .get(id);
  if (row === undefined) throw noRun(id);
  if (row.lifecycle !== 0) throw inactiveRun(id);
  return row;
}

export function toInfo(c: Connection, row: RunRow): RunInfo {
  return {
    id: row.id,
    experimentId: c.experimentId(row.experiment),
    name: row.name,
    userId: row.user_id,
    status: row.status as RunStatus,
    startTime: row.start_time,
    endTime: row.end_time ?? undefined,
    artifactUri: row.artifact_uri,
    lifecycle: row.lifecycle === 0 ? 'active' : 'deleted',
  };
}

/** Runs with all that hangs on them, in the order of the rows, in a handful of statements for all. */
export function toRuns(c: Connection, keys: Keys, rows: readonly RunRow[]): Run[] {
  const ids = JSON.stringify(rows.map((row) => row.n));
  // Rows as arrays: a page of 1,000 runs has some 20,000 of them.
  const metrics = new Map<number, Metric[]>();
  const latest = c
    .sql<LatestRow>(
      'SELECT run, key, value, is_nan, step, timestamp FROM latest WHERE run IN (SELECT value FROM json_each(?))',
    )
    .raw();
  for (const [run, key, value, isNan, step, timestamp] of latest.all(ids)) {
    push(metrics, run, { key: keys.name(key), value: isNan === 0 ? value : NaN, timestamp, step });
  }
  const pairs = (table: 'params' | 'tags'): Map<number, Tag[]> => {
    const found = new Map<number, Tag[]>();
    const rows = c
      .sql<PairRow>(`SELECT run, key, value FROM ${table} WHERE run IN (SELECT value FROM json_each(?))`)
      .raw();
    for (const [run, key, value] of rows.all(ids)) push(found, run, { key: keys.name(key), value });
    return found;
  };
  const params = pairs('params');
  const tags = pairs('tags');
  const datasets = datasetsOf(c, ids);
  const models = modelsOf(c, ids);
  return rows.map((row) => ({
    info: toInfo(c, row),
    metrics: metrics.get(row.n) ?? [],
    params: params.get(row.n) ?? [],
    tags: tags.get(row.n) ?? [],
    datasets: datasets.get(row.n) ?? [],
    modelInputs: models.inputs.get(row.n) ?? [],
    modelOutputs: models.outputs.get(row.n) ?? [],
  }));
}
