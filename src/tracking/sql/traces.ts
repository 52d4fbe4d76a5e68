import { groupBy } from '../../base/index.ts';
import {
  checkTag,
  factsOf,
  totalUsage,
  traceRules,
  usageOfStored,
  type Json,
  type ReceivedSpan,
  type SpanJson,
  type Tag,
  type TraceFacts,
  type TraceInfo,
} from '../../mlflow/index.ts';
import { joinUri } from '../artifacts/location.ts';
import { loadPatterns, noTrace, noTraceTag } from '../rules/index.ts';
import type { TraceDeletion, TraceLink, TraceStore } from '../trace-store.ts';
import { experimentNumber, experimentNumbers, type Context } from './context.ts';
import { activeExperiment } from './experiments.ts';
import { pageOf, simpleSearch, type SearchTable } from './search/simple-search.ts';
import { allOf, among, raw, sql } from './sql.ts';
import { spanConditions, traceCondition } from './search/trace-conditions.ts';
import { countBoth, traceMetrics } from './search/trace-metrics.ts';
import { all, get, insertAll, run, type Insert, type Work } from './work.ts';

interface Row {
  readonly n: number;
  readonly id: string;
  readonly experiment: number;
  readonly request_time: number;
  readonly duration: number | null;
  readonly state: string;
  readonly client_request_id: string | null;
  readonly request_preview: string | null;
  readonly response_preview: string | null;
}

const searched: SearchTable = {
  table: 'traces',
  columns: {
    request_id: 't.id',
    experiment_id: '(SELECT e.id FROM experiments e WHERE e.n = t.experiment)',
    timestamp_ms: 't.request_time',
    execution_time_ms: 't.duration',
    end_time_ms: '(t.request_time + t.duration)',
    status: 't.state',
    client_request_id: 't.client_request_id',
    name: "(SELECT x.value FROM trace_tags x WHERE x.trace = t.n AND x.key = 'mlflow.traceName')",
    run_id: "(SELECT x.value FROM trace_metadata x WHERE x.trace = t.n AND x.key = 'mlflow.sourceRun')",
  },
  tags: { table: 'trace_tags', join: 'x.trace = t.n' },
  params: { table: 'trace_metadata', join: 'x.trace = t.n' },
  special: traceCondition,
  together: spanConditions,
};

/** The traces of the store. */
export function tracesOf(c: Context): TraceStore {
  return {
    putTrace: (trace) => c.write(() => put(c, trace)),
    logSpans: (experimentId, spans) => c.write(() => logSpans(c, experimentId, spans)),
    hasTrace: (id) =>
      c.read(function* () {
        return (yield* find(id)) !== undefined;
      }),
    getTraceInfo: (id) =>
      c.read(function* () {
        return yield* toInfo(c, yield* need(id));
      }),
    getTrace: (id) =>
      c.read(function* () {
        const row = yield* need(id);
        const spans = yield* all<{ body: string }>(
          sql`SELECT body FROM trace_spans WHERE trace = ${row.n} ORDER BY start, rowid`,
        );
        return { info: yield* toInfo(c, row), spans: spans.map(({ body }) => JSON.parse(body) as SpanJson) };
      }),
    searchTraces: async (search) => {
      await loadPatterns(search.filter);
      return c.read(function* () {
        const { maxResults = 100, experimentIds } = search;
        const where = among(raw('t.experiment'), yield* experimentNumbers(experimentIds));
        const query = { ...search, maxResults, where, view: experimentIds };
        const fallback = ['t.request_time DESC', 't.n DESC'];
        return yield* pageOf(yield* simpleSearch<Row>(searched, traceRules, query, fallback), (row) => toInfo(c, row));
      });
    },
    setTraceTag: (id, tag) =>
      c.write(function* () {
        yield* putPairs(tagInsert, (yield* need(id)).n, [tag]);
      }),
    deleteTraceTag: (id, key) =>
      c.write(function* () {
        const { n } = yield* need(id);
        const gone = yield* run(sql`DELETE FROM trace_tags WHERE trace = ${n} AND key = ${key}`);
        if (gone === 0) throw noTraceTag(id, key);
      }),
    linkTraces: (ids, runId) =>
      c.write(function* () {
        yield* insertAll(
          linkInsert,
          [...new Set(ids)].map((id) => [id, runId]),
        );
      }),
    traceLinks: (experimentId) =>
      c.read(function* () {
        const n = (yield* experimentNumber(experimentId)) ?? -1;
        return yield* all<TraceLink>(
          sql`SELECT l.trace AS "traceId", l.run AS "runId" FROM trace_links l JOIN traces t ON t.id = l.trace
            WHERE t.experiment = ${n} ORDER BY l.trace, l.run`,
        );
      }),
    putAssessment: (id, assessmentId, body) =>
      c.write(function* () {
        const { n } = yield* need(id);
        yield* run(
          sql`INSERT INTO trace_assessments (trace, id, body) VALUES (${n}, ${assessmentId}, ${JSON.stringify(body)})
            ON CONFLICT (trace, id) DO UPDATE SET body = excluded.body`,
        );
        return assessmentId;
      }),
    deleteAssessment: (id, assessmentId) =>
      c.write(function* () {
        const { n } = yield* need(id);
        const gone = yield* assessment(n, assessmentId);
        yield* run(sql`DELETE FROM trace_assessments WHERE trace = ${n} AND id = ${assessmentId}`);
        // What it stood for counts again.
        const overridden = gone?.['overrides'];
        const before = typeof overridden === 'string' ? yield* assessment(n, overridden) : undefined;
        if (before === undefined) return;
        const body = JSON.stringify({ ...before, valid: true });
        yield* run(sql`UPDATE trace_assessments SET body = ${body} WHERE trace = ${n} AND id = ${String(overridden)}`);
      }),
    deleteTraces: (deletion) => c.write(() => deleteTraces(deletion)),
    traceMetrics: (query) => c.read(() => traceMetrics(query)),
    correlateTraces: async (query) => {
      await loadPatterns([query.first, query.second, query.base].join(' '));
      return c.read(() => countBoth(searched, query));
    },
  };
}

