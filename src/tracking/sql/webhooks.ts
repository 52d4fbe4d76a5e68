import { randomUUID } from 'node:crypto';

import {
  readOffset,
  writePageToken,
  type Page,
  type Tag,
  type Webhook,
  type WebhookEvent,
  type WebhookStatus,
} from '../../mlflow/index.ts';
import { isPrompt, noWebhook, type News } from '../rules/index.ts';
import { webhookLetter } from '../webhook-letter.ts';
import type { NewWebhook, WebhookChange, WebhookStore } from '../webhook-store.ts';
import type { Context } from './context.ts';
import { postLetters } from './outbox.ts';
import { sql } from './sql.ts';
import { all, get, run, type Work } from './work.ts';

interface Row {
  readonly n: number;
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly url: string;
  /** `entity.action`, one a line: there are few webhooks. */
  readonly events: string;
  readonly status: string;
  readonly secret: string | null;
  readonly creation_time: number;
  readonly last_updated_time: number;
}

export function webhooksOf(c: Context): WebhookStore {
  return {
    createWebhook: (webhook) => c.write(() => create(webhook)),
    getWebhook: (id) =>
      c.read(function* () {
        return toWebhook(yield* needRow(id));
      }),
    updateWebhook: (id, change) => c.write(() => update(id, change)),
    deleteWebhook: (id) =>
      c.write(function* () {
        const { n } = yield* needRow(id);
        yield* run(sql`DELETE FROM webhooks WHERE n = ${n}`);
      }),
    listWebhooks: (query) => c.read(() => list(query)),
  };
}

/**
 * Keeps letters for the webhooks that want to hear of a change, as a part of the work that makes it: it is told when it
 * has happened, and only then.
 */
export function* tell({ name, action, model, prompt, data }: News): Work<void> {
  const rows = yield* all<Row>(sql`SELECT * FROM webhooks WHERE status = 'ACTIVE' ORDER BY n`);
  // Without webhooks nothing more is looked up.
  if (rows.length === 0) return;
  const tags = yield* all<Tag>(sql`SELECT key, value FROM registered_model_tags WHERE name = ${name}`);
  const ofPrompt = isPrompt(tags);
  const entity = ofPrompt ? prompt : model;
  if (entity === undefined) return;
  const event = { entity, action };
  const wanting = rows.filter(({ events }) => events.split('\n').includes(textOf(event)));
  const content = data(ofPrompt);
  yield* postLetters(wanting.map(({ id }) => webhookLetter(id, event, content)));
}

function* list({ maxResults = 100, pageToken }: Parameters<WebhookStore['listWebhooks']>[0]): Work<Page<Webhook>> {
  const before = readOffset('webhooks', pageToken) ?? Number.MAX_SAFE_INTEGER;
  const rows = yield* all<Row>(sql`SELECT * FROM webhooks WHERE n < ${before} ORDER BY n DESC LIMIT ${maxResults + 1}`);
  const page = rows.slice(0, maxResults);
  const last = rows.length > maxResults ? page.at(-1) : undefined;
  return {
    items: page.map(toWebhook),
    ...(last === undefined ? {} : { nextPageToken: writePageToken('webhooks', last.n) }),
  };
}

function* create(webhook: NewWebhook): Work<Webhook> {
  const { name, description, url, status = 'ACTIVE', secret } = webhook;
  const id = randomUUID();
  const now = Date.now();
  yield* run(
    sql`INSERT INTO webhooks (id, name, description, url, events, status, secret, creation_time, last_updated_time)
      VALUES (${id}, ${name}, ${description}, ${url}, ${webhook.events.map(textOf).join('\n')}, ${status}, ${secret},
        ${now}, ${now})`,
  );
  return toWebhook(yield* needRow(id));
}

function* update(id: string, change: WebhookChange): Work<Webhook> {
  const row = yield* needRow(id);
  const { name = row.name, url = row.url, status = row.status, description = row.description } = change;
  const events = change.events?.map(textOf).join('\n') ?? row.events;
  const secret = change.secret === undefined ? row.secret : change.secret || null;
  yield* run(
    sql`UPDATE webhooks SET name = ${name}, description = ${description}, url = ${url}, events = ${events},
      status = ${status}, secret = ${secret}, last_updated_time = ${Date.now()} WHERE n = ${row.n}`,
  );
  return toWebhook(yield* needRow(id));
}

function* needRow(id: string): Work<Row> {
  const row = yield* get<Row>(sql`SELECT * FROM webhooks WHERE id = ${id}`);
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
