import {
  evaluationDatasetToJson,
  listToJson,
  readRecords,
  readTagMap,
  type EvaluationDataset,
  type Fields,
  type Json,
} from '../../mlflow/index.ts';
import type { EvaluationStore } from '../../tracking/index.ts';
import { done } from '../experiments.ts';
import type { ApiRoute } from '../route.ts';
import { pageSize } from './pages.ts';

/** Evaluation datasets and their records, as `mlflow.genai.datasets` keeps them. */
export function datasetRoutes(store: EvaluationStore): readonly ApiRoute[] {
  const version = '3.0';
  const idOf = (params: Readonly<Record<string, string>>): string => params['dataset_id'] ?? '';
  const dataset = async (found: Promise<EvaluationDataset>): Promise<Json> => ({
    dataset: evaluationDatasetToJson(await found),
  });
  const lists = ['experiment_ids', 'order_by'];
  return [
    { method: 'POST', path: '/datasets/create', version, answer: (fields) => dataset(create(store, fields)) },
    ...(['GET', 'POST'] as const).map((method): ApiRoute => ({
      ...{ method, path: '/datasets/search', version, scope: 'read', lists },
      answer: (fields) => search(store, fields),
    })),
    {
      ...{ method: 'GET', path: '/datasets/:dataset_id', version },
      answer: (_, params) => dataset(store.getDataset(idOf(params))),
    },
    {
      ...{ method: 'DELETE', path: '/datasets/:dataset_id', version },
      answer: done((_, params) => store.deleteDataset(idOf(params))),
    },
    {
      ...{ method: 'PATCH', path: '/datasets/:dataset_id/tags', version },
      answer: done((fields, params) => store.setDatasetTags(idOf(params), readTagMap(fields.need('tags')))),
    },
    {
      ...{ method: 'DELETE', path: '/datasets/:dataset_id/tags/:key', version },
      answer: done((_, params) => store.deleteDatasetTag(idOf(params), params['key'] ?? '')),
    },
    {
      ...{ method: 'GET', path: '/datasets/:dataset_id/experiment-ids', version },
      answer: async (_, params) => ({ experiment_ids: some(await store.datasetExperiments(idOf(params))) }),
    },
    {
      ...{ method: 'POST', path: '/datasets/:dataset_id/add-experiments', version },
      answer: (fields, params) => dataset(store.addDatasetToExperiments(idOf(params), fields.texts('experiment_ids'))),
    },
    {
      ...{ method: 'POST', path: '/datasets/:dataset_id/remove-experiments', version },
      answer: (fields, params) =>
        dataset(store.removeDatasetFromExperiments(idOf(params), fields.texts('experiment_ids'))),
    },
    ...recordRoutes(store, idOf),
  ];
}

function recordRoutes(
  store: EvaluationStore,
  idOf: (params: Readonly<Record<string, string>>) => string,
): readonly ApiRoute[] {
  const place = { path: '/datasets/:dataset_id/records', version: '3.0' } as const;
  return [
    {
      ...{ method: 'POST', ...place },
      answer: async (fields, params) => {
        const { inserted, updated } = await store.putRecords(idOf(params), readRecords(fields.need('records')));
        return { inserted_count: inserted, updated_count: updated };
      },
    },
    {
      ...{ method: 'GET', ...place },
      answer: async (fields, params) => {
        const asked = {
          maxResults: fields.integer('max_results') || undefined,
          pageToken: fields.filled('page_token'),
        };
        const page = await store.listRecords(idOf(params), asked);
        return { records: JSON.stringify(page.items), next_page_token: page.nextPageToken };
      },
    },
    {
      ...{ method: 'DELETE', ...place },
      answer: async (fields, params) => ({
        deleted_count: await store.deleteRecords(idOf(params), fields.texts('dataset_record_ids')),
      }),
    },
  ];
}

function create(store: EvaluationStore, fields: Fields): Promise<EvaluationDataset> {
  const tags = fields.filled('tags');
  return store.createDataset({
    name: fields.need('name'),
    tags: tags === undefined ? {} : readTagMap(tags),
    experimentIds: fields.texts('experiment_ids'),
  });
}

async function search(store: EvaluationStore, fields: Fields): Promise<Json> {
  const page = await store.searchEvaluationDatasets({
    experimentIds: fields.texts('experiment_ids'),
    filter: fields.filled('filter_string'),
    orderBy: fields.texts('order_by'),
    // An absent number arrives as 0 from clients that fill in what protobuf leaves out.
    maxResults: pageSize(fields.integer('max_results') || undefined),
    pageToken: fields.filled('page_token'),
  });
  return { datasets: some(listToJson(page.items, evaluationDatasetToJson) ?? []), next_page_token: page.nextPageToken };
}

function some<Item>(items: readonly Item[]): readonly Item[] | undefined {
  return items.length === 0 ? undefined : items;
}
