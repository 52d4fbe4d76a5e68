import { randomUUID } from 'node:crypto';

import {
  listToJson,
  pairToJson,
  readPairs,
  type Fields,
  type Json,
  type TraceInfo,
  type TraceState,
} from '../mlflow/index.ts';
import type { TraceStore } from '../tracking/index.ts';
import type { ApiRoute } from './route.ts';

const statuses = ['TRACE_STATUS_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS'] as const;

/** Traces as clients from 2.14 to 3.1 keep them: begun and ended by one call each, spans as an artifact. */
export function oldTraceRoutes(store: TraceStore): readonly ApiRoute[] {
  return [
    {
      method: 'POST',
      path: '/traces',
      answer: async (fields) => ({ trace_info: toJson(await store.putTrace(begun(fields))) }),
    },
    {
      method: 'PATCH',
      path: '/traces/:request_id',
      answer: async (fields, { request_id: id = '' }) => ({ trace_info: toJson(await end(store, id, fields)) }),
    },
    {
      method: 'GET',
      path: '/traces/:request_id/info',
      answer: async (_, { request_id: id = '' }) => ({ trace_info: toJson(await store.getTraceInfo(id)) }),
    },
    {
      method: 'GET',
      path: '/traces',
      lists: ['experiment_ids', 'order_by'],
      answer: (fields) => search(store, fields),
    },
  ];
}

function begun(fields: Fields): TraceInfo {
  return {
    id: `tr-${randomUUID().replaceAll('-', '')}`,
    experimentId: fields.need('experiment_id'),
    requestTime: fields.integer('timestamp_ms') ?? Date.now(),
    duration: undefined,
    state: 'IN_PROGRESS',
    clientRequestId: undefined,
    requestPreview: undefined,
    responsePreview: undefined,
    metadata: readPairs(fields, 'request_metadata'),
    tags: readPairs(fields, 'tags'),
    assessments: [],
  };
}

async function end(store: TraceStore, id: string, fields: Fields): Promise<TraceInfo> {
  const before = await store.getTraceInfo(id);
  const time = fields.integer('timestamp_ms');
  return store.putTrace({
    ...before,
    duration: time === undefined ? before.duration : time - before.requestTime,
    state: stateOf(fields.choice('status', statuses, 0)) ?? before.state,
    metadata: readPairs(fields, 'request_metadata'),
    tags: readPairs(fields, 'tags'),
  });
}

function stateOf(status: (typeof statuses)[number] | undefined): TraceState | undefined {
  return status === 'TRACE_STATUS_UNSPECIFIED' ? 'STATE_UNSPECIFIED' : status;
}

async function search(store: TraceStore, fields: Fields): Promise<Json> {
  const page = await store.searchTraces({
    experimentIds: fields.texts('experiment_ids'),
    filter: fields.filled('filter'),
    orderBy: fields.texts('order_by'),
    maxResults: fields.integer('max_results'),
    pageToken: fields.filled('page_token'),
  });
  return { traces: listToJson(page.items, toJson), next_page_token: page.nextPageToken };
}

function toJson(trace: TraceInfo): Json {
  return {
    request_id: trace.id,
    experiment_id: trace.experimentId,
    timestamp_ms: trace.requestTime,
    execution_time_ms: trace.duration,
    status: trace.state === 'STATE_UNSPECIFIED' ? 'TRACE_STATUS_UNSPECIFIED' : trace.state,
    request_metadata: listToJson(trace.metadata, pairToJson),
    tags: listToJson(trace.tags, pairToJson),
  };
}
