import type { Metric, Param, Tag } from '../../mlflow/index.ts';
import { changedParams, type ChangedParam } from '../rules/index.ts';
import type { Batch } from '../types.ts';
import type { Connection } from './connection.ts';
import type { Keys } from './keys.ts';
import { insertModelMetrics } from './logged-model-rows.ts';
import { activeRun } from './run-rows.ts';

interface RunRef {
  readonly n: number;
  readonly experiment: number;
}

/** Writes a batch that was checked; the caller holds the transaction. */
export function logBatch(c: Connection, keys: Keys, id: string, batch: Batch): void {
  const { metrics = [], params = [], tags = [] } = batch;
  const run = activeRun(c, id);
  insertParams(c, keys, id, run, params);
  insertMetrics(c, keys, run, metrics);
  insertModelMetrics(c, id, metrics);
  for (const tag of tags) putTag(c, keys, run, tag);
}

export function putTag(c: Connection, keys: Keys, run: RunRef, { key, value }: Tag): void {
  c.sql(
    'INSERT INTO tags (run, key, experiment, value) VALUES (?, ?, ?, ?) ON CONFLICT (run, key) DO UPDATE SET value = excluded.value',
  ).run(run.n, keys.number(key), run.experiment, value);
  if (key === 'mlflow.runName') c.sql('UPDATE runs SET name = ? WHERE n = ?').run(value, run.n);
}

function insertParams(c: Connection, keys: Keys, id: string, run: RunRef, params: readonly Param[]): void {
  const conflicts: ChangedParam[] = [];
  const insert = c.sql(
    'INSERT INTO params (run, key, experiment, value) VALUES (?, ?, ?, ?) ON CONFLICT (run, key) DO NOTHING',
  );
  for (const { key, value } of params) {
    const number = keys.number(key);
    if (insert.run(run.n, number, run.experiment, value).changes === 1) continue;
    const old = c.sql<{ value: string }>('SELECT value FROM params WHERE run = ? AND key = ?').get(run.n, number);
    if (old !== undefined && old.value !== value) conflicts.push({ key, old: old.value, value });
  }
  if (conflicts.length > 0) throw changedParams(id, conflicts, params.length === 1);
}

/** Adds points to the histories and moves `latest` where a point is newer: step, then timestamp, then value. */
export function insertMetrics(c: Connection, keys: Keys, run: RunRef, points: readonly Metric[]): void {
  const insert = c.sql(
    'INSERT INTO metrics (run, key, timestamp, step, value, is_nan) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const newest = new Map<number, Metric>();
  let lastKey: string | undefined;
  let number = 0;
  for (const point of points) {
    if (point.key !== lastKey) {
      number = keys.number(point.key);
      lastKey = point.key;
    }
    const nan = Number.isNaN(point.value);
    insert.run(run.n, number, point.timestamp, point.step, nan ? 0 : point.value, nan ? 1 : 0);
    const before = newest.get(number);
    if (before === undefined || isNewer(point, before)) newest.set(number, point);
  }
  const upsert = c.sql(
    `INSERT INTO latest (run, key, experiment, value, is_nan, step, timestamp) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, is_nan = excluded.is_nan, step = excluded.step,
       timestamp = excluded.timestamp
     WHERE (excluded.step, excluded.timestamp, excluded.value) > (latest.step, latest.timestamp, latest.value)`,
  );
  for (const [key, { value, step, timestamp }] of newest) {
    const nan = Number.isNaN(value);
    upsert.run(run.n, key, run.experiment, nan ? 0 : value, nan ? 1 : 0, step, timestamp);
  }
}

function isNewer(a: Metric, b: Metric): boolean {
  if (a.step !== b.step) return a.step > b.step;
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp;
  return (Number.isNaN(a.value) ? 0 : a.value) > (Number.isNaN(b.value) ? 0 : b.value);
}
