import {
  filterText,
  readLoggedModel,
  readModelVersion,
  readRegisteredModel,
  type ModelVersion,
  type Page,
  type RegisteredModel,
} from '../../mlflow/index.ts';
import type { LoggedModelStore, RegistryStore } from '../store.ts';
import type { Promotion, Search } from '../types.ts';
import type { RemoteClient } from './client.ts';
import { joinUri } from '../artifacts/location.ts';
import { readTrail, trailTag } from './trail.ts';

const api = '2.0/mlflow';

export function remoteLoggedModels(client: RemoteClient): LoggedModelStore {
  const at = (id: string, rest = ''): string => `${api}/logged-models/${encodeURIComponent(id)}${rest}`;
  const done = async (answer: Promise<unknown>): Promise<void> => void (await answer);
  return {
    createLoggedModel: async ({ experimentId, name, modelType, sourceRunId, params = [], tags = [] }) => {
      const body = {
        experiment_id: experimentId,
        name,
        model_type: modelType,
        source_run_id: sourceRunId,
        params,
        tags,
      };
      return readLoggedModel((await client.post(`${api}/logged-models`, body)).message('model'));
    },
    getLoggedModel: async (id) => readLoggedModel((await client.get(at(id))).message('model')),
    finalizeLoggedModel: async (id, status) =>
      readLoggedModel((await client.send('PATCH', at(id), { model_id: id, status })).message('model')),
    deleteLoggedModel: (id) => done(client.send('DELETE', at(id), {})),
    setLoggedModelTags: (id, tags) => done(client.send('PATCH', at(id, '/tags'), { tags })),
    deleteLoggedModelTag: (id, key) => done(client.send('DELETE', at(id, `/tags/${encodeURIComponent(key)}`), {})),
    logLoggedModelParams: (id, params) => done(client.post(at(id, '/params'), { params })),
    searchLoggedModels: async (search) => {
      const answer = await client.post(`${api}/logged-models/search`, {
        experiment_ids: search.experimentIds,
        filter: search.filter,
        max_results: search.maxResults,
        page_token: search.pageToken,
        datasets: search.datasets?.map(({ name, digest }) => ({ dataset_name: name, dataset_digest: digest })),
        order_by: search.orderBy?.map(({ field, ascending, datasetName, datasetDigest }) => ({
          field_name: field,
          ascending,
          dataset_name: datasetName,
          dataset_digest: datasetDigest,
        })),
      });
      return { items: answer.messages('models').map(readLoggedModel), nextPageToken: answer.filled('next_page_token') };
    },
  };
}

type ModelHalf = Omit<RegistryStore, keyof VersionHalf>;
type VersionHalf = Pick<
  RegistryStore,
  | 'createModelVersion'
  | 'getModelVersion'
  | 'updateModelVersion'
  | 'deleteModelVersion'
  | 'transitionStage'
  | 'getDownloadUri'
  | 'searchModelVersions'
  | 'setModelVersionTag'
  | 'deleteModelVersionTag'
  | 'promotions'
>;

export function remoteModels(client: RemoteClient): ModelHalf {
  const path = `${api}/registered-models`;
  const done = async (answer: Promise<unknown>): Promise<void> => void (await answer);
  const model = async (answer: ReturnType<RemoteClient['get']>): Promise<RegisteredModel> =>
    readRegisteredModel((await answer).message('registered_model'));
  return {
    createRegisteredModel: (name, { tags = [], description } = {}) =>
      model(client.post(`${path}/create`, { name, tags, description })),
    getRegisteredModel: (name) => model(client.get(`${path}/get`, { name })),
    updateRegisteredModel: (name, description) => model(client.send('PATCH', `${path}/update`, { name, description })),
    renameRegisteredModel: (name, newName) => model(client.post(`${path}/rename`, { name, new_name: newName })),
    deleteRegisteredModel: (name) => done(client.send('DELETE', `${path}/delete`, { name })),
    searchRegisteredModels: async (search): Promise<Page<RegisteredModel>> => {
      const answer = await client.get(`${path}/search`, queryOf(search));
      return {
        items: answer.messages('registered_models').map(readRegisteredModel),
        nextPageToken: answer.filled('next_page_token'),
      };
    },
    setRegisteredModelTag: (name, { key, value }) => done(client.post(`${path}/set-tag`, { name, key, value })),
    deleteRegisteredModelTag: (name, key) => done(client.send('DELETE', `${path}/delete-tag`, { name, key })),
    setAlias: async (name, alias, version, { by, why } = {}) => {
      const { aliases } = await model(client.get(`${path}/get`, { name }));
      const before = aliases.find((one) => one.alias === alias)?.version;
      await client.post(`${path}/alias`, { name, alias, version });
      if (before === version) return;
      // The protocol has no audit trail, so it is kept in tags of the version.
      const from = before === undefined ? '' : `version ${before}`;
      const tag = trailTag({ kind: 'alias', from, to: alias, by, why, at: Date.now() });
      await client.post(`${api}/model-versions/set-tag`, { name, version, ...tag });
    },
    deleteAlias: (name, alias) => done(client.send('DELETE', `${path}/alias`, { name, alias })),
    getVersionByAlias: async (name, alias) =>
      readModelVersion((await client.get(`${path}/alias`, { name, alias })).message('model_version')),
    getLatestVersions: async (name, stages = []) => {
      const answer = await client.post(`${path}/get-latest-versions`, { name, stages });
      return answer.messages('model_versions').map(readModelVersion);
    },
  };
}

