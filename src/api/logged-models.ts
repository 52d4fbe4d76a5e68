import {
  listToJson,
  loggedModelStatuses,
  loggedModelToJson,
  readPairs,
  type Fields,
  type Json,
} from '../mlflow/index.ts';
import type { LoggedModelStore } from '../tracking/index.ts';
import { done } from './experiments.ts';
import type { ApiRoute } from './route.ts';

/** Models as 3.x clients log them. */
export function loggedModelRoutes(store: LoggedModelStore): readonly ApiRoute[] {
  return [
    { method: 'POST', path: '/logged-models', answer: (fields) => create(store, fields) },
    { method: 'POST', path: '/logged-models/search', scope: 'read', answer: (fields) => search(store, fields) },
    {
      method: 'GET',
      path: '/logged-models/:model_id',
      answer: async (_, { model_id: id = '' }) => ({ model: loggedModelToJson(await store.getLoggedModel(id)) }),
    },
    {
      method: 'PATCH',
      path: '/logged-models/:model_id',
      answer: (fields, { model_id: id = '' }) => finalize(store, id, fields),
    },
    {
      method: 'DELETE',
      path: '/logged-models/:model_id',
      answer: done((_, { model_id: id = '' }) => store.deleteLoggedModel(id)),
    },
    {
      method: 'PATCH',
      path: '/logged-models/:model_id/tags',
      answer: done((fields, { model_id: id = '' }) => store.setLoggedModelTags(id, readPairs(fields, 'tags'))),
    },
    {
      method: 'DELETE',
      path: '/logged-models/:model_id/tags/:key',
      answer: done((_, { model_id: id = '', key = '' }) => store.deleteLoggedModelTag(id, key)),
    },
    {
      method: 'POST',
      path: '/logged-models/:model_id/params',
      answer: done((fields, { model_id: id = '' }) => store.logLoggedModelParams(id, readPairs(fields, 'params'))),
    },
  ];
}

async function create(store: LoggedModelStore, fields: Fields): Promise<Json> {
  const model = await store.createLoggedModel({
    experimentId: fields.need('experiment_id'),
    name: fields.filled('name'),
    modelType: fields.filled('model_type'),
    sourceRunId: fields.filled('source_run_id'),
    params: readPairs(fields, 'params'),
    tags: readPairs(fields, 'tags'),
  });
  return { model: loggedModelToJson(model) };
}

async function finalize(store: LoggedModelStore, id: string, fields: Fields): Promise<Json> {
  const status = fields.choice('status', loggedModelStatuses, 0);
  if (status === undefined) throw fields.missing('status');
  return { model: loggedModelToJson(await store.finalizeLoggedModel(id, status)) };
}

async function search(store: LoggedModelStore, fields: Fields): Promise<Json> {
  const experimentIds = fields.onlyTexts('experiment_ids');
  if (experimentIds.length === 0) throw fields.missing('experiment_ids');
  const page = await store.searchLoggedModels({
    experimentIds,
    filter: fields.filled('filter'),
    datasets: fields.messages('datasets').map((dataset) => ({
      name: dataset.need('dataset_name'),
      digest: dataset.filled('dataset_digest'),
    })),
    orderBy: fields.messages('order_by').map((order) => ({
      field: order.need('field_name'),
      ascending: order.flag('ascending'),
      datasetName: order.filled('dataset_name'),
      datasetDigest: order.filled('dataset_digest'),
    })),
    maxResults: fields.integer('max_results'),
    pageToken: fields.filled('page_token'),
  });
  return { models: listToJson(page.items, loggedModelToJson), next_page_token: page.nextPageToken };
}
