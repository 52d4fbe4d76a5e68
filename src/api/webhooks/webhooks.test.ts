import { createHmac } from 'node:crypto';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createLogger } from '../../base/index.ts';
import { isPublicAddress } from '../../deliver/index.ts';
import { createShell, mlflowErrorBody, type Shell } from '../../http/index.ts';
import { openTracking, type TrackingStore } from '../../tracking/index.ts';
import { registerMlflowApi } from '../index.ts';
import type { DeliveryOptions } from './deliver.ts';

interface Letter {
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

let store: TrackingStore;
let shell: Shell;
let receiver: http.Server;
let received: Letter[];
let answers: number[];
let warnings: string[];

async function open(change: Partial<DeliveryOptions> = {}): Promise<void> {
  shell = await createShell({ errors: mlflowErrorBody });
  registerMlflowApi(shell, {
    store,
    webhooks: {
      schemes: ['http', 'https'],
      allowPrivate: true,
      retries: 2,
      timeout: 20_000,
      pause: 1,
      log: createLogger('warn', (_, message) => warnings.push(message)),
      ...change,
    },
  });
  await shell.ready();
}

beforeEach(async () => {
  store = await openTracking('memory:');
  [received, answers, warnings] = [[], [], []];
  receiver = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(answers.shift() ?? 200).end('thanks');
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await shell.close();
  await store.close();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: unknown): Promise<Answer> {
  const response = await shell.inject({
    method,
    url: `/api/2.0/mlflow/${url}`,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  });
  return { status: response.statusCode, body: JSON.parse(response.body) as Record<string, unknown> };
}

const url = (): string => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
const all = [
  ...['REGISTERED_MODEL', 'MODEL_VERSION', 'MODEL_VERSION_ALIAS', 'PROMPT', 'PROMPT_VERSION', 'PROMPT_ALIAS'].map(
    (entity) => ({ entity, action: 'CREATED' }),
  ),
  ...['MODEL_VERSION_TAG', 'PROMPT_TAG', 'PROMPT_VERSION_TAG'].flatMap((entity) => [
    { entity, action: 'SET' },
    { entity, action: 'DELETED' },
  ]),
  { entity: 'MODEL_VERSION_ALIAS', action: 'DELETED' },
];

async function subscribe(more: object = {}): Promise<string> {
  const { body } = await call('POST', 'webhooks', { name: 'hook', url: url(), events: all, ...more });
  return (body['webhook'] as { webhook_id: string }).webhook_id;
}

async function untilReceived(count: number): Promise<readonly Letter[]> {
  await expect.poll(() => received.length, { timeout: 20_000 }).toBe(count);
  return received;
}

describe('webhooks', () => {
  it('are made, listed by pages, changed and deleted, and never tell their secret', async () => {
    await open();
    const id = await subscribe({ secret: 'hush', description: 'first' });
    await subscribe({ name: 'second' });
    const got = await call('GET', `webhooks/${id}`);
    expect(got.body).toMatchObject({
      webhook: { webhook_id: id, name: 'hook', description: 'first', url: url(), status: 'ACTIVE' },
    });
    expect(JSON.stringify(got.body)).not.toContain('hush');
    const first = await call('GET', 'webhooks?max_results=1');
    expect(first.body).toMatchObject({ webhooks: [{ name: 'second' }] });
    const token = encodeURIComponent(String(first.body['next_page_token']));
    const second = await call('GET', `webhooks?max_results=1&page_token=${token}`);
    expect(second.body).toMatchObject({ webhooks: [{ name: 'hook' }] });
    expect(second.body).not.toHaveProperty('next_page_token');
    const changed = await call('PATCH', `webhooks/${id}`, { name: 'renamed', status: 'DISABLED' });
    expect(changed.body).toMatchObject({ webhook: { name: 'renamed', status: 'DISABLED', description: 'first' } });
    expect((await call('DELETE', `webhooks/${id}`)).body).toEqual({});
    expect((await call('GET', `webhooks/${id}`)).status).toBe(404);
  });

  it('tell of models, versions, tags and aliases, signed', async () => {
    await open();
    await subscribe({ secret: 'hush' });
    await call('POST', 'registered-models/create', { name: 'm', tags: [{ key: 'a', value: 'b' }] });
    await call('POST', 'model-versions/create', { name: 'm', source: 's3://bucket/model' });
    await call('POST', 'model-versions/set-tag', { name: 'm', version: '1', key: 'k', value: 'v' });
    await call('DELETE', 'model-versions/delete-tag', { name: 'm', version: '1', key: 'k' });
    await call('POST', 'registered-models/alias', { name: 'm', alias: 'best', version: '1' });
    await call('DELETE', 'registered-models/alias', { name: 'm', alias: 'best' });
    await call('POST', 'registered-models/set-tag', { name: 'm', key: 'not', value: 'told' });
    const letters = await untilReceived(6);
    const told = letters.map(({ body }) => JSON.parse(body) as { entity: string; action: string; data: object });
    const named = Object.fromEntries(told.map(({ entity, action, data }) => [`${entity}.${action}`, data]));
    expect(named).toEqual({
      'registered_model.created': { name: 'm', tags: { a: 'b' }, description: '' },
      'model_version.created': {
        ...{ name: 'm', version: '1', source: 's3://bucket/model', run_id: null, tags: {}, description: null },
      },
      'model_version_tag.set': { name: 'm', version: '1', key: 'k', value: 'v' },
      'model_version_tag.deleted': { name: 'm', version: '1', key: 'k' },
      'model_version_alias.created': { name: 'm', alias: 'best', version: '1' },
      'model_version_alias.deleted': { name: 'm', alias: 'best' },
    });
    for (const { headers, body } of letters) {
      const signed = `${String(headers['x-mlflow-delivery-id'])}.${String(headers['x-mlflow-timestamp'])}.${body}`;
      const digest = createHmac('sha256', 'hush').update(signed).digest('base64');
      expect(headers['x-mlflow-signature']).toBe(`v1,${digest}`);
    }
  });

  it('tell of prompts as prompts', async () => {
    await open();
    await subscribe();
    const isPrompt = { key: 'mlflow.prompt.is_prompt', value: 'true' };
    await call('POST', 'registered-models/create', { name: 'p', tags: [isPrompt] });
    const text = { key: 'mlflow.prompt.text', value: 'Hello {{name}}' };
    await call('POST', 'model-versions/create', { name: 'p', source: 'dummy-source', tags: [isPrompt, text] });
    await call('POST', 'registered-models/set-tag', { name: 'p', key: 'k', value: 'v' });
    const told = (await untilReceived(3)).map(({ body }) => JSON.parse(body) as { entity: string; data: object });
    expect(told.toSorted((a, b) => a.entity.localeCompare(b.entity))).toMatchObject([
      { entity: 'prompt', action: 'created', data: { name: 'p', tags: {} } },
      { entity: 'prompt_tag', action: 'set', data: { name: 'p', key: 'k', value: 'v' } },
      { entity: 'prompt_version', data: { name: 'p', version: '1', template: 'Hello {{name}}', tags: {} } },
    ]);
  });

  it('are sent again when the receiver is in trouble, with the same id, and given up after a while', async () => {
    await open();
    await subscribe();
    answers = [503, 500, 200];
    await call('POST', 'registered-models/create', { name: 'm' });
    const letters = await untilReceived(3);
    expect(new Set(letters.map(({ headers }) => headers['x-mlflow-delivery-id'])).size).toBe(1);
    answers = [500, 500, 500];
    await call('POST', 'registered-models/create', { name: 'n' });
    await untilReceived(6);
    await expect.poll(() => warnings.join('\n')).toContain('given up after 3 attempts');
  });

  it('that wait when a server ends are sent by the next one, and not twice', async () => {
    await open({ pause: 300 });
    await subscribe();
    answers = [503];
    await call('POST', 'registered-models/create', { name: 'm' });
    const [first] = await untilReceived(1);
    await shell.close();
    await open();
    const letters = await untilReceived(2);
    expect(letters[1]).toEqual({ ...first, headers: { ...first?.headers, date: letters[1]?.headers['date'] } });
    await expect.poll(() => store.outbox.isDue(['webhook'])).toBe(false);
    const claim = { kinds: ['webhook'], holder: 'x', lease: 1, limit: 1, except: [] };
    expect(await store.outbox.claim(claim)).toEqual([]);
  });

  it('of a receiver that hangs do not keep others waiting', async () => {
    const hanging = http.createServer(() => undefined);
    await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
    await open({ timeout: 1500, retries: 0 });
    const { port } = hanging.address() as AddressInfo;
    await subscribe({ name: 'slow', url: `http://127.0.0.1:${port}/` });
    for (let i = 0; i < 12; i++) await call('POST', 'registered-models/create', { name: `s${i}` });
    await subscribe();
    await call('POST', 'registered-models/create', { name: 'm' });
    await untilReceived(1);
    hanging.closeAllConnections();
    hanging.close();
  });

  it('are tested with an example, and failing is an answer', async () => {
    await open();
    const id = await subscribe();
    const event = { entity: 'MODEL_VERSION', action: 'CREATED' };
    const fine = await call('POST', `webhooks/${id}/test`, { event });
    expect(fine.body).toEqual({ result: { success: true, response_status: 200, response_body: 'thanks' } });
    answers = [404];
    const bad = await call('POST', `webhooks/${id}/test`, {});
    expect(bad.body).toMatchObject({ result: { success: false, response_status: 404 } });
    expect(received.map(({ body }) => (JSON.parse(body) as { entity: string }).entity)).toEqual([
      'model_version',
      'registered_model',
    ]);
  });

  it('refuse bad names, events, schemes and inner addresses', async () => {
    await open({ allowPrivate: false, schemes: ['https'] });
    const attempts = [
      { name: '-bad' },
      { events: [] },
      { events: [{ entity: 'REGISTERED_MODEL', action: 'EXCEEDED' }] },
      { url: 'http://example.com/' },
      { url: 'file:///etc/passwd' },
      { url: 'https://user:password@example.com/' },
      { url: 'https://127.0.0.1/' },
      { url: 'https://127.1/' },
      { url: 'https://0177.0.0.1/' },
      { url: 'https://2130706433/' },
      { url: 'https://localhost/' },
      { url: 'https://169.254.169.254/latest/meta-data' },
      { url: 'https://[::1]/' },
      { url: 'https://[::ffff:10.0.0.1]/' },
      { url: 'https://[64:ff9b::7f00:1]/' },
    ];
    for (const attempt of attempts) {
      const made = await call('POST', 'webhooks', { name: 'hook', url: 'https://192.0.9.1/', events: all, ...attempt });
      expect({ attempt, status: made.status, code: made.body['error_code'] }).toEqual({
        attempt,
        status: 400,
        code: 'INVALID_PARAMETER_VALUE',
      });
    }
  });

  it('are not delivered to an inner address, whatever was allowed when they were made', async () => {
    await store.webhooks.createWebhook({
      name: 'literal',
      url: url(),
      events: [{ entity: 'registered_model', action: 'created' }],
    });
    await store.webhooks.createWebhook({
      name: 'name',
      url: url().replace('127.0.0.1', 'localhost'),
      events: [{ entity: 'registered_model', action: 'created' }],
    });
    await open({ allowPrivate: false, retries: 0 });
    await call('POST', 'registered-models/create', { name: 'm' });
    await expect.poll(() => warnings.length, { timeout: 20_000 }).toBe(2);
    expect(warnings.join('\n')).toContain('is not a public address');
    expect(received).toEqual([]);
  });

  it('know which addresses are public', () => {
    const inner = ['10.1.2.3', '100.64.0.1', '192.168.1.1', '172.31.0.1', '0.0.0.0', '224.0.0.1', '255.255.255.255'];
    const innerSix = ['::', '::1', '::ffff:8.8.8.8', 'fd00::1', 'fe80::1', '2002:7f00:1::', 'ff02::1'];
    for (const address of [...inner, ...innerSix])
      expect([address, isPublicAddress(address)]).toEqual([address, false]);
    for (const address of ['8.8.8.8', '172.32.0.1', '2606:4700::1111'])
      expect([address, isPublicAddress(address)]).toEqual([address, true]);
  });
});
