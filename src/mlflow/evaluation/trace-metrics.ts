import { invalid } from '../limits.ts';
import { filterText } from '../search-grammar.ts';
import { tokenize } from '../search-tokens.ts';
import type { Json } from '../wire-tracking.ts';

export const metricViews = ['TRACES', 'SPANS', 'ASSESSMENTS'] as const;
export type MetricView = (typeof metricViews)[number];

/** In the order of their numbers in MLflow's protocol. */
export const aggregationTypes = ['COUNT', 'SUM', 'AVG', 'PERCENTILE', 'MIN', 'MAX'] as const;
type AggregationType = (typeof aggregationTypes)[number];

export interface MetricAggregation {
  readonly type: AggregationType;
  /** 0 to 100, of PERCENTILE. */
  readonly percentile?: number | undefined;
}

/** What is asked of many traces together. Times are milliseconds, both ends included. */
export interface TraceMetricsQuery {
  readonly experimentIds: readonly string[];
  readonly view: MetricView;
  readonly metric: string;
  readonly aggregations: readonly MetricAggregation[];
  readonly dimensions: readonly string[];
  readonly filters: readonly MetricFilter[];
  readonly intervalSeconds?: number | undefined;
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  readonly maxResults: number;
}

export interface MetricFilter {
  readonly view: 'trace' | 'span' | 'assessment';
  readonly entity: string;
  /** Of tags and metadata. */
  readonly key: string;
  readonly value: string;
}

interface Metric {
  readonly aggregations: readonly AggregationType[];
  readonly dimensions: readonly string[];
}

const spread: readonly AggregationType[] = ['AVG', 'MAX', 'MIN', 'PERCENTILE'];
const tokens: Metric = { aggregations: [...spread, 'SUM'], dimensions: ['trace_name'] };
const cost: Metric = { aggregations: [...spread, 'SUM'], dimensions: ['span_model_name', 'span_model_provider'] };
const spanDimensions = ['span_name', 'span_type', 'span_status', 'span_model_name', 'span_model_provider'];

/** What MLflow 3.17 knows of each view: metrics, and how they may be put together. */
const metrics: Readonly<Record<MetricView, Readonly<Record<string, Metric>>>> = {
  TRACES: {
    trace_count: { aggregations: ['COUNT'], dimensions: ['trace_name', 'trace_status'] },
    session_count: { aggregations: ['COUNT'], dimensions: [] },
    latency: { aggregations: spread, dimensions: ['trace_name'] },
    input_tokens: tokens,
    output_tokens: tokens,
    total_tokens: tokens,
    cache_read_input_tokens: tokens,
    cache_creation_input_tokens: tokens,
  },
  SPANS: {
    span_count: { aggregations: ['COUNT'], dimensions: spanDimensions },
    latency: { aggregations: spread, dimensions: ['span_name', 'span_status'] },
    input_cost: cost,
    output_cost: cost,
    total_cost: cost,
  },
  ASSESSMENTS: {
    assessment_count: { aggregations: ['COUNT'], dimensions: ['assessment_name', 'assessment_value'] },
    assessment_value: { aggregations: spread, dimensions: ['assessment_name'] },
  },
};

/** @throws MlopsError `invalid_value` for a percentile that is none, or that nothing needs. */
export function readAggregation(type: AggregationType, percentile: number | undefined): MetricAggregation {
  if (type !== 'PERCENTILE') {
    if (percentile === undefined) return { type };
    throw invalid(`Percentile value is only allowed for PERCENTILE aggregation type, got ${type}`);
  }
  if (percentile === undefined) throw invalid('Percentile value is required for PERCENTILE aggregation');
  if (percentile >= 0 && percentile <= 100) return { type, percentile };
  throw invalid(`Percentile value must be between 0 and 100, got ${percentile}`);
}

