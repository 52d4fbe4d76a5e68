import { isMlopsError } from '../../base/index.ts';
import {
  everything,
  metricFilterText,
  readTraceInfo,
  traceInfoToJson,
  writeOtlpJson,
  type Fields,
  type Json,
  type SpanJson,
  type TraceInfo,
} from '../../mlflow/index.ts';
import type { RunStore } from '../store.ts';
import type { TraceLink, TraceStore } from '../trace-store.ts';
import type { RemoteClient } from './client.ts';

/** Traces as clients of MLflow 3 keep them. */
const api = '3.0/mlflow/traces';

/** Traces that may be linked to a run in one request. */
const mostLinks = 100;

/** What of an assessment can be changed, by the names of protobuf's field masks. */
const changeable = {
  assessment_name: 'assessmentName',
  expectation: 'expectation',
  feedback: 'feedback',
  rationale: 'rationale',
  metadata: 'metadata',
  valid: 'valid',
} as const;

/** Traces of a server; spans go to it as OpenTelemetry's. */
export function remoteTraces(client: RemoteClient, runs: Pick<RunStore, 'searchRuns'>): TraceStore {
  const at = (id: string): string => `${api}/${encodeURIComponent(id)}`;
  const infoOf = async (asked: Promise<Fields>): Promise<TraceInfo> =>
    readInfo((await asked).message('trace').message('trace_info'));

  const store: TraceStore = {
    putTrace: (trace) => infoOf(client.post(api, { trace: { trace_info: traceInfoToJson(trace) } })),
    logSpans: async (experimentId, spans) => {
      if (spans.length === 0) return;
      await client.post('/v1/traces', writeOtlpJson(spans), { 'x-mlflow-experiment-id': experimentId });
    },
    hasTrace: async (id) => {
      try {
        await store.getTraceInfo(id);
        return true;
      } catch (error) {
        if (isMlopsError(error, 'resource_missing')) return false;
        throw error;
      }
    },
    getTraceInfo: (id) => infoOf(client.get(at(id))),
    getTrace: async (id) => {
      const trace = (await client.get(`${api}/get`, { trace_id: id })).message('trace');
      return {
        info: readInfo(trace.message('trace_info')),
        spans: (trace.raw('spans') ?? []) as readonly SpanJson[],
      };
    },
    searchTraces: async ({ experimentIds, filter, orderBy, maxResults, pageToken }) => {
      if (experimentIds.length === 0) return { items: [] };
      const answer = await client.post(`${api}/search`, {
        locations: experimentIds.map((id) => ({
          type: 'MLFLOW_EXPERIMENT',
          mlflow_experiment: { experiment_id: id },
        })),
        filter,
        order_by: orderBy,
        max_results: maxResults,
        page_token: pageToken,
      });
      return { items: answer.messages('traces').map(readInfo), nextPageToken: answer.filled('next_page_token') };
    },
    setTraceTag: async (id, { key, value }) => void (await client.send('PATCH', `${at(id)}/tags`, { key, value })),
    deleteTraceTag: async (id, key) => void (await client.send('DELETE', `${at(id)}/tags`, { key })),
    linkTraces: async (ids, runId) => {
      for (let i = 0; i < ids.length; i += mostLinks) {
        const body = { trace_ids: ids.slice(i, i + mostLinks), run_id: runId };
        await client.post('2.0/mlflow/traces/link-to-run', body);
      }
    },
    traceLinks: (experimentId) => linksOf(store, runs, experimentId),
    putAssessment: async (id, assessmentId, assessment) => {
      const path = `${at(id)}/assessments`;
      const { assessments } = await store.getTraceInfo(id);
      if (!assessments.some((one) => one['assessment_id'] === assessmentId)) {
        const made = (await client.post(path, { assessment: { ...assessment, trace_id: id } })).message('assessment');
        return made.need('assessment_id');
      }
      const changed = Object.entries(changeable).filter(([field]) => assessment[field] !== undefined);
      await client.send('PATCH', `${path}/${encodeURIComponent(assessmentId)}`, {
        assessment: Object.fromEntries(changed.map(([field]) => [field, assessment[field]])),
        update_mask: changed.map(([, mask]) => mask).join(','),
      });
      return assessmentId;
    },
    deleteAssessment: async (id, assessmentId) =>
      void (await client.send('DELETE', `${at(id)}/assessments/${encodeURIComponent(assessmentId)}`, {})),
    traceMetrics: async ({ experimentIds, view, metric, aggregations, dimensions, filters, ...rest }) => {
      const answer = await client.post(`${api}/metrics`, {
        experiment_ids: experimentIds,
        view_type: view,
        metric_name: metric,
        aggregations: aggregations.map(({ type, percentile }) => ({
          aggregation_type: type,
          percentile_value: percentile,
        })),
        dimensions,
        filters: filters.map(metricFilterText),
        time_interval_seconds: rest.intervalSeconds,
        start_time_ms: rest.start,
        end_time_ms: rest.end,
        max_results: rest.maxResults,
      });
      return answer.messages('data_points').map((point) => point.all());
    },
    correlateTraces: async ({ experimentIds, first, second, base }) => {
      const answer = await client.post(`${api}/calculate-filter-correlation`, {
        experiment_ids: experimentIds,
        filter_string1: first,
        filter_string2: second,
        base_filter: base,
      });
      const count = (name: string): number => answer.integer(name) ?? 0;
      return {
        total: count('total_count'),
        first: count('filter1_count'),
        second: count('filter2_count'),
        both: count('joint_count'),
      };
    },
    deleteTraces: async ({ experimentId, ids, until, max }) => {
      const answer = await client.post(`${api}/delete-traces`, {
        experiment_id: experimentId,
        request_ids: ids,
        max_timestamp_millis: until,
        max_traces: max,
      });
      return answer.integer('traces_deleted') ?? 0;
    },
  };
  return store;
}

/** The protocol does not list links: they are found as the traces of each run that it did not make itself. */
async function linksOf(
  traces: TraceStore,
  runs: Pick<RunStore, 'searchRuns'>,
  experimentId: string,
): Promise<TraceLink[]> {
  const experimentIds = [experimentId];
  if ((await traces.searchTraces({ experimentIds, maxResults: 1 })).items.length === 0) return [];
  const links: TraceLink[] = [];
  const all = await everything((pageToken) =>
    runs.searchRuns({ experimentIds, view: 'ALL', maxResults: 1000, pageToken }),
  );
  for (const { info } of all) {
    const filter = `run_id = '${info.id}'`;
    const found = await everything((pageToken) =>
      traces.searchTraces({ experimentIds, filter, maxResults: 500, pageToken }),
    );
    for (const { id, metadata } of found) {
      const maker = metadata.find(({ key }) => key === 'mlflow.sourceRun')?.value;
      if (maker !== info.id) links.push({ traceId: id, runId: info.id });
    }
  }
  return links;
}

function readInfo(fields: Fields): TraceInfo {
  return { ...readTraceInfo(fields), assessments: (fields.raw('assessments') ?? []) as readonly Json[] };
}