function* assessment(trace: number, id: string): Work<Json | undefined> {
  const row = yield* get<{ body: string }>(
    sql`SELECT body FROM trace_assessments WHERE trace = ${trace} AND id = ${id}`,
  );
  return row === undefined ? undefined : (JSON.parse(row.body) as Json);
}

function* deleteTraces({ experimentId, ids, until, max }: TraceDeletion): Work<number> {
  const which = [sql`experiment = ${(yield* experimentNumber(experimentId)) ?? -1}`];
  if (ids !== undefined) which.push(among(raw('id'), ids));
  if (until !== undefined) which.push(sql`request_time <= ${until}`);
  const limit = max === undefined ? sql`` : sql`LIMIT ${max}`;
  const chosen = sql`SELECT n FROM traces WHERE ${allOf(which)} ORDER BY request_time ${limit}`;
  // Nobody is asked about what is not there any more.
  yield* run(sql`DELETE FROM review_queue_items WHERE item IN (SELECT id FROM traces WHERE n IN (${chosen}))`);
  return yield* run(sql`DELETE FROM traces WHERE n IN (${chosen})`);
}

function* put(c: Context, trace: TraceInfo): Work<TraceInfo> {
  const { n: experiment, artifact_location: location } = yield* activeExperiment(trace.experimentId);
  const { id, requestTime, duration, state, clientRequestId, requestPreview, responsePreview } = trace;
  yield* run(
    sql`INSERT INTO traces (id, experiment, request_time, duration, state, client_request_id, request_preview, response_preview)
      VALUES (${id}, ${experiment}, ${requestTime}, ${duration}, ${state}, ${clientRequestId}, ${requestPreview},
        ${responsePreview}) ON CONFLICT (id) DO UPDATE SET request_time = excluded.request_time,
        duration = excluded.duration, state = excluded.state,
        client_request_id = COALESCE(excluded.client_request_id, traces.client_request_id),
        request_preview = COALESCE(excluded.request_preview, traces.request_preview),
        response_preview = COALESCE(excluded.response_preview, traces.response_preview)`,
  );
  const { n } = yield* need(id);
  const artifacts = joinUri(location, `traces/${id}/artifacts`);
  yield* putPairs(metadataInsert, n, trace.metadata);
  yield* putPairs(tagInsert, n, [...trace.tags, { key: 'mlflow.artifactLocation', value: artifacts }]);
  return yield* toInfo(c, yield* need(id));
}

const spanInsert: Insert = {
  table: 'trace_spans',
  columns: { trace: 'bigint', id: 'text', start: 'bigint', body: 'text' },
  conflict: 'ON CONFLICT (trace, id) DO UPDATE SET body = excluded.body',
};

function* logSpans(c: Context, experimentId: string, spans: readonly ReceivedSpan[]): Work<void> {
  yield* activeExperiment(experimentId);
  const groups = groupBy(spans, (span) => `tr-${span.traceId}`);
  for (const [id, group] of groups) {
    const facts = factsOf(group);
    const known = yield* find(id);
    const { n } = known ?? (yield* need((yield* put(c, fromSpans(id, experimentId, facts))).id));
    const last = new Map(group.map((span) => [span.spanId, span]));
    const rows = [...last.values()].map(({ spanId, start, json }) => [
      n,
      spanId,
      Math.round(start * 1000),
      JSON.stringify(json),
    ]);
    yield* insertAll(spanInsert, rows);
    yield* complete(known ?? (yield* need(id)), facts, known !== undefined);
    const place = { key: 'mlflow.trace.spansLocation', value: 'TRACKING_STORE' };
    yield* putPairs(tagInsert, n, [...facts.tags.filter(isTraceTag), place]);
  }
}

