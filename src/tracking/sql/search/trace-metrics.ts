import {
  MetricGroups,
  spanMeasures,
  assessmentMeasures,
  traceRules,
  type FilterCounts,
  type Json,
  type MetricFilter,
  type SpanJson,
  type TraceMetricsQuery,
} from '../../../mlflow/index.ts';
import type { TraceCorrelation } from '../../trace-store.ts';
import { experimentNumbers } from '../context.ts';
import { allOf, among, nothing, raw, sql, type Sql } from '../sql.ts';
import { all, one, type Work } from '../work.ts';
import { conditionsOf, type SearchTable } from './simple-search.ts';

/** Traces that are read at once: their spans are in memory meanwhile. */
const chunk = 500;

interface Row {
  readonly n: number;
  readonly request_time: number;
  readonly duration: number | null;
  readonly state: string;
  readonly name: string | null;
  readonly session: string | null;
  readonly usage: string | null;
}

/**
 * Points of a metric over the traces of some experiments, or over their spans or assessments. The traces are gone
 * through by their number, some hundred at a time, so that it takes the same memory however many there are.
 */
export function* traceMetrics(query: TraceMetricsQuery): Work<readonly Json[]> {
  const groups = new MetricGroups(query);
  const { start, end, filters, view, metric } = query;
  const where = [
    among(raw('t.experiment'), yield* experimentNumbers(query.experimentIds)),
    ...filters.flatMap(ofTrace),
  ];
  // What a span costs belongs to the time of the span, all else to that of its trace.
  const bySpan = view === 'SPANS' && metric.endsWith('_cost');
  if (start !== undefined && !bySpan) where.push(sql`t.request_time >= ${start}`);
  if (end !== undefined && !bySpan) where.push(sql`t.request_time <= ${end}`);
  let last = -1;
  for (;;) {
    const rows = yield* all<Row>(
      sql`SELECT t.n, t.request_time, t.duration, t.state, ${tag('mlflow.traceName')} AS name,
          ${metadata('mlflow.trace.session')} AS session, ${metadata('mlflow.trace.tokenUsage')} AS usage
        FROM traces t WHERE t.n > ${last} AND ${allOf(where)} ORDER BY t.n LIMIT ${chunk}`,
    );
    if (view === 'SPANS') yield* addSpans(groups, query, rows, bySpan);
    else if (view === 'ASSESSMENTS') yield* addAssessments(groups, query, rows);
    else for (const row of rows) addTrace(groups, query, row);
    if (rows.length < chunk) return groups.points();
    last = rows.at(-1)?.n ?? last;
  }
}

function tag(key: string): Sql {
  return sql`(SELECT x.value FROM trace_tags x WHERE x.trace = t.n AND x.key = ${key})`;
}

function metadata(key: string): Sql {
  return sql`(SELECT x.value FROM trace_metadata x WHERE x.trace = t.n AND x.key = ${key})`;
}

function ofTrace({ view, entity, key, value }: MetricFilter): readonly Sql[] {
  if (view !== 'trace') return [];
  if (entity === 'status') return [sql`t.state = ${value}`];
  const table = raw(entity === 'tag' ? 'trace_tags' : 'trace_metadata');
  const said = sql`EXISTS (SELECT 1 FROM ${table} x WHERE x.trace = t.n AND x.key = ${key} AND x.value = ${value})`;
  const linked = sql` OR EXISTS (SELECT 1 FROM trace_links l WHERE l.trace = t.id AND l.run = ${value})`;
  return [sql`(${said}${entity === 'metadata' && key === 'mlflow.sourceRun' ? linked : nothing})`];
}

function addTrace(groups: MetricGroups, { metric, dimensions }: TraceMetricsQuery, row: Row): void {
  const named: Readonly<Record<string, string | undefined>> = {
    trace_name: row.name ?? undefined,
    trace_status: row.state,
  };
  const of = dimensions.map((name) => named[name]);
  groups.add(row.request_time, of, traceValue(metric, row));
}

function traceValue(metric: string, row: Row): number | string | undefined {
  if (metric === 'trace_count') return 1;
  if (metric === 'session_count') return row.session ?? undefined;
  if (metric === 'latency') return row.duration ?? undefined;
  try {
    const value = (JSON.parse(row.usage ?? '{}') as Readonly<Record<string, unknown>> | null)?.[metric];
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function* addSpans(groups: MetricGroups, query: TraceMetricsQuery, rows: readonly Row[], bySpan: boolean): Work<void> {
  const { start = -Infinity, end = Infinity, dimensions, filters } = query;
  const spans = yield* all<{ trace: number; start: number; body: string }>(
    sql`SELECT trace, start, body FROM trace_spans WHERE ${among(
      sql`trace`,
      rows.map(({ n }) => n),
    )}`,
  );
  const wanted = filters.filter(({ view }) => view === 'span');
  for (const span of spans) {
    const time = span.start / 1000;
    if (bySpan && (time < start || time > end)) continue;
    const { named, value } = spanMeasures(JSON.parse(span.body) as SpanJson, query.metric);
    if (wanted.some(({ entity, value: one }) => named[`span_${entity}`] !== one)) continue;
    groups.add(
      time,
      dimensions.map((name) => named[name]),
      value,
    );
  }
}

function* addAssessments(groups: MetricGroups, query: TraceMetricsQuery, rows: readonly Row[]): Work<void> {
  const times = new Map(rows.map(({ n, request_time: time }) => [n, time]));
  const found = yield* all<{ trace: number; body: string }>(
    sql`SELECT trace, body FROM trace_assessments WHERE ${among(sql`trace`, [...times.keys()])}`,
  );
  const wanted = query.filters.filter(({ view }) => view === 'assessment');
  for (const { trace, body } of found) {
    const { valid, named, type, value } = assessmentMeasures(JSON.parse(body) as Json, query.metric);
    const fits = wanted.every(
      ({ entity, value: one }) => (entity === 'type' ? type : named['assessment_name']) === one,
    );
    if (!valid || !fits) continue;
    groups.add(
      times.get(trace) ?? 0,
      query.dimensions.map((name) => named[name]),
      value,
    );
  }
}

/** How many traces each of two filters finds, among those that a third one finds. */
export function* countBoth(table: SearchTable, query: TraceCorrelation): Work<FilterCounts> {
  const { base, first, second } = query;
  const where = among(raw('t.experiment'), yield* experimentNumbers(query.experimentIds));
  const found = (filter: string): Sql => allOf(conditionsOf(filter, table, traceRules));
  const count = (condition: Sql): Sql => sql`count(CASE WHEN ${condition} THEN 1 END)`;
  const [left, right] = [found(first), found(second)];
  const within = base === undefined || base === '' ? [where] : [where, found(base)];
  return yield* one<{ total: number; first: number; second: number; both: number }>(
    sql`SELECT count(*) AS total, ${count(left)} AS first, ${count(right)} AS second,
      ${count(sql`(${left}) AND (${right})`)} AS "both" FROM traces t WHERE ${allOf(within)}`,
  );
}
