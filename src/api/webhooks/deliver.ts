import { createHmac } from 'node:crypto';

import { isMlopsError, type Logger } from '../../base/index.ts';
import {
  httpPost,
  isWorthRepeating,
  openPostman,
  type AddressRules,
  type Courier,
  type Letter,
  type NewLetter,
  type Outcome,
  type PostAnswer,
} from '../../deliver/index.ts';
import type { Json, Webhook, WebhookEvent } from '../../mlflow/index.ts';
import { onDuty, webhookLetter, webhookLetterKind, type TrackingStore } from '../../tracking/index.ts';

export interface DeliveryOptions extends AddressRules {
  /** How often a delivery is repeated. */
  readonly retries: number;
  /** Milliseconds for one attempt. */
  readonly timeout: number;
  /** First pause between attempts, in milliseconds; each later one is twice as long. Default 1,000. */
  readonly pause?: number | undefined;
  readonly log: Logger;
}

export interface Deliveries {
  /** Sends what a change has left in the store, after the answer to the request that made it. */
  wake(): void;
  /** Delivers now, once, and answers with what came back. */
  once(webhook: Webhook, event: WebhookEvent, data: Json): Promise<PostAnswer>;
  close(): Promise<void>;
}

/** Deliveries wait in the store's outbox: any server on the store sends what another left behind. */
export function openDeliveries(store: TrackingStore, options: DeliveryOptions): Deliveries {
  const { log } = options;
  const onTrouble = (line: string): void => log.warn(line);
  const { outbox } = store;
  const isDue = (): Promise<boolean> => outbox.isDue([webhookLetterKind]);
  const postman = openPostman({ outbox, couriers: { [webhookLetterKind]: webhookCourier(store, options) }, onTrouble });
  const duty = onDuty(store.duties, {
    name: 'webhooks',
    wanted: isDue,
    work: () => postman.look(),
    onTrouble,
  });
  return {
    wake() {
      setImmediate(() => {
        isDue().then(
          (due) => (due ? postman.look() : undefined),
          // The duty finds them.
          () => undefined,
        );
      });
    },
    once: (webhook, event, data) => send(webhook, webhookLetter(webhook.id, event, data), options),
    async close() {
      await Promise.all([duty.close(), postman.close()]);
    },
  };
}

function webhookCourier(store: TrackingStore, options: DeliveryOptions): Courier {
  const { retries, pause } = options;
  return {
    retries,
    pause,
    describe: ({ target }) => `webhook '${target}'`,
    deliver: async (letter, signal) => {
      const webhook = await webhookIfAny(store, letter.target);
      // Meanwhile taken away or switched off.
      if (webhook?.status !== 'ACTIVE') return 'delivered';
      return outcomeOf(await send(webhook, letter, options, signal));
    },
  };
}

function outcomeOf({ status, retryAfter }: PostAnswer): Outcome {
  if (isWorthRepeating(status)) {
    return { again: `answered with ${status}`, after: retryAfter === undefined ? undefined : retryAfter * 1000 };
  }
  return status >= 400 ? { refused: `answered with ${status}` } : 'delivered';
}

async function webhookIfAny(store: TrackingStore, id: string): Promise<Webhook | undefined> {
  try {
    return await store.webhooks.getWebhook(id);
  } catch (error) {
    if (isMlopsError(error, 'resource_missing')) return undefined;
    throw error;
  }
}

/** Every attempt sends the same, so that a receiver can tell repetitions. Headers in MLflow's form. */
function send(
  { url, secret }: Webhook,
  { id, body, createdAt }: NewLetter | Letter,
  { timeout, allowPrivate }: DeliveryOptions,
  signal?: AbortSignal,
): Promise<PostAnswer> {
  const timestamp = String(Math.floor(createdAt / 1000));
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    'X-MLflow-Delivery-Id': id,
    'X-MLflow-Timestamp': timestamp,
  };
  if (secret !== undefined) {
    const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
    headers['X-MLflow-Signature'] = `v1,${signature}`;
  }
  return httpPost(url, body, headers, { timeout, allowPrivate, signal });
}
