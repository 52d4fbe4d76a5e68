import { isMlopsError } from '../../base/index.ts';
import { experimentToJson, Fields, jsonText, modelVersionToJson, type Json } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { artifactRoutes } from '../artifacts.ts';
import { experimentRoutes } from '../experiments.ts';
import { metricRoutes } from '../metrics.ts';
import { modelVersionRoutes } from '../model-versions.ts';
import { runRoutes } from '../runs.ts';
import type { Selection } from './parse.ts';

/** A root field and the REST endpoint that has its answer. */
const roots: Readonly<Record<string, string>> = {
  mlflowGetExperiment: '/experiments/get',
  mlflowGetRun: '/runs/get',
  mlflowSearchRuns: '/runs/search',
  mlflowListArtifacts: '/artifacts/list',
  mlflowGetMetricHistoryBulkInterval: '/metrics/get-history-bulk-interval',
  mlflowSearchModelVersions: '/model-versions/search',
  mlflowSearchDatasets: '/experiments/search-datasets',
};

/** Lists, which the REST form leaves out when they are empty. */
const lists = new Set([
  'datasetSummaries',
  'metrics',
  'params',
  'tags',
  'runs',
  'files',
  'modelVersions',
  'datasetInputs',
  'modelInputs',
  'modelOutputs',
  'aliases',
]);
/** 64-bit numbers, which GraphQL has as text. */
const longs = new Set([
  ...['startTime', 'endTime', 'timestamp', 'step', 'creationTime', 'lastUpdateTime', 'fileSize'],
  ...['creationTimestamp', 'lastUpdatedTimestamp'],
]);
/** Type names of objects by the field they are in; pages use them as cache keys. */
const types: Readonly<Record<string, string>> = {
  apiError: 'ApiError',
  run: 'MlflowRunExtension',
  runs: 'MlflowRunExtension',
  info: 'MlflowRunInfo',
  data: 'MlflowRunData',
  metrics: 'MlflowMetricExtension',
  params: 'MlflowParam',
  tags: 'MlflowRunTag',
  inputs: 'MlflowRunInputs',
  outputs: 'MlflowRunOutputs',
  datasetInputs: 'MlflowDatasetInput',
  dataset: 'MlflowDataset',
  experiment: 'MlflowExperiment',
  modelVersions: 'MlflowModelVersion',
  files: 'MlflowFileInfo',
};

type Answer = Record<string, unknown>;

/** Answers the queries by the same endpoints as REST. What the store refuses is null, and said among the errors. */
export async function answerQuery(store: TrackingStore, selections: readonly Selection[]): Promise<Answer> {
  const routes = [
    ...experimentRoutes(store),
    ...runRoutes(store),
    ...metricRoutes(store),
    ...modelVersionRoutes(store),
    ...artifactRoutes(store),
  ];
  const data: Answer = {};
  const errors: string[] = [];
  for (const selection of selections) {
    if (selection.name === '__typename') {
      data[selection.alias] = 'Query';
      continue;
    }
    const route = routes.find(({ path }) => path === roots[selection.name]);
    if (route === undefined) {
      return { data: null, errors: [`Cannot query field '${selection.name}' on type 'Query'.`] };
    }
    const input = (selection.args['input'] ?? {}) as Json;
    try {
      const result = await route.answer(new Fields(input), {}, undefined);
      const type = `M${selection.name.slice(1)}Response`;
      data[selection.alias] = await project(store, result as Json, selection.selections, type);
    } catch (error) {
      if (!isMlopsError(error)) throw error;
      data[selection.alias] = null;
      errors.push(error.message);
    }
  }
  return { data, errors: errors.length === 0 ? null : errors };
}

async function project(
  store: TrackingStore,
  value: Json,
  selections: readonly Selection[],
  type: string,
): Promise<Answer> {
  const out: Answer = {};
  for (const { alias, name, selections: inner } of selections) {
    out[alias] = name === '__typename' ? type : await fieldOf(store, value, name, inner);
  }
  return out;
}

async function fieldOf(store: TrackingStore, value: Json, name: string, inner: readonly Selection[]): Promise<unknown> {
  const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const found = value[snake] ?? (await joined(store, value, name));
  if (found === undefined || found === null) {
    // A folder has no size in REST, and none to count here.
    if (name === 'fileSize') return '0';
    return lists.has(name) ? [] : null;
  }
  if (Array.isArray(found)) {
    if (inner.length === 0) return found;
    const items: Answer[] = [];
    for (const item of found as Json[]) items.push(await project(store, item, inner, types[name] ?? name));
    return items;
  }
  if (inner.length > 0) return project(store, found as Json, inner, types[name] ?? name);
  if (longs.has(name)) return jsonText(found);
  return found === 'NaN' ? null : found;
}

/** What a run has here and not in REST: its experiment and the versions registered from it. */
async function joined(store: TrackingStore, value: Json, name: string): Promise<unknown> {
  const info = value['info'] as Readonly<Record<string, string>> | undefined;
  if (info?.['run_id'] === undefined) return undefined;
  if (name === 'experiment') return experimentToJson(await store.getExperiment(info['experiment_id'] ?? ''));
  if (name !== 'modelVersions') return undefined;
  const { items } = await store.searchModelVersions({ filter: `run_id = '${info['run_id']}'`, maxResults: 100 });
  return items.map(modelVersionToJson);
}
