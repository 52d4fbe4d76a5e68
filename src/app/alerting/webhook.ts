import { createHmac } from 'node:crypto';

import { MlopsError } from '../../base/index.ts';
import { httpPost } from '../../deliver/index.ts';
import type { Notice } from '../../monitor/index.ts';
import { headline, subjectOf, type Channel, type ChannelPlaces } from './channel.ts';

export interface WebhookSettings {
  readonly name: string;
  readonly url?: string | undefined;
  readonly url_env?: string | undefined;
  readonly secret_env?: string | undefined;
  readonly format: 'json' | 'slack' | 'teams';
}

/**
 * Posts to an URL: the notice as JSON, or in the shape that Slack or Teams take. Signed by
 * `X-Signature: sha256=HEX`, the HMAC of the body.
 */
export function webhookChannel(settings: WebhookSettings, { env }: ChannelPlaces): Channel {
  const { name, url, url_env: urlEnv, secret_env: secretEnv, format } = settings;
  return {
    name,
    grouped: format !== 'json',
    async send(notices, signal) {
      const address = url ?? fromEnv(urlEnv, env);
      if (address === undefined) throw new MlopsError('delivery_failed', `webhook '${name}' has no url and no url_env`);
      const secret = secretEnv === undefined ? undefined : fromEnv(secretEnv, env);
      const body = JSON.stringify(bodies[format](notices));
      const [first] = notices;
      const signature = secret === undefined ? undefined : createHmac('sha256', secret).update(body).digest('hex');
      await post(address, body, signal, {
        'X-Mlops-Alert': first?.id ?? '',
        ...(signature === undefined ? {} : { 'X-Signature': `sha256=${signature}` }),
      });
    },
  };
}

export interface AlertmanagerSettings {
  readonly name: string;
  readonly url: string;
}

/** What fires is taken as over by Alertmanager after this time; nobody repeats it there. */
const longest = 30 * 86_400_000;

/** Prometheus' Alertmanager, API v2: it groups, routes and repeats by itself. */
export function alertmanagerChannel({ name, url }: AlertmanagerSettings): Channel {
  return {
    name,
    grouped: true,
    send: (notices, signal) =>
      post(`${url.replace(/\/$/, '')}/api/v2/alerts`, JSON.stringify(notices.map(toAlertmanager)), signal, {}),
  };
}

function toAlertmanager(notice: Notice) {
  const { id, state, rule, on, model, severity, text, since, at } = notice;
  return {
    labels: { alertname: rule, kind: on, severity, ...(model === null ? {} : { model }), source: 'mlops' },
    annotations: { summary: text, id },
    startsAt: since,
    endsAt: state === 'resolved' ? at : new Date(Date.parse(at) + longest).toISOString(),
  };
}

const bodies: Readonly<Record<WebhookSettings['format'], (notices: readonly Notice[]) => unknown>> = {
  json: ([notice]) => notice,
  slack: (notices) => ({
    text: notices.map((notice) => `${slackText(headline(notice))}\nid ${notice.id}`).join('\n\n'),
  }),
  teams: (notices) => ({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            { type: 'TextBlock', size: 'Medium', weight: 'Bolder', wrap: true, text: subjectOf(notices) },
            ...notices.map((notice) => ({ type: 'TextBlock', wrap: true, text: `${headline(notice)} (${notice.id})` })),
          ],
        },
      },
    ],
  }),
};

/** Slack's three characters. */
function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

async function post(
  address: string,
  body: string,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  if (!/^https?:\/\//.test(address) || !URL.canParse(address)) {
    throw new MlopsError('delivery_failed', `the address is no http(s) URL`);
  }
  const answer = await httpPost(
    address,
    body,
    { 'Content-Type': 'application/json', ...headers },
    { timeout: 10_000, allowPrivate: true, signal },
  );
  if (answer.status >= 200 && answer.status < 300) return;
  const said = answer.body.trim().slice(0, 200);
  throw new MlopsError('delivery_failed', `answered with ${answer.status}${said === '' ? '' : `: ${said}`}`);
}

function fromEnv(name: string | undefined, env: ChannelPlaces['env']): string | undefined {
  if (name === undefined) return undefined;
  const value = env[name];
  if (value !== undefined && value !== '') return value;
  throw new MlopsError('delivery_failed', `the environment variable ${name} is not set`);
}
