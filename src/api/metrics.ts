import { invalid, listToJson, metricToJson, type Fields, type Metric } from '../mlflow/index.ts';
import type { HistoryColumns, RunStore } from '../tracking/index.ts';
import type { ApiRoute } from './route.ts';
import { runIdOf } from './runs.ts';

const maxRuns = 100;
const maxBulk = 25_000;
const maxInterval = 2_500;
const docs = 'See the API docs for more information about request parameters.';

/** Histories: of one run, of many runs, and sampled for charts. */
export function metricRoutes(store: RunStore): readonly ApiRoute[] {
  return [
    { method: 'GET', path: '/metrics/get-history', answer: (fields) => history(store, fields) },
    {
      method: 'GET',
      path: '/metrics/get-history-bulk',
      ajaxOnly: true,
      lists: ['run_id'],
      answer: (fields) => bulk(store, fields),
    },
    {
      method: 'GET',
      path: '/metrics/get-history-bulk-interval',
      lists: ['run_ids'],
      answer: async (fields) => ({
        metrics: listToJson(await interval(store, readInterval(fields)), metricToJson),
      }),
    },
  ];
}

/** Written by hand: histories have tens of thousands of points, and objects for `JSON.stringify` double the time. */
async function history(store: RunStore, fields: Fields): Promise<string> {
  const id = runIdOf(fields);
  const page = await store.historyColumns(id, fields.need('metric_key'), {
    maxResults: fields.integer('max_results'),
    pageToken: fields.filled('page_token'),
  });
  const numberOf = (value: number): string => (Number.isFinite(value) ? String(value) : `"${value}"`);
  const points = writePoints(fields.need('metric_key'), page, numberOf, '');
  const token =
    page.nextPageToken === undefined ? undefined : `"next_page_token":${JSON.stringify(page.nextPageToken)}`;
  const metrics = points === '' ? undefined : `"metrics":[${points}]`;
  return `{${[metrics, token].filter((part) => part !== undefined).join(',')}}`;
}

/** Points of one key, with commas between them. @param more further fields of each, from their comma on. */
function writePoints(
  key: string,
  { values, timestamps, steps }: HistoryColumns,
  numberOf: (value: number) => string,
  more: string,
): string {
  const head = `{"key":${JSON.stringify(key)},"value":`;
  let text = '';
  for (let i = 0; i < values.length; i++) {
    const number = numberOf(values[i] ?? NaN);
    text += `${i === 0 ? '' : ','}${head}${number},"timestamp":${timestamps[i]},"step":${steps[i]}${more}}`;
  }
  return text;
}

/** Plain JSON of Python's making: NaN is a bare word, and the list is there when it is empty. */
async function bulk(store: RunStore, fields: Fields): Promise<string> {
  const ids = fields.texts('run_id');
  if (ids.length === 0) throw invalid('GetMetricHistoryBulk request must specify at least one run_id.');
  if (ids.length > maxRuns) {
    throw invalid(
      `GetMetricHistoryBulk request cannot specify more than ${maxRuns} run_ids. Received ${ids.length} run_ids.`,
    );
  }
  const key = fields.need('metric_key');
  const limit = Math.min(fields.integer('max_results') ?? maxBulk, maxBulk);
  const parts: string[] = [];
  let left = limit;
  for (const id of [...new Set(ids)].toSorted()) {
    if (left <= 0) break;
    const page = await store.historyColumns(id, key, { maxResults: left });
    left -= page.values.length;
    if (page.values.length > 0) parts.push(writePoints(key, page, String, `,"run_id":${JSON.stringify(id)}`));
  }
  return `{"metrics":[${parts.join(',')}]}`;
}

/** What a chart asks for; also by GraphQL. */
export interface IntervalQuery {
  readonly runIds: readonly string[];
  readonly key: string;
  readonly range: readonly [start: number, end: number] | undefined;
  readonly limit: number;
}

export function readInterval(fields: Fields): IntervalQuery {
  const runIds = fields.onlyTexts('run_ids');
  if (runIds.length === 0) throw fields.missing('run_ids');
  if (runIds.length > maxRuns) {
    const most = `GetMetricHistoryBulkInterval request must specify at most ${maxRuns} run_ids`;
    throw invalid(`${most}. Received ${runIds.length} run_ids. ${docs}`);
  }
  const key = fields.need('metric_key');
  const limit = fields.integer('max_results') ?? maxInterval;
  if (limit < 1 || limit > maxInterval) throw invalid(`max_results must be between 1 and ${maxInterval}. ${docs}`);
  const start = fields.integer('start_step');
  const end = fields.integer('end_step');
  if (start === undefined && end === undefined) return { runIds, key, limit, range: undefined };
  if (start === undefined || end === undefined) {
    throw invalid('If either start step or end step are specified, both must be specified.');
  }
  if (start > end) {
    throw invalid(`end_step must be greater than start_step. Found start_step=${start} and end_step=${end}.`);
  }
  return { runIds, key, limit, range: [start, end] };
}

/** A sample of each run's points, by run and step. Each carries its run. */
export async function interval(store: RunStore, { runIds, key, limit, range }: IntervalQuery): Promise<Metric[]> {
  const samples = runIds.map(async (runId) => {
    const points = await store.sampleMetric(runId, key, { limit, range });
    return points.map((point): Metric => ({ ...point, runId }));
  });
  return (await Promise.all(samples)).flat();
}
