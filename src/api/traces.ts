import { randomUUID } from 'node:crypto';

import { isMlopsError, MlopsError } from '../base/index.ts';

import {
  invalid,
  listToJson,
  readPair,
  readTraceInfo,
  traceInfoToJson,
  traceToJson,
  type Fields,
  type Json,
} from '../mlflow/index.ts';
import type { TraceStore } from '../tracking/index.ts';
import { done } from './experiments.ts';
import type { ApiRoute } from './route.ts';

/** As MLflow has it. */
const mostLinks = 100;

type Params = Readonly<Record<string, string>>;

/** Traces as 3.x clients keep them; tags also at the older address, which all clients use. */
export function traceRoutes(store: TraceStore): readonly ApiRoute[] {
  const version = '3.0';
  return [
    { method: 'POST', path: '/traces', version, answer: (fields) => start(store, fields) },
    { method: 'POST', path: '/traces/search', version, scope: 'read', answer: (fields) => search(store, fields) },
    {
      method: 'GET',
      path: '/traces/get',
      version,
      answer: async (fields) => ({ trace: traceToJson(await store.getTrace(fields.need('trace_id'))) }),
    },
    {
      method: 'GET',
      path: '/traces/batchGet',
      version,
      lists: ['trace_ids', 'experiment_ids'],
      answer: async (fields) => ({
        traces: await eachKnown(idsOf(fields), async (id) => traceToJson(await store.getTrace(id))),
      }),
    },
    ...(['GET', 'POST'] as const).map((method): ApiRoute => ({
      method,
      path: '/traces/batchGetInfos',
      version,
      scope: 'read',
      lists: ['trace_ids', 'experiment_ids'],
      answer: async (fields) => ({
        trace_infos: await eachKnown(idsOf(fields), async (id) => traceInfoToJson(await store.getTraceInfo(id))),
      }),
    })),
    {
      method: 'GET',
      path: '/traces/:trace_id',
      version,
      answer: async (_, { trace_id: id = '' }) => ({
        trace: { trace_info: traceInfoToJson(await store.getTraceInfo(id)) },
      }),
    },
    ...(['2.0', '3.0'] as const).flatMap((one) => sharedRoutes(store, one)),
    ...assessmentRoutes(store),
  ];
}

function sharedRoutes(store: TraceStore, version: '2.0' | '3.0'): readonly ApiRoute[] {
  return [
    {
      method: 'PATCH',
      path: '/traces/:trace_id/tags',
      version,
      answer: done((fields, { trace_id: id = '' }) => store.setTraceTag(id, readPair(fields))),
    },
    {
      method: 'DELETE',
      path: '/traces/:trace_id/tags',
      version,
      answer: done((fields, { trace_id: id = '' }) => store.deleteTraceTag(id, fields.need('key'))),
    },
    {
      method: 'POST',
      path: '/traces/delete-traces',
      version,
      answer: async (fields) => ({ traces_deleted: await remove(store, fields) }),
    },
    {
      method: 'POST',
      path: '/traces/link-to-run',
      version,
      answer: done(async (fields) => {
        const ids = idsOf(fields);
        if (ids.length > mostLinks) {
          const most = `Cannot link more than ${mostLinks} traces to a run in a single request`;
          throw invalid(`${most}. Provided ${ids.length} traces.`);
        }
        await store.linkTraces(ids, fields.need('run_id'));
      }),
    },
    {
      method: 'POST',
      path: '/traces/link-prompts',
      version,
      answer: done(async (fields) => {
        const prompts = fields
          .messages('prompt_versions')
          .map((one) => ({ name: one.need('name'), version: one.text('version') ?? '' }));
        const tag = { key: 'mlflow.linkedPrompts', value: JSON.stringify(prompts) };
        await store.setTraceTag(fields.need('trace_id'), tag);
      }),
    },
  ];
}

