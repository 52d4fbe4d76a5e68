import { randomUUID } from 'node:crypto';

import { readOffset, writePageToken, type Webhook, type WebhookEvent, type WebhookStatus } from '../../mlflow/index.ts';
import { noWebhook } from '../rules/index.ts';
import type { NewWebhook, WebhookChange, WebhookStore } from '../webhook-store.ts';
import type { Connection } from './connection.ts';

interface Row {
  readonly n: number;
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly url: string;
  readonly events: string;
  readonly status: string;
  readonly secret: string | null;
  readonly creation_time: number;
  readonly last_updated_time: number;
}

export function webhooksOf(c: Connection): WebhookStore {
  return {
    createWebhook: (webhook) => c.write(() => create(c, webhook)),
    getWebhook: async (id) => toWebhook(needRow(c, id)),
    updateWebhook: (id, change) => c.write(() => update(c, id, change)),
    deleteWebhook: (id) => c.write(() => void c.sql('DELETE FROM webhooks WHERE n = ?').run(needRow(c, id).n)),
    listWebhooks: async ({ maxResults = 100, pageToken }) => {
      const before = readOffset('webhooks', pageToken) ?? Number.MAX_SAFE_INTEGER;
      const rows = c.sql<Row>('SELECT * FROM webhooks WHERE n < ? ORDER BY n DESC LIMIT ?').all(before, maxResults + 1);
      const page = rows.slice(0, maxResults);
      const last = rows.length > maxResults ? page.at(-1) : undefined;
      return {
        items: page.map(toWebhook),
        ...(last === undefined ? {} : { nextPageToken: writePageToken('webhooks', last.n) }),
      };
    },
    webhooksFor: async (events) => {
      const wanted = new Set(events.map(textOf));
      return c
        .sql<Row>(`SELECT * FROM webhooks WHERE status = 'ACTIVE' ORDER BY n`)
        .all()
        .filter((row) => row.events.split('\n').some((event) => wanted.has(event)))
        .map(toWebhook);
    },
  };
}

function create(c: Connection, webhook: NewWebhook): Webhook {
  const id = randomUUID();
  const now = Date.now();
  c.sql(
    `INSERT INTO webhooks (id, name, description, url, events, status, secret, creation_time, last_updated_time)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    id,
    webhook.name,
    webhook.description ?? null,
    webhook.url,
    webhook.events.map(textOf).join('\n'),
    webhook.status ?? 'ACTIVE',
    webhook.secret ?? null,
    now,
    now,
  );
  return toWebhook(needRow(c, id));
}

function update(c: Connection, id: string, change: WebhookChange): Webhook {
  const row = needRow(c, id);
  const { name = row.name, url = row.url, status = row.status } = change;
  c.sql(
    `UPDATE webhooks SET name = ?, description = ?, url = ?, events = ?, status = ?, secret = ?, last_updated_time = ?
     WHERE n = ?`,
  ).run(
    name,
    change.description ?? row.description,
    url,
    change.events?.map(textOf).join('\n') ?? row.events,
    status,
    change.secret === undefined ? row.secret : change.secret || null,
    Date.now(),
    row.n,
  );
  return toWebhook(needRow(c, id));
}

function needRow(c: Connection, id: string): Row {
  const row = c.sql<Row>('SELECT * FROM webhooks WHERE id = ?').get(id);
  if (row === undefined) throw noWebhook(id);
  return row;
}

function toWebhook(row: Row): Webhook {
  return {
    id: row.id,
    name: row.name,
    description: row.description ?? undefined,
    url: row.url,
    events: row.events.split('\n').map(eventOf),
    status: row.status as WebhookStatus,
    secret: row.secret ?? undefined,
    creationTime: row.creation_time,
    lastUpdatedTime: row.last_updated_time,
  };
}

function textOf({ entity, action }: WebhookEvent): string {
  return `${entity}.${action}`;
}

function eventOf(text: string): WebhookEvent {
  const [entity, action] = text.split('.');
  return { entity, action } as WebhookEvent;
}
