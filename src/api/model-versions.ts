import {
  invalid,
  listedVersionToJson,
  listToJson,
  modelVersionToJson,
  readPair,
  readPairs,
  stages,
  type Fields,
  type Json,
  type Stage,
} from '../mlflow/index.ts';
import { requireGates, type RegistryStore } from '../tracking/index.ts';
import { done } from './experiments.ts';
import { versionOf, withoutPrompts } from './registered-models.ts';
import type { ApiRoute } from './route.ts';

/** Versions of registered models, their stages and tags. */
export function modelVersionRoutes(store: RegistryStore): readonly ApiRoute[] {
  return [
    { method: 'POST', path: '/model-versions/create', answer: (fields) => create(store, fields) },
    {
      method: 'GET',
      path: '/model-versions/get',
      answer: async (fields) => ({
        model_version: modelVersionToJson(await store.getModelVersion(fields.need('name'), versionOf(fields))),
      }),
    },
    {
      method: 'PATCH',
      path: '/model-versions/update',
      answer: async (fields) => ({
        model_version: modelVersionToJson(
          await store.updateModelVersion(fields.need('name'), versionOf(fields), fields.text('description') ?? ''),
        ),
      }),
    },
    {
      method: 'DELETE',
      path: '/model-versions/delete',
      answer: done((fields) => store.deleteModelVersion(fields.need('name'), versionOf(fields))),
    },
    { method: 'POST', path: '/model-versions/transition-stage', answer: (fields) => transition(store, fields) },
    {
      method: 'GET',
      path: '/model-versions/get-download-uri',
      answer: async (fields) => ({
        artifact_uri: await store.getDownloadUri(fields.need('name'), versionOf(fields)),
      }),
    },
    { method: 'GET', path: '/model-versions/search', lists: ['order_by'], answer: (fields) => search(store, fields) },
    {
      method: 'POST',
      path: '/model-versions/set-tag',
      answer: done((fields) => store.setModelVersionTag(fields.need('name'), versionOf(fields), readPair(fields))),
    },
    {
      method: 'DELETE',
      path: '/model-versions/delete-tag',
      answer: done((fields) => store.deleteModelVersionTag(fields.need('name'), versionOf(fields), fields.need('key'))),
    },
  ];
}

async function create(store: RegistryStore, fields: Fields): Promise<Json> {
  const version = await store.createModelVersion({
    name: fields.need('name'),
    source: fields.need('source'),
    runId: fields.filled('run_id'),
    runLink: fields.filled('run_link'),
    modelId: fields.filled('model_id'),
    description: fields.filled('description'),
    tags: readPairs(fields, 'tags'),
  });
  return { model_version: modelVersionToJson(version) };
}

async function transition(store: RegistryStore, fields: Fields): Promise<Json> {
  const name = fields.need('name');
  const number = versionOf(fields);
  const stage = stageNamed(fields.need('stage'));
  if (stage === 'Staging' || stage === 'Production') {
    const wanted = await store.getModelVersion(name, number);
    requireGates(await store.getRegisteredModel(name), wanted, stage);
  }
  const version = await store.transitionStage(name, number, {
    stage,
    archiveExisting: fields.flag('archive_existing_versions') ?? false,
    // Ours, for the audit trail; MLflow's clients do not send it.
    why: fields.filled('why'),
  });
  return { model_version: modelVersionToJson(version) };
}

function stageNamed(text: string): Stage {
  const stage = stages.find((one) => one.toLowerCase() === text.toLowerCase());
  if (stage !== undefined) return stage;
  throw invalid(`Invalid Model Version stage: ${text}. Value must be one of ${stages.join(', ')}.`);
}

async function search(store: RegistryStore, fields: Fields): Promise<Json> {
  const page = await store.searchModelVersions({
    filter: withoutPrompts(fields.filled('filter')),
    orderBy: fields.texts('order_by'),
    maxResults: fields.integer('max_results'),
    pageToken: fields.filled('page_token'),
  });
  return { model_versions: listToJson(page.items, listedVersionToJson), next_page_token: page.nextPageToken };
}