/** @throws MlopsError `invalid_value` for a metric that its view has not, or that cannot be asked so. */
export function checkTraceMetrics(query: TraceMetricsQuery): void {
  const { view, metric, aggregations, dimensions, filters } = query;
  const known = metrics[view];
  const found = Object.hasOwn(known, metric) ? known[metric] : undefined;
  if (found === undefined) {
    throw invalid(`metric_name must be one of ${listOf(Object.keys(known))}, got '${metric}'`);
  }
  const types = aggregations.map(({ type }) => type).filter((type) => !found.aggregations.includes(type));
  if (types.length > 0) {
    const supported = listOf(found.aggregations.toSorted());
    throw invalid(`Found invalid aggregation_type(s): ${listOf(types)}. Supported aggregation types: ${supported}`);
  }
  const others = dimensions.filter((name) => !found.dimensions.includes(name));
  if (others.length > 0) {
    const supported = listOf(found.dimensions.toSorted());
    throw invalid(`Found invalid dimension(s): ${listOf(others)}. Supported dimensions: ${supported}`);
  }
  if (Boolean(query.intervalSeconds) && (query.start === undefined || query.end === undefined)) {
    throw invalid('start_time_ms and end_time_ms are required if time_interval_seconds is set');
  }
  for (const filter of filters) {
    const fits = filter.view === 'trace' || `${filter.view}s`.toUpperCase() === view;
    if (fits) continue;
    throw invalid(
      `Filtering by ${filter.view} is only supported for ${filter.view.toUpperCase()}S view type, got ${view}`,
    );
  }
}

function listOf(names: readonly string[]): string {
  return `[${names.map((name) => `'${name}'`).join(', ')}]`;
}

/** What may be filtered by, and whether it needs a key. */
const filterable: Readonly<Record<MetricFilter['view'], Readonly<Record<string, boolean>>>> = {
  trace: { status: false, tag: true, metadata: true },
  span: { name: false, status: false, type: false },
  assessment: { name: false, type: false },
};

