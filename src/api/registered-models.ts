import { isMlopsError } from '../base/index.ts';
import {
  listToJson,
  modelVersionToJson,
  readPair,
  readPairs,
  registeredModelToJson,
  type Fields,
  type Json,
  type RegisteredModel,
} from '../mlflow/index.ts';
import { demandsGates, meansPromotion, requireGates, type RegistryStore } from '../tracking/index.ts';
import { done } from './experiments.ts';
import type { ApiRoute } from './route.ts';

/** The registry's models, their tags and aliases. */
export function registeredModelRoutes(store: RegistryStore): readonly ApiRoute[] {
  return [
    { method: 'POST', path: '/registered-models/create', answer: (fields) => create(store, fields) },
    {
      method: 'GET',
      path: '/registered-models/get',
      answer: async (fields) => ({
        registered_model: registeredModelToJson(await store.getRegisteredModel(fields.need('name'))),
      }),
    },
    {
      method: 'PATCH',
      path: '/registered-models/update',
      answer: async (fields) => ({
        registered_model: registeredModelToJson(
          await store.updateRegisteredModel(fields.need('name'), fields.text('description') ?? ''),
        ),
      }),
    },
    {
      method: 'POST',
      path: '/registered-models/rename',
      answer: async (fields) => ({
        registered_model: registeredModelToJson(
          await store.renameRegisteredModel(fields.need('name'), fields.need('new_name')),
        ),
      }),
    },
    {
      method: 'DELETE',
      path: '/registered-models/delete',
      answer: done((fields) => store.deleteRegisteredModel(fields.need('name'))),
    },
    {
      method: 'GET',
      path: '/registered-models/search',
      lists: ['order_by'],
      answer: (fields) => search(store, fields),
    },
    {
      method: 'GET',
      path: '/registered-models/get-latest-versions',
      lists: ['stages'],
      answer: (fields) => latest(store, fields),
    },
    {
      method: 'POST',
      path: '/registered-models/get-latest-versions',
      scope: 'read',
      answer: (fields) => latest(store, fields),
    },
    {
      method: 'POST',
      path: '/registered-models/set-tag',
      answer: done((fields) => store.setRegisteredModelTag(fields.need('name'), readPair(fields))),
    },
    {
      method: 'DELETE',
      path: '/registered-models/delete-tag',
      answer: done((fields) => store.deleteRegisteredModelTag(fields.need('name'), fields.need('key'))),
    },
    {
      method: 'POST',
      path: '/registered-models/alias',
      answer: done((fields) => setAlias(store, fields.need('name'), fields.need('alias'), versionOf(fields))),
    },
    {
      method: 'DELETE',
      path: '/registered-models/alias',
      answer: done((fields) => store.deleteAlias(fields.need('name'), fields.need('alias'))),
    },
    {
      method: 'GET',
      path: '/registered-models/alias',
      answer: async (fields) => ({
        model_version: modelVersionToJson(await store.getVersionByAlias(fields.need('name'), fields.need('alias'))),
      }),
    },
  ];
}

/** A version's number as text; clients of other languages send the number itself. */
export function versionOf(fields: Fields): string {
  const value = fields.raw('version');
  return typeof value === 'number' ? String(value) : fields.need('version');
}

async function create(store: RegistryStore, fields: Fields): Promise<Json> {
  const description = fields.filled('description');
  const model = await store.createRegisteredModel(fields.need('name'), {
    tags: readPairs(fields, 'tags'),
    ...(description === undefined ? {} : { description }),
  });
  return { registered_model: registeredModelToJson(model) };
}

/** Prompts are kept as models, and are found only by those who ask for them. */
export function withoutPrompts(filter: string | undefined): string {
  if (filter?.includes('mlflow.prompt.is_prompt') === true) return filter;
  const models = "tags.`mlflow.prompt.is_prompt` != 'true'";
  return filter === undefined ? models : `${filter} AND ${models}`;
}

async function search(store: RegistryStore, fields: Fields): Promise<Json> {
  const page = await store.searchRegisteredModels({
    filter: withoutPrompts(fields.filled('filter')),
    orderBy: fields.texts('order_by'),
    maxResults: fields.integer('max_results'),
    pageToken: fields.filled('page_token'),
  });
  return { registered_models: listToJson(page.items, registeredModelToJson), next_page_token: page.nextPageToken };
}

async function latest(store: RegistryStore, fields: Fields): Promise<Json> {
  const stages = fields.texts('stages');
  const versions = await store.getLatestVersions(fields.need('name'), stages.length === 0 ? undefined : stages);
  return { model_versions: listToJson(versions, modelVersionToJson) };
}

/** An alias that means a promotion asks for passed gates, where the model is tagged so. */
async function setAlias(store: RegistryStore, name: string, alias: string, number: string): Promise<void> {
  const model = meansPromotion(alias) ? await registeredIfAny(store, name) : undefined;
  if (model !== undefined && demandsGates(model.tags)) {
    requireGates(model, await store.getModelVersion(name, number), 'Production');
  }
  await store.setAlias(name, alias, number);
}

async function registeredIfAny(store: RegistryStore, name: string): Promise<RegisteredModel | undefined> {
  try {
    return await store.getRegisteredModel(name);
  } catch (error) {
    // What is wrong with the name is told by the write.
    if (isMlopsError(error)) return undefined;
    throw error;
  }
}
