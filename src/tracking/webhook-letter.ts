import { randomUUID } from 'node:crypto';

import type { NewLetter } from '../deliver/index.ts';
import type { Json, WebhookEvent } from '../mlflow/index.ts';

/** Letters of this kind are for the webhook whose id is their target. */
export const webhookLetterKind = 'webhook';

/** What a webhook is told of an event, the body in MLflow's form. */
export function webhookLetter(target: string, { entity, action }: WebhookEvent, data: Json): NewLetter {
  const now = new Date();
  const body = JSON.stringify({ entity, action, timestamp: now.toISOString().replace('Z', '+00:00'), data });
  return { id: randomUUID(), kind: webhookLetterKind, target, body, createdAt: now.getTime() };
}