/**
 * Adds to a trace what spans say of it. What its client said itself, by `putTrace`, holds: times, previews and counts
 * are only taken where it said nothing.
 */
function* complete(row: Row, facts: TraceFacts, stored: boolean): Work<void> {
  const metadata = new Map(
    (yield* all<Tag>(sql`SELECT key, value FROM trace_metadata WHERE trace = ${row.n}`)).map((one) => [
      one.key,
      one.value,
    ]),
  );
  const saidByClient = metadata.has('mlflow.trace_schema.version');
  const start = saidByClient ? row.request_time : Math.min(row.request_time, facts.start);
  const end = Math.max(facts.end, row.request_time + (row.duration ?? 0));
  const duration = saidByClient ? row.duration : end - start;
  const open = row.state === 'IN_PROGRESS' || row.state === 'STATE_UNSPECIFIED';
  const state = open ? (facts.state ?? row.state) : row.state;
  yield* run(
    sql`UPDATE traces SET request_time = ${start}, duration = ${duration}, state = ${state},
      request_preview = COALESCE(request_preview, ${facts.requestPreview}),
      response_preview = COALESCE(response_preview, ${facts.responsePreview}) WHERE n = ${row.n}`,
  );
  const found: Tag[] = [];
  const add = (key: string, value: string | undefined): void => {
    if (value !== undefined && !metadata.has(key)) found.push({ key, value });
  };
  add('mlflow.trace.session', facts.session);
  add('mlflow.trace.user', facts.user);
  const usageKey = 'mlflow.trace.tokenUsage';
  if (facts.usages.some(({ usage }) => usage !== undefined) && !(saidByClient && metadata.has(usageKey))) {
    const earlier = stored
      ? yield* all<{ id: string; body: string }>(sql`SELECT id, body FROM trace_spans WHERE trace = ${row.n}`)
      : [];
    const own = new Set(facts.usages.map((span) => span.id));
    const others = earlier.filter(({ id }) => !own.has(id));
    const spans = others.map(({ id, body }) => usageOfStored(id, JSON.parse(body) as SpanJson));
    const total = totalUsage([...spans, ...facts.usages]);
    if (total !== undefined) found.push({ key: usageKey, value: total });
  }
  yield* putPairs(metadataInsert, row.n, found);
}

/** Tags that MLflow would refuse are left out: the spans are worth more. */
function isTraceTag({ key, value }: Tag): boolean {
  try {
    checkTag({ key, value });
    return true;
  } catch {
    return false;
  }
}

/** A trace whose maker only speaks OpenTelemetry. */
function fromSpans(id: string, experimentId: string, { start, end, state }: TraceFacts): TraceInfo {
  return {
    id,
    experimentId,
    requestTime: start,
    duration: end - start,
    state: state ?? 'IN_PROGRESS',
    clientRequestId: undefined,
    requestPreview: undefined,
    responsePreview: undefined,
    metadata: [],
    tags: [],
    assessments: [],
  };
}

const linkInsert: Insert = {
  table: 'trace_links',
  columns: { trace: 'text', run: 'text' },
  conflict: 'ON CONFLICT DO NOTHING',
};

const tagInsert: Insert = {
  table: 'trace_tags',
  columns: { trace: 'bigint', key: 'text', value: 'text' },
  conflict: 'ON CONFLICT (trace, key) DO UPDATE SET value = excluded.value',
};
const metadataInsert: Insert = { ...tagInsert, table: 'trace_metadata' };

/** Of a key that comes twice the last value holds. */
function* putPairs(insert: Insert, n: number, pairs: readonly Tag[]): Work<void> {
  const last = new Map(pairs.map(({ key, value }) => [key, value]));
  yield* insertAll(
    insert,
    [...last].map(([key, value]) => [n, key, value]),
  );
}

function find(id: string): Work<Row | undefined> {
  return get<Row>(sql`SELECT * FROM traces WHERE id = ${id}`);
}

function* need(id: string): Work<Row> {
  const row = yield* find(id);
  if (row === undefined) throw noTrace(id);
  return row;
}

function* toInfo(c: Context, row: Row): Work<TraceInfo> {
  const bodies = yield* all<{ body: string }>(
    sql`SELECT body FROM trace_assessments WHERE trace = ${row.n} ORDER BY rowid`,
  );
  return {
    id: row.id,
    experimentId: yield* c.experimentId(row.experiment),
    requestTime: row.request_time,
    duration: row.duration ?? undefined,
    state: row.state as TraceInfo['state'],
    clientRequestId: row.client_request_id ?? undefined,
    requestPreview: row.request_preview ?? undefined,
    responsePreview: row.response_preview ?? undefined,
    metadata: yield* all<Tag>(sql`SELECT key, value FROM trace_metadata WHERE trace = ${row.n} ORDER BY key`),
    tags: yield* all<Tag>(sql`SELECT key, value FROM trace_tags WHERE trace = ${row.n} ORDER BY key`),
    assessments: bodies.map(({ body }) => JSON.parse(body) as Json),
  };
}
