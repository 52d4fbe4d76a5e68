import { invalid } from './limits.ts';
import { listToJson, type Json } from './wire-tracking.ts';
import type { Fields } from './wire-fields.ts';

/** What can be subscribed to: MLflow 3.17's `webhooks/types.py` without its gateway budgets. */
const actions = {
  registered_model: ['created'],
  model_version: ['created'],
  model_version_tag: ['set', 'deleted'],
  model_version_alias: ['created', 'deleted'],
  prompt: ['created'],
  prompt_version: ['created'],
  prompt_tag: ['set', 'deleted'],
  prompt_version_tag: ['set', 'deleted'],
  prompt_alias: ['created', 'deleted'],
} as const;

export type WebhookEntity = keyof typeof actions;

export interface WebhookEvent {
  readonly entity: WebhookEntity;
  readonly action: 'created' | 'set' | 'deleted';
}

export type WebhookStatus = 'ACTIVE' | 'DISABLED';

/** A subscription. Its secret is never part of an answer. */
export interface Webhook {
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly status: WebhookStatus;
  readonly secret: string | undefined;
  readonly creationTime: number;
  readonly lastUpdatedTime: number;
}

export function webhookToJson(webhook: Webhook): Json {
  return {
    webhook_id: webhook.id,
    name: webhook.name,
    description: webhook.description,
    url: webhook.url,
    events: listToJson(webhook.events, webhookEventToJson),
    status: webhook.status,
    creation_timestamp: webhook.creationTime,
    last_updated_timestamp: webhook.lastUpdatedTime,
  };
}

export function webhookEventToJson({ entity, action }: WebhookEvent): Json {
  return { entity: entity.toUpperCase(), action: action.toUpperCase() };
}

/** What a server tells of one: all but its secret. Events that only later servers have are left out. */
export function readWebhook(fields: Fields): Webhook {
  return {
    id: fields.need('webhook_id'),
    name: fields.need('name'),
    description: fields.filled('description'),
    url: fields.need('url'),
    events: fields.messages('events').flatMap((one) => knownEvent(one) ?? []),
    status: fields.text('status') === 'DISABLED' ? 'DISABLED' : 'ACTIVE',
    secret: undefined,
    creationTime: fields.integer('creation_timestamp') ?? 0,
    lastUpdatedTime: fields.integer('last_updated_timestamp') ?? 0,
  };
}

function knownEvent(fields: Fields): WebhookEvent | undefined {
  const [entity, action] = [fields.need('entity').toLowerCase(), fields.need('action').toLowerCase()];
  const known = Object.entries(actions).find(([name]) => name === entity)?.[1];
  const found = (known as readonly WebhookEvent['action'][] | undefined)?.find((one) => one === action);
  return found === undefined ? undefined : { entity: entity as WebhookEntity, action: found };
}

/** @throws MlopsError `invalid_value` for an event that does not exist. */
export function readWebhookEvent(fields: Fields): WebhookEvent {
  const found = knownEvent(fields);
  if (found !== undefined) return found;
  const [entity, action] = [fields.need('entity').toLowerCase(), fields.need('action').toLowerCase()];
  const all = Object.entries(actions).flatMap(([name, own]) => own.map((one) => `${name}.${one}`));
  throw invalid(`There is no webhook event '${entity}.${action}'. Valid events are: ${all.join(', ')}.`);
}

/** At least one. */
export function readWebhookEvents(fields: Fields): readonly WebhookEvent[] {
  const events = fields.messages('events').map(readWebhookEvent);
  if (events.length === 0) throw fields.missing('events');
  return events;
}

export function checkWebhookName(name: string): void {
  if (/^(?=.{1,63}$)[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(name)) return;
  throw invalid(
    `Webhook name '${name}' is invalid. It must start and end with a letter or digit, be less than 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).`,
  );
}

/** What a test delivery carries, as MLflow's examples do. */
export function exampleOfEvent({ entity, action }: WebhookEvent): Json {
  const name = entity.startsWith('prompt') ? 'example_prompt' : 'example_model';
  const tags = { example_key: 'example_value' };
  const version = '1';
  if (entity === 'registered_model') return { name, tags, description: 'An example registered model' };
  if (entity === 'prompt') return { name, tags, description: 'An example prompt' };
  if (entity === 'model_version') {
    const from = { source: 'models:/123', run_id: 'abcd1234abcd5678' };
    return { name, version, ...from, tags, description: 'An example model version' };
  }
  if (entity === 'prompt_version') {
    return { name, version, template: 'Hello {{name}}!', tags, description: 'An example prompt version' };
  }
  if (entity.endsWith('_alias')) {
    return { name, alias: 'example_alias', ...(action === 'created' ? { version } : {}) };
  }
  const tag = { key: 'example_key', ...(action === 'set' ? { value: 'example_value' } : {}) };
  return { name, ...(entity === 'prompt_tag' ? {} : { version }), ...tag };
}
