import { randomUUID } from 'node:crypto';

import { readPosition, writePageToken, type Metric, type Page, type Run, type RunInfo } from '../../mlflow/index.ts';
import { joinUri } from '../artifacts/location.ts';
import { noRunTag, sampleIndices } from '../rules/index.ts';
import type { RunStore } from '../store.ts';
import type { HistoryColumns, HistoryQuery, MetricSample, NewRun, RunChange } from '../types.ts';
import type { Context } from './context.ts';
import { activeExperiment } from './experiments.ts';
import { insertInputs, insertModel } from './inputs.ts';
import { insertTags, logBatch, putTags } from './log.ts';
import { purge } from './purge.ts';
import { activeRun, needRun, toInfo, toRuns, type RunRow } from './run-rows.ts';
import { experimentActivity, runsOverview } from './search/overview.ts';
import { searchRuns } from './search/search-runs.ts';
import { among, raw, sql, type Sql } from './sql.ts';
import { arrays, column, get, one, packed, run, type Work } from './work.ts';

/** The run half of the store. */
export function runsOf(c: Context): RunStore {
  return {
    createRun: (wanted) => c.write(() => create(c, wanted)),
    getRun: (id) =>
      c.read(function* () {
        return yield* oneRun(c, yield* needRun(id));
      }),
    updateRun: (id, change) => c.write(() => update(c, id, change)),
    deleteRun: (id) => c.write(() => setLifecycle(id, 1)),
    restoreRun: (id) => c.write(() => setLifecycle(id, 0)),
    searchRuns: (search) => c.read(() => searchRuns(c, search)),
    runsOverview: (experimentIds, deleted = false) => c.read(() => runsOverview(c, experimentIds, deleted)),
    experimentActivity: () => c.read(() => experimentActivity(c)),
    logBatch: (id, batch) => c.write(() => logBatch(c, id, batch)),
    setTag: (id, tag) =>
      c.write(function* () {
        yield* c.keys.make([tag.key]);
        yield* putTags(c, yield* activeRun(id), [tag]);
      }),
    deleteTag: (id, key) =>
      c.write(function* () {
        yield* c.keys.find([key]);
        const { n } = yield* activeRun(id);
        const gone = yield* run(sql`DELETE FROM tags WHERE run = ${n} AND key = ${c.keys.number(key)}`);
        if (gone === 0) throw noRunTag(id, key);
      }),
    logInputs: (id, datasets, modelIds = []) =>
      c.write(function* () {
        yield* insertInputs(yield* activeRun(id), datasets, modelIds);
      }),
    logOutputs: (id, models) =>
      c.write(function* () {
        const { n } = yield* activeRun(id);
        for (const { modelId, step } of models) yield* insertModel(n, 'output', modelId, step);
      }),
    metricHistory: (id, key, query = {}) => c.read(() => history(c, id, key, query)),
    historyColumns: (id, key, query = {}) => c.read(() => historyColumns(c, id, key, query)),
    sampleMetric: (id, key, wanted) => c.read(() => sample(c, id, key, wanted)),
    purge: (query) => c.write(() => purge(query)),
  };
}

function* oneRun(c: Context, row: RunRow): Work<Run> {
  const [found] = yield* toRuns(c, [row]);
  if (found === undefined) throw new Error('one row in, one run out');
  return found;
}

function* create(c: Context, wanted: NewRun): Work<Run> {
  const { name = '', tags = [], userId = '', startTime = 0 } = wanted;
  const named = [...tags, { key: 'mlflow.runName', value: name }];
  yield* c.keys.make(named.map(({ key }) => key));
  const experiment = yield* activeExperiment(wanted.experimentId);
  const id = randomUUID().replaceAll('-', '');
  const uri = joinUri(experiment.artifact_location, `${id}/artifacts`);
  const row = yield* one<RunRow>(
    sql`INSERT INTO runs (id, experiment, name, user_id, status, start_time, artifact_uri)
      VALUES (${id}, ${experiment.n}, ${name}, ${userId}, 'RUNNING', ${startTime}, ${uri}) RETURNING *`,
  );
  const kept = yield* insertTags(c, row, named);
  const nothing = { metrics: [], params: [], datasets: [], modelInputs: [], modelOutputs: [] };
  return { ...nothing, info: yield* toInfo(c, row), tags: kept };
}

function* update(c: Context, id: string, change: RunChange): Work<RunInfo> {
  const { status, endTime, name = '' } = change;
  if (name !== '') yield* c.keys.make(['mlflow.runName']);
  const ref = yield* activeRun(id);
  if (status !== undefined) yield* run(sql`UPDATE runs SET status = ${status} WHERE n = ${ref.n}`);
  if (endTime !== undefined) yield* run(sql`UPDATE runs SET end_time = ${endTime} WHERE n = ${ref.n}`);
  if (name !== '') yield* putTags(c, ref, [{ key: 'mlflow.runName', value: name }]);
  return yield* toInfo(c, yield* needRun(id));
}

function* setLifecycle(id: string, lifecycle: 0 | 1): Work<void> {
  const { n } = yield* needRun(id);
  const deleted = lifecycle === 1 ? Date.now() : null;
  yield* run(sql`UPDATE runs SET lifecycle = ${lifecycle}, deleted_time = ${deleted} WHERE n = ${n}`);
}

