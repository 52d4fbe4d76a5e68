import { randomUUID } from 'node:crypto';

import { readPosition, writePageToken, type Metric, type Page, type Run, type RunInfo } from '../../mlflow/index.ts';
import { joinUri } from '../artifacts/location.ts';
import { noRunTag, sampleIndices } from '../rules/index.ts';
import type { RunStore } from '../store.ts';
import type { HistoryQuery, MetricSample, NewRun, RunChange } from '../types.ts';
import type { Connection } from './connection.ts';
import { activeExperiment } from './experiments.ts';
import { insertInputs, insertModel } from './inputs.ts';
import type { Keys } from './keys.ts';
import { logBatch, putTag } from './log.ts';
import { purge } from './purge.ts';
import { activeRun, needRun, toInfo, toRuns, type RunRow } from './run-rows.ts';
import { searchRuns } from './search-runs.ts';

/** The run half of the store over one connection. */
export function runsOf(c: Connection, keys: Keys): RunStore {
  return {
    createRun: (run) => c.write(() => create(c, keys, run)),
    getRun: async (id) => one(c, keys, needRun(c, id)),
    updateRun: (id, change) => c.write(() => update(c, keys, id, change)),
    deleteRun: (id) => c.write(() => setLifecycle(c, id, 1)),
    restoreRun: (id) => c.write(() => setLifecycle(c, id, 0)),
    searchRuns: async (search) => searchRuns(c, keys, search),
    logBatch: (id, batch) => c.write(() => logBatch(c, keys, id, batch)),
    setTag: (id, tag) => c.write(() => putTag(c, keys, activeRun(c, id), tag)),
    deleteTag: (id, key) =>
      c.write(() => {
        const number = keys.find(key) ?? -1;
        const gone = c.sql('DELETE FROM tags WHERE run = ? AND key = ?').run(activeRun(c, id).n, number);
        if (gone.changes === 0) throw noRunTag(id, key);
      }),
    logInputs: (id, datasets, modelIds = []) => c.write(() => insertInputs(c, activeRun(c, id), datasets, modelIds)),
    logOutputs: (id, models) =>
      c.write(() => {
        const { n } = activeRun(c, id);
        for (const { modelId, step } of models) insertModel(c, n, 'output', modelId, step);
      }),
    metricHistory: async (id, key, query = {}) => history(c, keys, id, key, query),
    sampleMetric: async (id, key, wanted) => sample(c, keys, id, key, wanted),
    purge: (query) => c.write(() => purge(c, query)),
  };
}

function one(c: Connection, keys: Keys, row: RunRow): Run {
  const [run] = toRuns(c, keys, [row]);
  if (run === undefined) throw new Error('one row in, one run out');
  return run;
}

function create(c: Connection, keys: Keys, wanted: NewRun): Run {
  const experiment = activeExperiment(c, wanted.experimentId);
  const { name = '', tags = [] } = wanted;
  const id = randomUUID().replaceAll('-', '');
  const uri = joinUri(experiment.artifact_location, `${id}/artifacts`);
  const inserted = c
    .sql(
      `INSERT INTO runs (id, experiment, name, user_id, status, start_time, artifact_uri) VALUES (?, ?, ?, ?, 'RUNNING', ?, ?)`,
    )
    .run(id, experiment.n, name, wanted.userId ?? '', wanted.startTime ?? 0, uri);
  const ref = { n: Number(inserted.lastInsertRowid), experiment: experiment.n };
  for (const tag of tags) putTag(c, keys, ref, tag);
  putTag(c, keys, ref, { key: 'mlflow.runName', value: name });
  return one(c, keys, needRun(c, id));
}

function update(c: Connection, keys: Keys, id: string, change: RunChange): RunInfo {
  const run = activeRun(c, id);
  if (change.status !== undefined) c.sql('UPDATE runs SET status = ? WHERE n = ?').run(change.status, run.n);
  if (change.endTime !== undefined) c.sql('UPDATE runs SET end_time = ? WHERE n = ?').run(change.endTime, run.n);
  if (change.name !== undefined && change.name !== '') {
    putTag(c, keys, run, { key: 'mlflow.runName', value: change.name });
  }
  return toInfo(c, needRun(c, id));
}

function setLifecycle(c: Connection, id: string, lifecycle: 0 | 1): void {
  const row = needRun(c, id);
  const deleted = lifecycle === 1 ? Date.now() : null;
  c.sql('UPDATE runs SET lifecycle = ?, deleted_time = ? WHERE n = ?').run(lifecycle, deleted, row.n);
}

type PointRow = readonly [timestamp: number, step: number, value: number, isNan: number];

function sample(c: Connection, keys: Keys, id: string, key: string, { limit, range }: MetricSample): Metric[] {
  const { n } = needRun(c, id);
  const number = keys.find(key);
  if (number === undefined) return [];
  const [start, end] = range ?? [-(2 ** 63), 2 ** 63];
  const points = 'FROM metrics WHERE run = ? AND key = ? AND step BETWEEN ? AND ?';
  const total = c.sql<number>(`SELECT count(*) ${points}`).pluck().get(n, number, start, end) ?? 0;
  return c
    .sql<PointRow>(
      `SELECT timestamp, step, value, is_nan FROM (SELECT timestamp, step, value, is_nan,
         row_number() OVER (ORDER BY step, timestamp, value, is_nan) - 1 AS place ${points})
       WHERE place IN (SELECT value FROM json_each(?)) ORDER BY place`,
    )
    .raw()
    .all(n, number, start, end, JSON.stringify(sampleIndices(total, limit)))
    .map((row) => toPoint(key, row));
}

function toPoint(key: string, [timestamp, step, value, isNan]: PointRow): Metric {
  return { key, value: isNan === 0 ? value : NaN, timestamp, step };
}

/** A page of a history, continued by the key of its last point. */
function history(c: Connection, keys: Keys, id: string, key: string, query: HistoryQuery): Page<Metric> {
  const { maxResults } = query;
  const identity = ['history', id, key];
  const after = readPosition(identity, query.pageToken, 4);
  const run = c.sql<{ n: number }>('SELECT n FROM runs WHERE id = ?').get(id);
  const number = keys.find(key);
  if (run === undefined || number === undefined) return { items: [] };
  const where = after === undefined ? '' : 'AND (timestamp, step, value, is_nan) > (?, ?, ?, ?)';
  const limit = maxResults === undefined ? -1 : maxResults + 1;
  const rows = c
    .sql<PointRow>(
      `SELECT timestamp, step, value, is_nan FROM metrics WHERE run = ? AND key = ? ${where}
       ORDER BY timestamp, step, value, is_nan LIMIT ?`,
    )
    .raw()
    .all(run.n, number, ...(after ?? []), limit);
  const more = maxResults !== undefined && rows.length > maxResults;
  if (more) rows.pop();
  const items = rows.map((row) => toPoint(key, row));
  const last = rows.at(-1);
  if (!more || last === undefined) return { items };
  return { items, nextPageToken: writePageToken(identity, last) };
}
