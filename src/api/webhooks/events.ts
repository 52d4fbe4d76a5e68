import { isMlopsError } from '../../base/index.ts';
import { readPairs, type Fields, type Json, type WebhookEntity, type WebhookEvent } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { versionOf } from '../registered-models.ts';
import type { ApiRoute } from '../route.ts';
import type { Deliveries } from './deliver.ts';

/** What a successful call means for models, and for prompts: MLflow keeps these in the same tables. */
interface Meaning {
  readonly model: WebhookEntity | undefined;
  readonly prompt: WebhookEntity;
  readonly action: WebhookEvent['action'];
  readonly data: (fields: Fields, answer: Json, isPrompt: boolean) => Json;
}

const isPromptTag = 'mlflow.prompt.is_prompt';
const promptText = 'mlflow.prompt.text';
const hiddenTags = new Set([isPromptTag, '_mlflow_prompt_type']);

const alias = { model: 'model_version_alias', prompt: 'prompt_alias' } as const;
const versionTag = { model: 'model_version_tag', prompt: 'prompt_version_tag' } as const;
const promptTag = { model: undefined, prompt: 'prompt_tag' } as const;

const meanings: Readonly<Record<string, Meaning>> = {
  'POST /registered-models/create': {
    model: 'registered_model',
    prompt: 'prompt',
    action: 'created',
    data: (fields, _, isPrompt) => ({
      name: fields.need('name'),
      tags: tagsOf(fields, isPrompt),
      description: fields.text('description') ?? '',
    }),
  },
  'POST /model-versions/create': {
    model: 'model_version',
    prompt: 'prompt_version',
    action: 'created',
    data: (fields, answer, isPrompt) => {
      const { version } = answer['model_version'] as { readonly version: string };
      const { [promptText]: template = null, ...rest } = tagsOf(fields, isPrompt);
      const description = fields.filled('description') ?? null;
      const name = fields.need('name');
      if (isPrompt) return { name, version, template, tags: rest, description };
      const from = { source: fields.need('source'), run_id: fields.filled('run_id') ?? null };
      return { name, version, ...from, tags: tagsOf(fields, false), description };
    },
  },
  'POST /registered-models/alias': { ...alias, action: 'created', data: (fields) => aliasOf(fields, true) },
  'DELETE /registered-models/alias': { ...alias, action: 'deleted', data: (fields) => aliasOf(fields, false) },
  'POST /model-versions/set-tag': {
    ...versionTag,
    action: 'set',
    data: (fields) => ({
      name: fields.need('name'),
      version: versionOf(fields),
      key: fields.need('key'),
      value: fields.text('value') ?? '',
    }),
  },
  'DELETE /model-versions/delete-tag': {
    ...versionTag,
    action: 'deleted',
    data: (fields) => ({ name: fields.need('name'), version: versionOf(fields), key: fields.need('key') }),
  },
  'POST /registered-models/set-tag': {
    ...promptTag,
    action: 'set',
    data: (fields) => ({ name: fields.need('name'), key: fields.need('key'), value: fields.text('value') ?? '' }),
  },
  'DELETE /registered-models/delete-tag': {
    ...promptTag,
    action: 'deleted',
    data: (fields) => ({ name: fields.need('name'), key: fields.need('key') }),
  },
};

/** The routes with those that change the registry telling its webhooks when they have succeeded. */
export function withWebhooks(
  routes: readonly ApiRoute[],
  store: TrackingStore,
  deliveries: Deliveries,
): readonly ApiRoute[] {
  return routes.map((route) => {
    const meaning = meanings[`${route.method} ${route.path}`];
    if (meaning === undefined) return route;
    return {
      ...route,
      answer: async (fields, params, caller) => {
        const answer = await route.answer(fields, params, caller);
        await tell(store, deliveries, meaning, fields, answer as Json);
        return answer;
      },
    };
  });
}

async function tell(
  store: TrackingStore,
  deliveries: Deliveries,
  { model, prompt, action, data }: Meaning,
  fields: Fields,
  answer: Json,
): Promise<void> {
  const event = (entity: WebhookEntity): WebhookEvent => ({ entity, action });
  const events = [prompt, ...(model === undefined ? [] : [model])].map(event);
  // Without webhooks nothing more is looked up.
  const candidates = await store.webhooks.webhooksFor(events);
  if (candidates.length === 0) return;
  const isPrompt = await isPromptNamed(store, fields.need('name'));
  const entity = isPrompt === true ? prompt : model;
  if (isPrompt === undefined || entity === undefined) return;
  const content = data(fields, answer, isPrompt);
  const wanting = candidates.filter(({ events: wanted }) =>
    wanted.some((one) => one.entity === entity && one.action === action),
  );
  if (wanting.length > 0) await deliveries.enqueue(wanting, event(entity), content);
}

/** Undefined when the model has gone meanwhile. */
async function isPromptNamed(store: TrackingStore, name: string): Promise<boolean | undefined> {
  try {
    const { tags } = await store.getRegisteredModel(name);
    return tags.some(({ key, value }) => key === isPromptTag && value.toLowerCase() === 'true');
  } catch (error) {
    if (isMlopsError(error, 'resource_missing')) return undefined;
    throw error;
  }
}

function tagsOf(fields: Fields, isPrompt: boolean): Record<string, string> {
  const pairs = readPairs(fields, 'tags').filter(({ key }) => !isPrompt || !hiddenTags.has(key));
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}

function aliasOf(fields: Fields, withVersion: boolean): Json {
  const named = { name: fields.need('name'), alias: fields.need('alias') };
  return withVersion ? { ...named, version: versionOf(fields) } : named;
}