/** One filter, `trace.tag.KEY = 'value'`. @throws MlopsError `invalid_value` in MLflow's words. */
export function readMetricFilter(filter: string): MetricFilter {
  const [name, operator, value, ...rest] = tokenize(filter);
  if (rest.length > 0 || name?.kind !== 'word' || operator === undefined || value === undefined) {
    throw invalid(`Invalid filter: '${filter}'. Expected one filter clause.`);
  }
  const [view = '', entity = '', ...keys] = name.text.split('.');
  if (view !== 'trace' && view !== 'span' && view !== 'assessment') {
    throw invalid(`Invalid view type '${view}'. Valid values are 'trace', 'span', 'assessment'.`);
  }
  const known = filterable[view];
  if (!Object.hasOwn(known, entity)) {
    const valid = listOf(Object.keys(known));
    throw invalid(`Invalid entity '${entity}' specified for view type '${view}'. Valid entities are ${valid}`);
  }
  const key = keys.join('.').replace(/^[`"'](.*)[`"']$/s, '$1');
  if (known[entity] === true && key === '') {
    throw invalid(`Filtering by ${entity} requires a key, e.g. '${view}.${entity}.<key> = <value>'`);
  }
  if (known[entity] === false && keys.length > 0) {
    throw invalid(`Filtering by ${entity} does not require a key, use '${view}.${entity}' instead`);
  }
  if (operator.kind !== 'operator' || operator.text !== '=') {
    throw invalid(`Invalid comparator: '${operatorText(operator)}', only '=' operator is supported`);
  }
  if (value.kind !== 'string') throw invalid(`Expected a quoted string value for ${entity} value (e.g. 'my-value').`);
  return { view, entity, key, value: value.text };
}

/** A filter as it is written. */
export function metricFilterText({ view, entity, key, value }: MetricFilter): string {
  return `${view}.${entity}${key === '' ? '' : `.\`${key}\``} = ${filterText(value)}`;
}

function operatorText(token: ReturnType<typeof tokenize>[number]): string {
  return 'text' in token ? token.text : token.source;
}

interface Group {
  readonly bucket: number | undefined;
  readonly dimensions: readonly string[];
  count: number;
  sum: number;
  min: number;
  max: number;
  /** Only where a percentile is asked for. */
  readonly values: number[];
  readonly distinct: Set<string>;
}

/** Puts values together as a query asks: by time, by dimensions, or all. */
export class MetricGroups {
  readonly #query: TraceMetricsQuery;
  readonly #groups = new Map<string, Group>();
  readonly #keepsValues: boolean;

  constructor(query: TraceMetricsQuery) {
    this.#query = query;
    this.#keepsValues = query.aggregations.some(({ type }) => type === 'PERCENTILE');
    // Without groups there is an answer even where there is nothing to count.
    if (query.dimensions.length === 0 && !query.intervalSeconds) this.#group(0, []);
  }

  /**
   * @param time milliseconds.
   * @param dimensions a value for each dimension of the query; where one is undefined the value does not count.
   * @param value what is put together; a text is counted once.
   */
  add(time: number, dimensions: readonly (string | undefined)[], value: number | string | undefined): void {
    if (value === undefined || dimensions.includes(undefined)) return;
    const group = this.#group(time, dimensions as readonly string[]);
    if (typeof value === 'string') {
      group.distinct.add(value);
      return;
    }
    group.count += 1;
    group.sum += value;
    group.min = Math.min(group.min, value);
    group.max = Math.max(group.max, value);
    if (this.#keepsValues) group.values.push(value);
  }

  #group(time: number, dimensions: readonly string[]): Group {
    const { intervalSeconds } = this.#query;
    const size = (intervalSeconds ?? 0) * 1000;
    const bucket = size === 0 ? undefined : Math.floor(time / size) * size;
    const key = JSON.stringify([bucket, ...dimensions]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      const nothing = { count: 0, sum: 0, min: Infinity, max: -Infinity };
      group = { bucket, dimensions, ...nothing, values: [], distinct: new Set() };
      this.#groups.set(key, group);
    }
    return group;
  }

  /** The points as MLflow writes them, by time and then by dimensions. */
  points(): Json[] {
    const { metric, dimensions, maxResults, aggregations } = this.#query;
    const groups = [...this.#groups.values()].toSorted(inOrder);
    const points = groups.flatMap((group) => {
      const values = aggregations.flatMap((one) => {
        const value = valueOf(group, one);
        return value === undefined ? [] : [[nameOf(one), value]];
      });
      if (values.length === 0) return [];
      const named: (readonly [string, string])[] = dimensions.map((name, i) => [name, group.dimensions[i] ?? '']);
      if (group.bucket !== undefined) named.unshift(['time_bucket', isoOf(group.bucket)]);
      return [
        {
          metric_name: metric,
          dimensions: named.length === 0 ? undefined : Object.fromEntries(named),
          values: Object.fromEntries(values) as Json,
        },
      ];
    });
    return points.slice(0, maxResults);
  }
}

function inOrder(a: Group, b: Group): number {
  if (a.bucket !== b.bucket) return (a.bucket ?? 0) - (b.bucket ?? 0);
  for (const [i, one] of a.dimensions.entries()) {
    const other = b.dimensions[i] ?? '';
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}

function nameOf({ type, percentile = 0 }: MetricAggregation): string {
  if (type !== 'PERCENTILE') return type;
  return `P${Number.isInteger(percentile) ? `${percentile}.0` : String(percentile)}`;
}

function valueOf(group: Group, { type, percentile = 0 }: MetricAggregation): number | undefined {
  if (type === 'COUNT') return group.distinct.size + group.count;
  if (group.count === 0) return undefined;
  if (type === 'SUM') return group.sum;
  if (type === 'AVG') return group.sum / group.count;
  if (type === 'MIN') return group.min;
  if (type === 'MAX') return group.max;
  return quantile(
    group.values.toSorted((a, b) => a - b),
    percentile / 100,
  );
}

/** Between the two nearest, in proportion: method 7 of Hyndman and Fan, as PostgreSQL's percentile_cont has it. */
function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? 0;
  const above = sorted[Math.ceil(place)] ?? below;
  return below + (above - below) * (place - Math.floor(place));
}

function isoOf(milliseconds: number): string {
  const text = new Date(milliseconds).toISOString();
  return `${text.slice(0, 19)}+00:00`;
}
