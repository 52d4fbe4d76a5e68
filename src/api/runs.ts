import type { Identity } from '../http/index.ts';
import {
  listToJson,
  readDatasetInput,
  readMetric,
  readModelOutput,
  readPair,
  readPairs,
  runInfoToJson,
  runStatuses,
  runToJson,
  type Fields,
  type Json,
} from '../mlflow/index.ts';
import type { NewRun, RunStore } from '../tracking/index.ts';
import { done } from './experiments.ts';
import { appendModelHistory } from './model-history.ts';
import type { ApiRoute } from './route.ts';

const views = ['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL'] as const;

/** Changes a run that a caller is about to make, for example by giving it a parent. */
export type ShapeRun = (run: NewRun, caller: Identity | undefined) => NewRun;

/** Runs, and what is logged into them. */
export function runRoutes(store: RunStore, shape: ShapeRun = (run) => run): readonly ApiRoute[] {
  return [
    {
      method: 'POST',
      path: '/runs/create',
      answer: (fields, _, caller) => create(store, shape(readNewRun(fields), caller)),
    },
    {
      method: 'GET',
      path: '/runs/get',
      answer: async (fields) => ({ run: runToJson(await store.getRun(runIdOf(fields))) }),
    },
    { method: 'POST', path: '/runs/update', answer: (fields) => update(store, fields) },
    { method: 'POST', path: '/runs/delete', answer: done((fields) => store.deleteRun(runIdOf(fields))) },
    { method: 'POST', path: '/runs/restore', answer: done((fields) => store.restoreRun(runIdOf(fields))) },
    { method: 'POST', path: '/runs/search', scope: 'read', answer: (fields) => search(store, fields) },
    {
      method: 'POST',
      path: '/runs/log-metric',
      answer: done((fields) => store.logBatch(runIdOf(fields), { metrics: [readMetric(fields)] })),
    },
    {
      method: 'POST',
      path: '/runs/log-parameter',
      answer: done((fields) => store.logBatch(runIdOf(fields), { params: [readPair(fields)] })),
    },
    {
      method: 'POST',
      path: '/runs/set-tag',
      answer: done((fields) => store.setTag(runIdOf(fields), readPair(fields))),
    },
    {
      method: 'POST',
      path: '/runs/delete-tag',
      answer: done((fields) => store.deleteTag(runIdOf(fields), fields.need('key'))),
    },
    { method: 'POST', path: '/runs/log-batch', answer: done((fields) => logBatch(store, fields)) },
    { method: 'POST', path: '/runs/log-inputs', answer: done((fields) => logInputs(store, fields)) },
    {
      method: 'POST',
      path: '/runs/outputs',
      answer: done((fields) => store.logOutputs(runIdOf(fields), fields.messages('models').map(readModelOutput))),
    },
    {
      method: 'POST',
      path: '/runs/log-model',
      answer: done((fields) => appendModelHistory(store, runIdOf(fields), fields.need('model_json'))),
    },
  ];
}

/** `run_id`, or its old name `run_uuid`. */
export function runIdOf(fields: Fields): string {
  return fields.filled('run_id') ?? fields.filled('run_uuid') ?? fields.need('run_id');
}

function readNewRun(fields: Fields): NewRun {
  return {
    experimentId: fields.need('experiment_id'),
    userId: fields.filled('user_id'),
    name: fields.filled('run_name'),
    startTime: fields.integer('start_time'),
    tags: readPairs(fields, 'tags'),
  };
}

async function create(store: RunStore, wanted: NewRun): Promise<Json> {
  return { run: runToJson(await store.createRun(wanted)) };
}

async function update(store: RunStore, fields: Fields): Promise<Json> {
  const info = await store.updateRun(runIdOf(fields), {
    status: fields.choice('status', runStatuses),
    endTime: fields.integer('end_time'),
    name: fields.filled('run_name'),
  });
  return { run_info: runInfoToJson(info) };
}

async function search(store: RunStore, fields: Fields): Promise<Json> {
  const page = await store.searchRuns({
    experimentIds: fields.texts('experiment_ids'),
    filter: fields.filled('filter'),
    orderBy: fields.texts('order_by'),
    maxResults: fields.integer('max_results'),
    pageToken: fields.filled('page_token'),
    view: fields.choice('run_view_type', views),
  });
  return { runs: listToJson(page.items, runToJson), next_page_token: page.nextPageToken };
}

async function logBatch(store: RunStore, fields: Fields): Promise<void> {
  const id = runIdOf(fields);
  await store.logBatch(id, {
    metrics: fields.messages('metrics').map(readMetric),
    params: readPairs(fields, 'params'),
    tags: readPairs(fields, 'tags'),
  });
}

async function logInputs(store: RunStore, fields: Fields): Promise<void> {
  const id = runIdOf(fields);
  const datasets = fields.messages('datasets').map(readDatasetInput);
  const models = fields.messages('models').map((model) => model.need('model_id'));
  await store.logInputs(id, datasets, models);
}
