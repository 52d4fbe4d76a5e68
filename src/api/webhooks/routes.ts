import { messageOf } from '../../base/index.ts';
import { checkWebhookUrl, type AddressRules } from '../../deliver/index.ts';
import {
  checkWebhookName,
  exampleOfEvent,
  listToJson,
  readWebhookEvent,
  readWebhookEvents,
  webhookToJson,
  type Fields,
  type Json,
} from '../../mlflow/index.ts';
import type { WebhookStore } from '../../tracking/index.ts';
import type { ApiRoute } from '../route.ts';
import type { Deliveries } from './deliver.ts';

const statuses = ['ACTIVE', 'DISABLED'] as const;

/** Subscriptions to changes of the registry, as `MlflowClient.create_webhook` and its kin use them. */
export function webhookRoutes(store: WebhookStore, rules: AddressRules, deliveries: Deliveries): readonly ApiRoute[] {
  const id = (params: Readonly<Record<string, string>>): string => params['webhook_id'] ?? '';
  return [
    { method: 'POST', path: '/webhooks', scope: 'admin', answer: (fields) => create(store, rules, fields) },
    { method: 'GET', path: '/webhooks', answer: (fields) => list(store, fields) },
    {
      method: 'GET',
      path: '/webhooks/:webhook_id',
      answer: async (_, params) => ({ webhook: webhookToJson(await store.getWebhook(id(params))) }),
    },
    {
      method: 'PATCH',
      path: '/webhooks/:webhook_id',
      scope: 'admin',
      answer: (fields, params) => update(store, rules, id(params), fields),
    },
    {
      method: 'DELETE',
      path: '/webhooks/:webhook_id',
      scope: 'admin',
      answer: async (_, params) => {
        await store.deleteWebhook(id(params));
        return {};
      },
    },
    {
      method: 'POST',
      path: '/webhooks/:webhook_id/test',
      scope: 'admin',
      answer: (fields, params) => test(store, deliveries, id(params), fields),
    },
  ];
}

async function create(store: WebhookStore, rules: AddressRules, fields: Fields): Promise<Json> {
  const wanted = {
    name: fields.need('name'),
    url: fields.need('url'),
    events: readWebhookEvents(fields),
    description: fields.filled('description'),
    secret: fields.filled('secret'),
    status: fields.choice('status', statuses),
  };
  checkWebhookName(wanted.name);
  await checkWebhookUrl(wanted.url, rules);
  return { webhook: webhookToJson(await store.createWebhook(wanted)) };
}

async function list(store: WebhookStore, fields: Fields): Promise<Json> {
  const page = await store.listWebhooks({
    // An absent number arrives as 0 from clients that fill in what protobuf leaves out.
    maxResults: fields.integer('max_results') || undefined,
    pageToken: fields.filled('page_token'),
  });
  return { webhooks: listToJson(page.items, webhookToJson), next_page_token: page.nextPageToken };
}

async function update(store: WebhookStore, rules: AddressRules, id: string, fields: Fields): Promise<Json> {
  const url = fields.filled('url');
  const name = fields.filled('name');
  await store.getWebhook(id);
  if (name !== undefined) checkWebhookName(name);
  if (url !== undefined) await checkWebhookUrl(url, rules);
  const webhook = await store.updateWebhook(id, {
    name,
    url,
    events: fields.messages('events').length === 0 ? undefined : readWebhookEvents(fields),
    description: fields.text('description'),
    secret: fields.text('secret'),
    status: fields.choice('status', statuses),
  });
  return { webhook: webhookToJson(webhook) };
}

async function test(store: WebhookStore, deliveries: Deliveries, id: string, fields: Fields): Promise<Json> {
  const webhook = await store.getWebhook(id);
  const event = fields.has('event') ? readWebhookEvent(fields.message('event')) : webhook.events[0];
  if (event === undefined) throw fields.missing('event');
  try {
    const { status, body } = await deliveries.once(webhook, event, exampleOfEvent(event));
    return { result: { success: status < 400, response_status: status, response_body: body } };
  } catch (error) {
    return { result: { success: false, error_message: `Failed to test webhook: ${messageOf(error)}` } };
  }
}
