import { readWebhook, webhookEventToJson, type Fields, type Webhook } from '../../mlflow/index.ts';
import type { WebhookChange, WebhookStore } from '../webhook-store.ts';
import type { RemoteClient } from './client.ts';

const api = '2.0/mlflow/webhooks';

/** Webhooks of a server; it never tells their secrets. */
export function remoteWebhooks(client: RemoteClient): WebhookStore {
  const at = (id: string): string => `${api}/${encodeURIComponent(id)}`;
  const webhook = async (asked: Promise<Fields>): Promise<Webhook> => readWebhook((await asked).message('webhook'));
  return {
    createWebhook: (wanted) => webhook(client.post(api, toBody(wanted))),
    getWebhook: (id) => webhook(client.get(at(id))),
    listWebhooks: async ({ maxResults, pageToken }) => {
      const answer = await client.get(api, { max_results: maxResults, page_token: pageToken });
      return { items: answer.messages('webhooks').map(readWebhook), nextPageToken: answer.filled('next_page_token') };
    },
    updateWebhook: (id, change) => webhook(client.send('PATCH', at(id), toBody(change))),
    deleteWebhook: async (id) => void (await client.send('DELETE', at(id), {})),
  };
}

function toBody({ events, ...rest }: WebhookChange): object {
  return { ...rest, events: events?.map(webhookEventToJson) };
}
