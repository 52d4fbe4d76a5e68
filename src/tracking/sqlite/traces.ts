import {
  traceRules,
  type Json,
  type ReceivedSpan,
  type SpanJson,
  type Tag,
  type TraceInfo,
  type TraceState,
} from '../../mlflow/index.ts';
import { joinUri } from '../artifacts/location.ts';
import { noTrace, noTraceTag } from '../rules/index.ts';
import type { TraceStore } from '../trace-store.ts';
import type { Connection } from './connection.ts';
import { activeExperiment } from './experiments.ts';
import { spanConditions, traceCondition } from './trace-conditions.ts';
import { pageOf, simpleSearch, type SearchTable } from './simple-search.ts';

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
    end_time_ms: 't.request_time + t.duration',
    status: 't.state',
    client_request_id: 't.client_request_id',
    name: "(SELECT value FROM trace_tags x WHERE x.trace = t.n AND x.key = 'mlflow.traceName')",
    run_id: "(SELECT value FROM trace_metadata x WHERE x.trace = t.n AND x.key = 'mlflow.sourceRun')",
  },
  tags: { table: 'trace_tags', join: 'x.trace = t.n' },
  params: { table: 'trace_metadata', join: 'x.trace = t.n' },
  special: traceCondition,
  together: spanConditions,
};

/** The traces of the store over one connection. */
export function tracesOf(c: Connection): TraceStore {
  return {
    putTrace: (trace) => c.write(() => put(c, trace)),
    logSpans: (experimentId, spans) => c.write(() => logSpans(c, experimentId, spans)),
    hasTrace: async (id) => find(c, id) !== undefined,
    getTraceInfo: async (id) => toInfo(c, need(c, id)),
    getTrace: async (id) => {
      const row = need(c, id);
      const spans = c
        .sql<{ body: string }>('SELECT body FROM trace_spans WHERE trace = ? ORDER BY start, rowid')
        .all(row.n);
      return { info: toInfo(c, row), spans: spans.map(({ body }) => JSON.parse(body) as SpanJson) };
    },
    searchTraces: async (search) => {
      const { maxResults = 100, experimentIds } = search;
      const ids = experimentIds.flatMap((id) => c.experimentNumber(id) ?? []);
      const where = `t.experiment IN (${ids.join(', ') || 'NULL'})`;
      const fallback = ['t.request_time DESC', 't.n DESC'];
      const found = simpleSearch<Row>(c, searched, traceRules, { ...search, maxResults, where }, fallback);
      return pageOf(found, (row) => toInfo(c, row));
    },
    setTraceTag: (id, tag) => c.write(() => putPair(c, 'trace_tags', need(c, id).n, tag)),
    deleteTraceTag: (id, key) =>
      c.write(() => {
        const gone = c.sql('DELETE FROM trace_tags WHERE trace = ? AND key = ?').run(need(c, id).n, key);
        if (gone.changes === 0) throw noTraceTag(id, key);
      }),
    addTraceMetadata: (id, { key, value }) =>
      c.write(() => {
        c.sql('INSERT INTO trace_metadata (trace, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(
          need(c, id).n,
          key,
          value,
        );
      }),
    putAssessment: (id, assessmentId, body) =>
      c.write(() => {
        c.sql(
          'INSERT INTO trace_assessments (trace, id, body) VALUES (?, ?, ?) ON CONFLICT (trace, id) DO UPDATE SET body = excluded.body',
        ).run(need(c, id).n, assessmentId, JSON.stringify(body));
      }),
    deleteAssessment: (id, assessmentId) =>
      c.write(
        () => void c.sql('DELETE FROM trace_assessments WHERE trace = ? AND id = ?').run(need(c, id).n, assessmentId),
      ),
    deleteTraces: ({ experimentId, ids, until, max }) =>
      c.write(() => {
        const chosen = c.sql(
          `DELETE FROM traces WHERE n IN (SELECT n FROM traces WHERE experiment = ?
             AND (? IS NULL OR id IN (SELECT value FROM json_each(?))) AND (? IS NULL OR request_time <= ?)
             ORDER BY request_time LIMIT ?)`,
        );
        const list = ids === undefined ? null : JSON.stringify(ids);
        const time = until ?? null;
        return chosen.run(c.experimentNumber(experimentId) ?? -1, list, list, time, time, max ?? -1).changes;
      }),
  };
}

