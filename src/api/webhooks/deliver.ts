import { createHmac, randomUUID } from 'node:crypto';
import * as http from 'node:http';
import * as https from 'node:https';
import * as net from 'node:net';

import { messageOf, type Logger } from '../../base/index.ts';
import type { Json, Webhook, WebhookEvent } from '../../mlflow/index.ts';
import { hostOf, isPublicAddress, publicLookup, refused, type AddressRules } from './address.ts';

export interface DeliveryOptions extends AddressRules {
  /** How often a delivery is repeated. */
  readonly retries: number;
  /** Milliseconds for one attempt. */
  readonly timeout: number;
  /** First pause between attempts, in milliseconds; each later one is twice as long. Default 1,000. */
  readonly pause?: number | undefined;
  readonly log: Logger;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: number | undefined;
}

export interface Deliveries {
  /** Puts a delivery into the queue; nothing is awaited and nothing thrown. */
  enqueue(webhook: Webhook, event: WebhookEvent, data: Json): void;
  /** Delivers now, once, and answers with what came back. */
  once(webhook: Webhook, event: WebhookEvent, data: Json): Promise<Answer>;
  /** Gives up what waits. */
  close(): void;
}

const atOnce = 10;
const mostWaiting = 1000;
const longestPause = 60_000;
const longestBody = 64 * 1024;
const worthRepeating = new Set([429, 500, 502, 503, 504]);

/** Sends webhooks beside the server's own work, a few at a time, repeating what fails for a while. */
export function openDeliveries(options: DeliveryOptions): Deliveries {
  const waiting: (() => Promise<void>)[] = [];
  const timers = new Set<NodeJS.Timeout>();
  let running = 0;
  let closed = false;

  const next = (): void => {
    if (closed || running >= atOnce) return;
    const work = waiting.shift();
    if (work === undefined) return;
    running++;
    void work().finally(() => {
      running--;
      next();
    });
  };
  const pause = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        resolve();
      }, milliseconds).unref();
      timers.add(timer);
    });
  return {
    enqueue(webhook, event, data) {
      if (closed) return;
      if (waiting.length >= mostWaiting) {
        options.log.warn(`webhook '${webhook.name}': ${mostWaiting} deliveries wait already, this one is dropped`);
        return;
      }
      const letter = writeLetter(webhook, event, data);
      waiting.push(() => deliver(webhook, letter, options, pause));
      // The answer to the request that caused this goes first.
      setImmediate(next);
    },
    once: (webhook, event, data) => send(webhook, writeLetter(webhook, event, data), options),
    close() {
      closed = true;
      waiting.length = 0;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

async function deliver(
  webhook: Webhook,
  letter: Letter,
  options: DeliveryOptions,
  pause: (milliseconds: number) => Promise<void>,
): Promise<void> {
  const { retries, log, pause: first = 1000 } = options;
  for (let attempt = 0; ; attempt++) {
    let problem: string;
    let wait = first * 2 ** attempt * (1 + Math.random());
    try {
      const { status, retryAfter } = await send(webhook, letter, options);
      if (!worthRepeating.has(status)) {
        if (status >= 400) log.warn(`webhook '${webhook.name}': answered with ${status}`);
        return;
      }
      problem = `answered with ${status}`;
      if (retryAfter !== undefined) wait = retryAfter * 1000;
    } catch (error) {
      problem = messageOf(error);
    }
    if (attempt >= retries) {
      log.warn(`webhook '${webhook.name}': given up after ${attempt + 1} attempts, the last: ${problem}`);
      return;
    }
    await pause(Math.min(wait, longestPause));
  }
}

interface Letter {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Body and headers in MLflow's form; every attempt sends the same, so that a receiver can tell repetitions. */
function writeLetter({ secret }: Webhook, { entity, action }: WebhookEvent, data: Json): Letter {
  const now = new Date();
  const body = JSON.stringify({ entity, action, timestamp: now.toISOString().replace('Z', '+00:00'), data });
  const id = randomUUID();
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    'X-MLflow-Delivery-Id': id,
    'X-MLflow-Timestamp': timestamp,
  };
  if (secret === undefined) return { body, headers };
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { body, headers: { ...headers, 'X-MLflow-Signature': `v1,${signature}` } };
}

/** One attempt. Redirects are not followed: they could lead to where the URL itself may not. */
function send({ url: text }: Webhook, { body, headers }: Letter, options: DeliveryOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const url = new URL(text);
    const host = hostOf(url);
    // A literal address is dialled without a lookup.
    if (!options.allowPrivate && net.isIP(host) !== 0 && !isPublicAddress(host)) {
      reject(refused(host));
      return;
    }
    const { request } = url.protocol === 'https:' ? https : http;
    const sent = request(
      url,
      { method: 'POST', headers, agent: false, ...(options.allowPrivate ? {} : { lookup: publicLookup }) },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        const finish = (): void => {
          const retryAfter = Number(response.headers['retry-after']);
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString('utf8').slice(0, longestBody),
            retryAfter: Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : undefined,
          });
        };
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size < longestBody) return;
          finish();
          sent.destroy();
        });
        response.on('end', finish);
        response.on('error', reject);
      },
    );
    // For the whole attempt: a receiver that trickles its answer holds no place for ever.
    const timer = setTimeout(
      () => sent.destroy(new Error(`no answer within ${options.timeout} ms`)),
      options.timeout,
    ).unref();
    sent.on('close', () => clearTimeout(timer));
    sent.on('error', reject);
    sent.end(body);
  });
}
