import { isMlopsError, MlopsError } from '../../base/index.ts';
import {
  datasetInputToJson,
  int64Text,
  metricToJson,
  modelOutputToJson,
  readDatasetSummary,
  readExperiment,
  readMetric,
  readRun,
  readRunInfo,
} from '../../mlflow/index.ts';
import type { ExperimentStore, RunStore } from '../store.ts';
import type { RemoteClient } from './client.ts';

const api = '2.0/mlflow';

export function remoteExperiments(client: RemoteClient): ExperimentStore {
  const act = async (verb: string, body: unknown): Promise<void> =>
    void (await client.post(`${api}/experiments/${verb}`, body));
  return {
    createExperiment: async ({ name, artifactLocation, tags = [] }) => {
      const body = { name, artifact_location: artifactLocation, tags };
      return (await client.post(`${api}/experiments/create`, body)).need('experiment_id');
    },
    getExperiment: async (id) =>
      readExperiment((await client.get(`${api}/experiments/get`, { experiment_id: id })).message('experiment')),
    getExperimentByName: async (name) => {
      try {
        const found = await client.get(`${api}/experiments/get-by-name`, { experiment_name: name });
        return readExperiment(found.message('experiment'));
      } catch (error) {
        if (isMlopsError(error, 'resource_missing')) return undefined;
        throw error;
      }
    },
    searchExperiments: async ({ filter, orderBy, maxResults = 1000, pageToken, view }) => {
      const answer = await client.post(`${api}/experiments/search`, {
        filter,
        order_by: orderBy,
        max_results: maxResults,
        page_token: pageToken,
        view_type: view,
      });
      return {
        items: answer.messages('experiments').map(readExperiment),
        nextPageToken: answer.filled('next_page_token'),
      };
    },
    renameExperiment: (id, name) => act('update', { experiment_id: id, new_name: name }),
    deleteExperiment: (id) => act('delete', { experiment_id: id }),
    restoreExperiment: (id) => act('restore', { experiment_id: id }),
    setExperimentTag: (id, { key, value }) => act('set-experiment-tag', { experiment_id: id, key, value }),
    deleteExperimentTag: (id, key) => act('delete-experiment-tag', { experiment_id: id, key }),
    searchDatasets: async (ids) => {
      const answer = await client.post('/ajax-api/2.0/mlflow/experiments/search-datasets', { experiment_ids: ids });
      return answer.messages('dataset_summaries').map(readDatasetSummary);
    },
  };
}

export function remoteRuns(client: RemoteClient): RunStore {
  const act = async (verb: string, body: unknown): Promise<void> =>
    void (await client.post(`${api}/runs/${verb}`, body));
  const ids = (id: string): { run_id: string; run_uuid: string } => ({ run_id: id, run_uuid: id });
  const searchRuns: RunStore['searchRuns'] = async (search) => {
    const answer = await client.post(`${api}/runs/search`, {
      experiment_ids: search.experimentIds,
      filter: search.filter,
      run_view_type: search.view,
      max_results: search.maxResults,
      order_by: search.orderBy,
      page_token: search.pageToken,
    });
    return { items: answer.messages('runs').map(readRun), nextPageToken: answer.filled('next_page_token') };
  };
  const metricHistory: RunStore['metricHistory'] = async (id, key, query = {}) => {
    const answer = await client.get(`${api}/metrics/get-history`, {
      ...ids(id),
      metric_key: key,
      max_results: query.maxResults,
      page_token: query.pageToken,
    });
    return { items: answer.messages('metrics').map(readMetric), nextPageToken: answer.filled('next_page_token') };
  };
  return {
    createRun: async ({ experimentId, userId, name, startTime, tags = [] }) => {
      const body = { experiment_id: experimentId, user_id: userId, run_name: name, start_time: startTime, tags };
      return readRun((await client.post(`${api}/runs/create`, body)).message('run'));
    },
    getRun: async (id) => readRun((await client.get(`${api}/runs/get`, ids(id))).message('run')),
    updateRun: async (id, { status, endTime, name }) => {
      const body = { ...ids(id), status, end_time: endTime, run_name: name };
      return readRunInfo((await client.post(`${api}/runs/update`, body)).message('run_info'));
    },
    deleteRun: (id) => act('delete', { run_id: id }),
    restoreRun: (id) => act('restore', { run_id: id }),
    searchRuns,
    // Of the newest thousand: MLflow's server has no better answer.
    runsOverview: async (experimentIds, deleted = false) => {
      const view = deleted ? 'DELETED_ONLY' : 'ACTIVE_ONLY';
      const { items, nextPageToken } = await searchRuns({ experimentIds, view, maxResults: 1000 });
      const names = (kind: 'metrics' | 'params' | 'tags'): string[] =>
        [...new Set(items.flatMap((run) => run[kind].map(({ key }) => key)))].toSorted();
      const runs = nextPageToken === undefined ? items.length : undefined;
      return { runs, metrics: names('metrics'), params: names('params'), tags: names('tags') };
    },
    experimentActivity: async () => [],
    logBatch: (id, { metrics = [], params = [], tags = [] }) =>
      act('log-batch', { run_id: id, metrics: metrics.map(metricToJson), params, tags }),
    setTag: (id, { key, value }) => act('set-tag', { ...ids(id), key, value }),
    deleteTag: (id, key) => act('delete-tag', { run_id: id, key }),
    logInputs: (id, datasets, modelIds = []) =>
      act('log-inputs', {
        run_id: id,
        datasets: datasets.map(datasetInputToJson),
        models: modelIds.map((model) => ({ model_id: model })),
      }),
    logOutputs: (id, models) => act('outputs', { run_id: id, models: models.map(modelOutputToJson) }),
    metricHistory,
    historyColumns: async (id, key, query) => {
      const { items, nextPageToken } = await metricHistory(id, key, query);
      return {
        values: items.map(({ value }) => value),
        timestamps: items.map(({ timestamp }) => int64Text(timestamp)),
        steps: items.map(({ step }) => int64Text(step)),
        nextPageToken,
      };
    },
    sampleMetric: async (id, key, { limit, range }) => {
      const [start, end] = range ?? [undefined, undefined];
      const answer = await client.get(`${api}/metrics/get-history-bulk-interval`, {
        run_ids: [id],
        metric_key: key,
        max_results: limit,
        start_step: start,
        end_step: end,
      });
      return answer.messages('metrics').map((fields) => ({ ...readMetric(fields), runId: undefined }));
    },
    purge: async () => {
      throw new MlopsError('not_implemented', 'a tracking server does not remove things for good at a client’s wish', {
        hint: 'run `mlops runs gc` on the machine of the server',
      });
    },
  };
}