type PointRow = readonly [timestamp: number, step: number, value: number, isNan: number];
const pointColumns = { timestamp: 'number', step: 'number', value: 'number', is_nan: 'number' } as const;

/** The points of one metric of one run. */
function* pointsOf(c: Context, id: string, key: string): Work<Sql | undefined> {
  yield* c.keys.find([key]);
  const row = yield* get<{ n: number }>(sql`SELECT n FROM runs WHERE id = ${id}`);
  return row === undefined ? undefined : sql`FROM metrics WHERE run = ${row.n} AND key = ${c.keys.number(key)}`;
}

function* sample(c: Context, id: string, key: string, { limit, range }: MetricSample): Work<Metric[]> {
  const { n } = yield* needRun(id);
  yield* c.keys.find([key]);
  const within = range === undefined ? sql`` : sql`AND step BETWEEN ${range[0]} AND ${range[1]}`;
  const points = sql`FROM metrics WHERE run = ${n} AND key = ${c.keys.number(key)} ${within}`;
  const { total } = yield* one<{ total: number }>(sql`SELECT count(*) AS total ${points}`);
  const rows = yield* packed<PointRow>(
    sql`SELECT timestamp, step, value, is_nan FROM (SELECT timestamp, step, value, is_nan,
        row_number() OVER (ORDER BY step, timestamp, value, is_nan) - 1 AS place ${points}) placed
      WHERE ${among(raw('place'), sampleIndices(total, limit))} ORDER BY place`,
    pointColumns,
  );
  return rows.map((row) => toPoint(key, row));
}

function toPoint(key: string, [timestamp, step, value, isNan]: PointRow): Metric {
  return { key, value: isNan === 0 ? value : NaN, timestamp, step };
}

/** Points in one packed answer, at most. */
const chunk = 100_000;

/** A page of a history, continued by the key of its last point. */
function* history(c: Context, id: string, key: string, query: HistoryQuery): Work<Page<Metric>> {
  const points = yield* pageOf(c, id, key, query);
  if (points === undefined) return { items: [] };
  // Millions at once are too many for one packed answer.
  const isPage = query.maxResults !== undefined && query.maxResults <= chunk;
  const rows = yield* isPage ? packed<PointRow>(points, pointColumns) : arrays<PointRow>(points);
  const page = rows.slice(0, query.maxResults);
  const items = page.map((row) => toPoint(key, row));
  const last = page.at(-1);
  if (page.length === rows.length || last === undefined) return { items };
  return { items, nextPageToken: writePageToken(historyIdentity(id, key), last) };
}

/** As `history`, its times and steps written by the database: most of the time goes into making numbers texts. */
function* historyColumns(c: Context, id: string, key: string, query: HistoryQuery): Work<HistoryColumns> {
  const points = yield* pageOf(c, id, key, query);
  if (points === undefined) return { values: [], timestamps: [], steps: [] };
  const all = yield* column<number | null>(
    sql`SELECT CASE is_nan WHEN 0 THEN value END FROM (${points}) page ORDER BY timestamp, step, value, is_nan`,
  );
  // SQLite keeps the edges of int64 as floating point numbers. Both databases aggregate in the order of the subquery, and
  // sort again at five times the price where the aggregates name it.
  const texts = yield* one<{ timestamps: string | null; steps: string | null }>(
    sql`SELECT string_agg(CAST(CAST(timestamp AS BIGINT) AS TEXT), ' ') AS timestamps,
        string_agg(CAST(CAST(step AS BIGINT) AS TEXT), ' ') AS steps FROM (${points}) page`,
  );
  const cut = (text: string | null): string[] => text?.split(' ').slice(0, query.maxResults) ?? [];
  const [timestamps, steps] = [cut(texts.timestamps), cut(texts.steps)];
  const values = all.slice(0, query.maxResults).map((value) => value ?? NaN);
  if (values.length === all.length) return { values, timestamps, steps };
  const value = all[values.length - 1] ?? null;
  const place: PointRow = [Number(timestamps.at(-1)), Number(steps.at(-1)), value ?? 0, value === null ? 1 : 0];
  return { values, timestamps, steps, nextPageToken: writePageToken(historyIdentity(id, key), place) };
}

const historyIdentity = (id: string, key: string): string[] => ['history', id, key];

/** A query for one point more than the page has; undefined where nothing is known of the run or the key. */
function* pageOf(c: Context, id: string, key: string, { maxResults, pageToken }: HistoryQuery): Work<Sql | undefined> {
  const after = readPosition(historyIdentity(id, key), pageToken, 4);
  const points = yield* pointsOf(c, id, key);
  if (points === undefined) return undefined;
  const where =
    after === undefined
      ? sql``
      : sql`AND (timestamp, step, value, is_nan) > (${after[0]}, ${after[1]}, ${after[2]}, ${after[3]})`;
  const limit = maxResults === undefined ? sql`` : sql`LIMIT ${maxResults + 1}`;
  return sql`SELECT timestamp, step, value, is_nan ${points} ${where} ORDER BY timestamp, step, value, is_nan ${limit}`;
}