function put(c: Connection, trace: TraceInfo): TraceInfo {
  const { n: experiment, artifact_location: location } = activeExperiment(c, trace.experimentId);
  c.sql(
    `INSERT INTO traces (id, experiment, request_time, duration, state, client_request_id, request_preview, response_preview)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET request_time = excluded.request_time,
       duration = excluded.duration, state = excluded.state,
       client_request_id = COALESCE(excluded.client_request_id, client_request_id),
       request_preview = COALESCE(excluded.request_preview, request_preview),
       response_preview = COALESCE(excluded.response_preview, response_preview)`,
  ).run(
    trace.id,
    experiment,
    trace.requestTime,
    trace.duration ?? null,
    trace.state,
    trace.clientRequestId ?? null,
    trace.requestPreview ?? null,
    trace.responsePreview ?? null,
  );
  const { n } = need(c, trace.id);
  for (const pair of trace.metadata) putPair(c, 'trace_metadata', n, pair);
  for (const pair of trace.tags) putPair(c, 'trace_tags', n, pair);
  const artifacts = joinUri(location, `traces/${trace.id}/artifacts`);
  putPair(c, 'trace_tags', n, { key: 'mlflow.artifactLocation', value: artifacts });
  return toInfo(c, need(c, trace.id));
}

function logSpans(c: Connection, experimentId: string, spans: readonly ReceivedSpan[]): void {
  activeExperiment(c, experimentId);
  const insert = c.sql(
    'INSERT INTO trace_spans (trace, id, start, body) VALUES (?, ?, ?, ?) ON CONFLICT (trace, id) DO UPDATE SET body = excluded.body',
  );
  const groups = new Map<string, ReceivedSpan[]>();
  for (const span of spans) {
    const id = `tr-${span.traceId}`;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [span]);
    else group.push(span);
  }
  for (const [id, group] of groups) {
    const known = find(c, id);
    const { n } = known ?? need(c, put(c, fromSpans(id, experimentId, group)).id);
    for (const { spanId, start, json } of group) insert.run(n, spanId, Math.round(start * 1000), JSON.stringify(json));
    putPair(c, 'trace_tags', n, { key: 'mlflow.trace.spansLocation', value: 'TRACKING_STORE' });
  }
}

/** A trace whose maker only speaks OpenTelemetry. */
function fromSpans(id: string, experimentId: string, spans: readonly ReceivedSpan[]): TraceInfo {
  const root = spans.find((span) => span.parentId === undefined);
  const start = root?.start ?? Math.min(...spans.map((span) => span.start));
  return {
    id,
    experimentId,
    requestTime: Math.floor(start),
    duration: root === undefined ? undefined : Math.round(root.end - root.start),
    state: root === undefined ? 'IN_PROGRESS' : root.failed ? 'ERROR' : 'OK',
    clientRequestId: undefined,
    requestPreview: undefined,
    responsePreview: undefined,
    metadata: [{ key: 'mlflow.trace_schema.version', value: '3' }],
    tags: root === undefined ? [] : [{ key: 'mlflow.traceName', value: root.name }],
    assessments: [],
  };
}

function putPair(c: Connection, table: 'trace_tags' | 'trace_metadata', n: number, { key, value }: Tag): void {
  c.sql(
    `INSERT INTO ${table} (trace, key, value) VALUES (?, ?, ?) ON CONFLICT (trace, key) DO UPDATE SET value = excluded.value`,
  ).run(n, key, value);
}

function find(c: Connection, id: string): Row | undefined {
  return c.sql<Row>('SELECT * FROM traces WHERE id = ?').get(id);
}

function need(c: Connection, id: string): Row {
  const row = find(c, id);
  if (row === undefined) throw noTrace(id);
  return row;
}

function toInfo(c: Connection, row: Row): TraceInfo {
  const pairs = (table: string): readonly Tag[] =>
    c.sql<Tag>(`SELECT key, value FROM ${table} WHERE trace = ? ORDER BY key`).all(row.n);
  const bodies = c
    .sql<{ body: string }>('SELECT body FROM trace_assessments WHERE trace = ? ORDER BY rowid')
    .all(row.n);
  const experiment = c.sql<{ id: string }>('SELECT id FROM experiments WHERE n = ?').get(row.experiment);
  return {
    id: row.id,
    experimentId: experiment?.id ?? '',
    requestTime: row.request_time,
    duration: row.duration ?? undefined,
    state: row.state as TraceState,
    clientRequestId: row.client_request_id ?? undefined,
    requestPreview: row.request_preview ?? undefined,
    responsePreview: row.response_preview ?? undefined,
    metadata: pairs('trace_metadata'),
    tags: pairs('trace_tags'),
    assessments: bodies.map(({ body }) => JSON.parse(body) as Json),
  };
}
