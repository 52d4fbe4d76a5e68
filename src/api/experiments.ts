import { MlopsError } from '../base/index.ts';
import {
  datasetSummaryToJson,
  experimentToJson,
  invalid,
  listToJson,
  readPairs,
  type Fields,
  type Json,
} from '../mlflow/index.ts';
import type { ExperimentStore } from '../tracking/index.ts';
import type { ApiRoute } from './route.ts';

const views = ['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL'] as const;
const maxDatasetExperiments = 20;

export function experimentRoutes(store: ExperimentStore): readonly ApiRoute[] {
  return [
    { method: 'POST', path: '/experiments/create', answer: (fields) => create(store, fields) },
    {
      method: 'GET',
      path: '/experiments/get',
      answer: async (fields) => ({
        experiment: experimentToJson(await store.getExperiment(fields.need('experiment_id'))),
      }),
    },
    { method: 'GET', path: '/experiments/get-by-name', answer: (fields) => byName(store, fields) },
    { method: 'GET', path: '/experiments/search', lists: ['order_by'], answer: (fields) => search(store, fields) },
    { method: 'POST', path: '/experiments/search', scope: 'read', answer: (fields) => search(store, fields) },
    {
      method: 'POST',
      path: '/experiments/update',
      answer: done((fields) => store.renameExperiment(fields.need('experiment_id'), fields.need('new_name'))),
    },
    {
      method: 'POST',
      path: '/experiments/delete',
      answer: done((fields) => store.deleteExperiment(fields.need('experiment_id'))),
    },
    {
      method: 'POST',
      path: '/experiments/restore',
      answer: done((fields) => store.restoreExperiment(fields.need('experiment_id'))),
    },
    {
      method: 'POST',
      path: '/experiments/set-experiment-tag',
      answer: done((fields) =>
        store.setExperimentTag(fields.need('experiment_id'), {
          key: fields.need('key'),
          value: fields.text('value') ?? '',
        }),
      ),
    },
    {
      method: 'POST',
      path: '/experiments/delete-experiment-tag',
      answer: done((fields) => store.deleteExperimentTag(fields.need('experiment_id'), fields.need('key'))),
    },
    {
      method: 'POST',
      path: '/experiments/search-datasets',
      ajaxOnly: true,
      scope: 'read',
      answer: (fields) => searchDatasets(store, fields),
    },
  ];
}

/** An endpoint that answers `{}`. */
export function done(
  act: (fields: Fields, params: Readonly<Record<string, string>>) => Promise<void>,
): ApiRoute['answer'] {
  return async (fields, params) => {
    await act(fields, params);
    return {};
  };
}

async function create(store: ExperimentStore, fields: Fields): Promise<Json> {
  const id = await store.createExperiment({
    name: fields.need('name'),
    artifactLocation: fields.filled('artifact_location'),
    tags: readPairs(fields, 'tags'),
  });
  return { experiment_id: id };
}

async function byName(store: ExperimentStore, fields: Fields): Promise<Json> {
  const name = fields.need('experiment_name');
  const experiment = await store.getExperimentByName(name);
  if (experiment === undefined) {
    throw new MlopsError('resource_missing', `Could not find experiment with name '${name}'`);
  }
  return { experiment: experimentToJson(experiment) };
}

async function search(store: ExperimentStore, fields: Fields): Promise<Json> {
  const page = await store.searchExperiments({
    filter: fields.filled('filter'),
    orderBy: fields.texts('order_by'),
    // The protocol has no default here: a request without it is refused by the store.
    maxResults: fields.integer('max_results') ?? 0,
    pageToken: fields.filled('page_token'),
    view: fields.choice('view_type', views),
  });
  return { experiments: listToJson(page.items, experimentToJson), next_page_token: page.nextPageToken };
}

async function searchDatasets(store: ExperimentStore, fields: Fields): Promise<Json> {
  const ids = fields.texts('experiment_ids');
  if (ids.length === 0) throw invalid('SearchDatasets request must specify at least one experiment_id.');
  if (ids.length > maxDatasetExperiments) {
    throw invalid(
      `SearchDatasets request cannot specify more than ${maxDatasetExperiments} experiment_ids. Received ${ids.length} experiment_ids.`,
    );
  }
  return { dataset_summaries: listToJson(await store.searchDatasets(ids), datasetSummaryToJson) };
}
