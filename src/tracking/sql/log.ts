import type { Metric, Param, Tag } from '../../mlflow/index.ts';
import { changedParams, type ChangedParam } from '../rules/index.ts';
import type { Batch } from '../types.ts';
import type { Context } from './context.ts';
import { insertModelMetrics } from './logged-model-rows.ts';
import { activeRun, type RunRef } from './run-rows.ts';
import { among, raw, sql } from './sql.ts';
import { all, insertAll, run, type Insert, type Work } from './work.ts';

/** Writes a batch that was checked. */
export function* logBatch(c: Context, id: string, batch: Batch): Work<void> {
  const { metrics = [], params = [], tags = [] } = batch;
  yield* c.keys.make(keysOf(batch));
  const ref = yield* activeRun(id);
  yield* insertParams(c, id, ref, params);
  yield* insertMetrics(c, ref, metrics);
  yield* insertModelMetrics(id, metrics);
  yield* putTags(c, ref, tags);
}

export function keysOf({ metrics = [], params = [], tags = [] }: Batch): Set<string> {
  const keys = new Set<string>();
  for (const list of [metrics, params, tags]) for (const { key } of list) keys.add(key);
  return keys;
}

const tagInsert: Insert = {
  table: 'tags',
  columns: { run: 'bigint', key: 'bigint', experiment: 'bigint', value: 'text' },
  conflict: 'ON CONFLICT (run, key) DO UPDATE SET value = excluded.value',
};

/** Sets tags; the one that holds a run's name renames it. */
export function* putTags(c: Context, ref: RunRef, tags: readonly Tag[]): Work<void> {
  const name = (yield* insertTags(c, ref, tags)).find(({ key }) => key === 'mlflow.runName')?.value;
  if (name !== undefined) yield* run(sql`UPDATE runs SET name = ${name} WHERE n = ${ref.n}`);
}

/** Of a tag that comes twice the last one holds. Its key was made. @returns what was kept, in the order of keys. */
export function* insertTags({ keys }: Context, ref: RunRef, tags: readonly Tag[]): Work<readonly Tag[]> {
  const last = [...new Map(tags.map(({ key, value }) => [key, value]))].map(([key, value]) => ({ key, value }));
  const kept = last.toSorted((a, b) => keys.number(a.key) - keys.number(b.key));
  yield* insertAll(
    tagInsert,
    kept.map(({ key, value }) => [ref.n, keys.number(key), ref.experiment, value]),
  );
  return kept;
}

const paramInsert: Insert = { ...tagInsert, table: 'params', conflict: 'ON CONFLICT (run, key) DO NOTHING' };

export function* insertParams({ keys }: Context, id: string, ref: RunRef, params: readonly Param[]): Work<void> {
  const rows = params.map(({ key, value }) => [ref.n, keys.number(key), ref.experiment, value]);
  const written = yield* insertAll(paramInsert, inKeyOrder(rows));
  if (written === params.length) return;
  const numbers = params.map(({ key }) => keys.number(key));
  const stored = yield* all<{ key: number; value: string }>(
    sql`SELECT key, value FROM params WHERE run = ${ref.n} AND ${among(raw('key'), numbers)}`,
  );
  const old = new Map(stored.map(({ key, value }) => [key, value]));
  const conflicts: ChangedParam[] = [];
  for (const { key, value } of params) {
    const before = old.get(keys.number(key));
    if (before !== undefined && before !== value) conflicts.push({ key, old: before, value });
  }
  if (conflicts.length > 0) throw changedParams(id, conflicts, params.length === 1);
}

const pointInsert: Insert = {
  table: 'metrics',
  columns: {
    run: 'bigint',
    key: 'bigint',
    timestamp: 'bigint',
    step: 'bigint',
    value: 'double precision',
    is_nan: 'bigint',
  },
  conflict: 'ON CONFLICT DO NOTHING',
};

const latestInsert: Insert = {
  table: 'latest',
  columns: {
    run: 'bigint',
    key: 'bigint',
    experiment: 'bigint',
    value: 'double precision',
    is_nan: 'bigint',
    step: 'bigint',
    timestamp: 'bigint',
  },
  conflict: `ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, is_nan = excluded.is_nan, step = excluded.step,
    timestamp = excluded.timestamp
    WHERE (excluded.step, excluded.timestamp, excluded.value) > (latest.step, latest.timestamp, latest.value)`,
};

/** Adds points to the histories and moves `latest` where a point is newer: step, then timestamp, then value. */
export function* insertMetrics({ keys }: Context, ref: RunRef, points: readonly Metric[]): Work<void> {
  if (points.length === 0) return;
  const newest = new Map<number, Metric>();
  const rows = points.map((point) => {
    const number = keys.number(point.key);
    const before = newest.get(number);
    if (before === undefined || isNewer(point, before)) newest.set(number, point);
    const nan = Number.isNaN(point.value);
    return [ref.n, number, point.timestamp, point.step, nan ? 0 : point.value, nan ? 1 : 0];
  });
  yield* insertAll(pointInsert, rows);
  const latest = [...newest].map(([key, { value, step, timestamp }]) => {
    const nan = Number.isNaN(value);
    return [ref.n, key, ref.experiment, nan ? 0 : value, nan ? 1 : 0, step, timestamp];
  });
  yield* insertAll(latestInsert, inKeyOrder(latest));
}

/** Rows that are locked in one order by all do not wait for each other in a circle. */
function inKeyOrder<Row extends readonly unknown[]>(rows: Row[]): Row[] {
  return rows.length < 2 ? rows : rows.sort((a, b) => Number(a[1]) - Number(b[1]));
}

function isNewer(a: Metric, b: Metric): boolean {
  if (a.step !== b.step) return a.step > b.step;
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp;
  return (Number.isNaN(a.value) ? 0 : a.value) > (Number.isNaN(b.value) ? 0 : b.value);
}