function queryOf({ filter, maxResults, orderBy, pageToken }: Search): Parameters<RemoteClient['get']>[1] {
  return { filter, max_results: maxResults, order_by: orderBy, page_token: pageToken };
}

/** MLflow's server gives back `runs:/ID/PATH` as it was registered; its files are among those of the run. */
async function inRun(client: RemoteClient, uri: string): Promise<string> {
  const [, id, inside = ''] = /^runs:\/{1,3}([^/\s]+)(?:\/(.*))?$/.exec(uri) ?? [];
  if (id === undefined) return uri;
  const run = (await client.get(`${api}/runs/get`, { run_id: id })).message('run');
  return joinUri(run.message('info').need('artifact_uri'), inside);
}

export function remoteVersions(client: RemoteClient): VersionHalf {
  const path = `${api}/model-versions`;
  const done = async (answer: Promise<unknown>): Promise<void> => void (await answer);
  const version = async (answer: ReturnType<RemoteClient['get']>): Promise<ModelVersion> =>
    readModelVersion((await answer).message('model_version'));
  const half: VersionHalf = {
    createModelVersion: (wanted) =>
      version(
        client.post(`${path}/create`, {
          name: wanted.name,
          source: wanted.source,
          run_id: wanted.runId,
          model_id: wanted.modelId,
          run_link: wanted.runLink,
          description: wanted.description,
          tags: wanted.tags ?? [],
        }),
      ),
    getModelVersion: (name, number) => version(client.get(`${path}/get`, { name, version: number })),
    updateModelVersion: (name, number, description) =>
      version(client.send('PATCH', `${path}/update`, { name, version: number, description })),
    deleteModelVersion: (name, number) => done(client.send('DELETE', `${path}/delete`, { name, version: number })),
    transitionStage: async (name, number, { stage, archiveExisting = false, by, why }) => {
      const { stage: from } = await half.getModelVersion(name, number);
      const body = { name, version: number, stage, archive_existing_versions: archiveExisting };
      const moved = await version(client.post(`${path}/transition-stage`, body));
      // The protocol has no audit trail, so it is kept in tags of the version.
      await half.setModelVersionTag(name, number, trailTag({ from, to: moved.stage, by, why, at: Date.now() }));
      return moved;
    },
    getDownloadUri: async (name, number) => {
      const uri = (await client.get(`${path}/get-download-uri`, { name, version: number })).need('artifact_uri');
      return inRun(client, uri);
    },
    searchModelVersions: async (search) => {
      const answer = await client.get(`${path}/search`, queryOf({ maxResults: 10_000, ...search }));
      return {
        items: answer.messages('model_versions').map(readModelVersion),
        nextPageToken: answer.filled('next_page_token'),
      };
    },
    setModelVersionTag: (name, number, { key, value }) =>
      done(client.post(`${path}/set-tag`, { name, version: number, key, value })),
    deleteModelVersionTag: (name, number, key) =>
      done(client.send('DELETE', `${path}/delete-tag`, { name, version: number, key })),
    promotions: async (name, number): Promise<readonly Promotion[]> => {
      const filter = `name = ${filterText(name)}`;
      const { items } = await half.searchModelVersions({ filter, maxResults: 10_000 });
      return readTrail(items.filter((one) => number === undefined || one.version === number));
    },
  };
  return half;
}
