import type { Page, Webhook, WebhookEvent, WebhookStatus } from '../mlflow/index.ts';

export interface NewWebhook {
  readonly name: string;
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly description?: string | undefined;
  readonly secret?: string | undefined;
  readonly status?: WebhookStatus | undefined;
}

/** Absent fields stay; an empty secret takes the secret away. */
export type WebhookChange = { readonly [Field in keyof NewWebhook]?: NewWebhook[Field] | undefined };

/**
 * Port: who is told about changes of the registry. Each change is kept with the letters (`webhookLetter`) that tell of
 * it, for those webhooks that are active and want its event. Ids that are absent throw `resource_missing`.
 */
export interface WebhookStore {
  createWebhook(webhook: NewWebhook): Promise<Webhook>;
  getWebhook(id: string): Promise<Webhook>;
  /** Newest first. */
  listWebhooks(query: {
    readonly maxResults?: number | undefined;
    readonly pageToken?: string | undefined;
  }): Promise<Page<Webhook>>;
  updateWebhook(id: string, change: WebhookChange): Promise<Webhook>;
  deleteWebhook(id: string): Promise<void>;
}
