import {
  aggregationTypes,
  checkTraceMetrics,
  correlationToJson,
  metricViews,
  readAggregation,
  readMetricFilter,
  type Fields,
  type Json,
  type TraceMetricsQuery,
} from '../../mlflow/index.ts';
import type { TraceStore } from '../../tracking/index.ts';
import type { ApiRoute } from '../route.ts';
import { pageSize } from './pages.ts';

/** What many traces say together. */
export function traceMetricRoutes(store: TraceStore): readonly ApiRoute[] {
  const version = '3.0';
  return [
    {
      ...{ method: 'POST', path: '/traces/metrics', version, scope: 'read' },
      answer: async (fields) => {
        const query = readQuery(fields);
        checkTraceMetrics(query);
        const points = await store.traceMetrics(query);
        return { data_points: points.length === 0 ? undefined : points };
      },
    },
    {
      ...{ method: 'POST', path: '/traces/calculate-filter-correlation', version, scope: 'read' },
      answer: async (fields): Promise<Json> => {
        const experimentIds = fields.texts('experiment_ids');
        if (experimentIds.length === 0) throw fields.missing('experiment_ids');
        const [first, second] = [fields.need('filter_string1'), fields.need('filter_string2')];
        const base = fields.filled('base_filter');
        return correlationToJson(await store.correlateTraces({ experimentIds, first, second, base }));
      },
    },
  ];
}

function readQuery(fields: Fields): TraceMetricsQuery {
  for (const name of ['experiment_ids', 'aggregations']) {
    if (!fields.has(name)) throw fields.missing(name);
  }
  if (!fields.has('view_type')) throw fields.missing('view_type');
  const aggregations = fields.messages('aggregations');
  if (aggregations.length === 0) throw fields.missing('aggregations');
  return {
    experimentIds: fields.texts('experiment_ids'),
    view: fields.choice('view_type', metricViews) ?? 'TRACES',
    metric: fields.need('metric_name'),
    aggregations: aggregations.map((one) => {
      const type = one.choice('aggregation_type', aggregationTypes);
      if (type === undefined) throw one.missing('aggregation_type');
      return readAggregation(type, one.double('percentile_value'));
    }),
    dimensions: fields.texts('dimensions'),
    filters: fields.texts('filters').map(readMetricFilter),
    intervalSeconds: fields.integer('time_interval_seconds'),
    start: fields.integer('start_time_ms'),
    end: fields.integer('end_time_ms'),
    maxResults: pageSize(fields.integer('max_results')) ?? 1000,
  };
}