function assessmentRoutes(store: TraceStore): readonly ApiRoute[] {
  const version = '3.0';
  const path = '/traces/:trace_id/assessments/:assessment_id';
  return [
    {
      method: 'POST',
      path: '/traces/:trace_id/assessments',
      version,
      answer: (fields, { trace_id: id = '' }) => createAssessment(store, id, fields),
    },
    { method: 'GET', path, version, answer: async (_, params) => ({ assessment: await assessmentOf(store, params) }) },
    { method: 'PATCH', path, version, answer: (fields, params) => updateAssessment(store, params, fields) },
    {
      method: 'DELETE',
      path,
      version,
      answer: done((_, { trace_id: id = '', assessment_id: one = '' }) => store.deleteAssessment(id, one)),
    },
  ];
}

/** What is there of a list of ids. */
async function eachKnown(ids: readonly string[], find: (id: string) => Promise<Json>): Promise<Json[] | undefined> {
  const found: Json[] = [];
  for (const id of ids) {
    try {
      found.push(await find(id));
    } catch (error) {
      if (!isMlopsError(error, 'resource_missing')) throw error;
    }
  }
  return found.length === 0 ? undefined : found;
}

function idsOf(fields: Fields): readonly string[] {
  const ids = fields.texts('trace_ids');
  if (ids.length === 0) throw fields.missing('trace_ids');
  return ids;
}

async function start(store: TraceStore, fields: Fields): Promise<Json> {
  if (!fields.has('trace')) throw fields.missing('trace');
  const info = await store.putTrace(readTraceInfo(fields.message('trace').message('trace_info')));
  return { trace: { trace_info: traceInfoToJson(info) } };
}

async function search(store: TraceStore, fields: Fields): Promise<Json> {
  const locations = fields.messages('locations');
  if (locations.length === 0) throw fields.missing('locations');
  const page = await store.searchTraces({
    experimentIds: locations.flatMap((one) => one.message('mlflow_experiment').filled('experiment_id') ?? []),
    filter: fields.filled('filter'),
    orderBy: fields.texts('order_by'),
    maxResults: fields.integer('max_results'),
    pageToken: fields.filled('page_token'),
  });
  return { traces: listToJson(page.items, traceInfoToJson), next_page_token: page.nextPageToken };
}

function remove(store: TraceStore, fields: Fields): Promise<number> {
  const ids = fields.texts('request_ids');
  return store.deleteTraces({
    experimentId: fields.need('experiment_id'),
    ids: ids.length === 0 ? undefined : ids,
    until: fields.integer('max_timestamp_millis'),
    max: fields.integer('max_traces'),
  });
}

async function createAssessment(store: TraceStore, id: string, fields: Fields): Promise<Json> {
  if (!fields.has('assessment')) throw fields.missing('assessment');
  fields.message('assessment').need('assessment_name');
  const now = new Date().toISOString();
  const assessment = {
    create_time: now,
    last_update_time: now,
    valid: true,
    ...(fields.raw('assessment') as Json),
    assessment_id: `a-${randomUUID().replaceAll('-', '')}`,
    trace_id: id,
  };
  const made = await store.putAssessment(id, assessment.assessment_id, assessment);
  const overridden = fields.message('assessment').filled('overrides');
  if (overridden !== undefined) {
    const before = await assessmentOf(store, { trace_id: id, assessment_id: overridden });
    await store.putAssessment(id, overridden, { ...before, valid: false });
  }
  return { assessment: { ...assessment, assessment_id: made } };
}

async function assessmentOf(store: TraceStore, { trace_id: id = '', assessment_id: one = '' }: Params): Promise<Json> {
  const { assessments } = await store.getTraceInfo(id);
  const found = assessments.find((assessment) => assessment['assessment_id'] === one);
  if (found === undefined)
    throw new MlopsError('resource_missing', `Assessment with ID '${one}' not found for trace '${id}'`);
  return found;
}

async function updateAssessment(store: TraceStore, params: Params, fields: Fields): Promise<Json> {
  const before = await assessmentOf(store, params);
  const { trace_id: id = '', assessment_id: one = '' } = params;
  const assessment = {
    ...before,
    ...(fields.raw('assessment') as Json | undefined),
    assessment_id: one,
    trace_id: id,
    last_update_time: new Date().toISOString(),
  };
  await store.putAssessment(id, one, assessment);
  return { assessment };
}
