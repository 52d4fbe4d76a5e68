import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ruleOf } from '../../api/access/route-rules.ts';
import { newToken } from '../../auth/index.ts';
import { silentLogger } from '../../base/index.ts';
import { startWatchedServer } from '../usecases/tracking-server.ts';
import type { TrackingServer } from './server.ts';

const password = 'a long enough password';
let dir = '';
let server: TrackingServer;
const routes: string[] = [];
/** What the story needs to know of what was made. */
const made = { experiment: '', run: '', model: '', trace: 'tr-1', dataset: '' };

type Role = 'nobody' | 'admin' | 'owner' | 'reader' | 'stranger';

function call(role: Role, method: string, target: string, body?: unknown, headers: Record<string, string> = {}) {
  const login = Buffer.from(`${role}:${password}`).toString('base64');
  return fetch(server.url + target, {
    method,
    redirect: 'manual',
    headers: {
      ...(role === 'nobody' ? {} : { authorization: `Basic ${login}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

async function api<Answer = Record<string, unknown>>(role: Role, method: string, target: string, body?: unknown) {
  const response = await call(role, method, `/api/${target}`, body);
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text) as Answer;
}

beforeAll(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-access-'));
  server = await startWatchedServer({
    place: { uri: path.join(dir, 'mlops.db'), root: dir, given: true },
    ...{ cwd: dir, host: '127.0.0.1', port: 0, appName: 'basic-auth', log: silentLogger },
    env: { MLFLOW_AUTH_ADMIN_PASSWORD: password },
    onRoute: (route) => routes.push(route),
  });
  for (const username of ['owner', 'reader', 'stranger']) {
    await api('admin', 'POST', '2.0/mlflow/users/create', { username, password });
  }
  const experiment = await api<{ experiment_id: string }>('owner', 'POST', '2.0/mlflow/experiments/create', {
    name: 'hidden plans',
  });
  made.experiment = experiment.experiment_id;
  const run = await api<{ run: { info: { run_id: string } } }>('owner', 'POST', '2.0/mlflow/runs/create', {
    experiment_id: made.experiment,
  });
  made.run = run.run.info.run_id;
  const model = await api<{ model: { info: { model_id: string } } }>('owner', 'POST', '2.0/mlflow/logged-models', {
    ...{ experiment_id: made.experiment, name: 'm' },
  });
  made.model = model.model.info.model_id;
  await api('owner', 'POST', '2.0/mlflow/registered-models/create', { name: 'secret-model' });
  for (const [type, id] of [
    ['experiment', made.experiment],
    ['registered_model', 'secret-model'],
  ]) {
    await api('owner', 'POST', '3.0/mlflow/users/permissions/grant', {
      ...{ username: 'stranger', resource_type: type, resource_id: id, permission: 'DENY' },
    });
  }
  await api('owner', 'POST', '3.0/mlflow/traces', {
    trace: {
      trace_info: {
        trace_id: made.trace,
        trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: made.experiment } },
        request_time: '2030-01-01T00:00:00Z',
        state: 'OK',
      },
    },
  });
  await server.store
    .artifacts(`mlflow-artifacts:/${made.experiment}/${made.run}/artifacts`)
    .put('f.txt', Buffer.from('x'));
}, 60_000);
afterAll(async () => {
  await server.close(1000);
  fs.rmSync(dir, { recursive: true });
});

/** Routes that tell anybody the same, and hold nothing of anybody. */
const open =
  /^GET \/(?:health|version|(?:ajax-)?api\/3\.0\/mlflow\/(?:server-info|ui-telemetry)|static\/.*|login)$|^POST \/(?:ajax-api\/3\.0\/mlflow\/ui-telemetry|login|logout)$/;
/** Routes whose answers are about the caller, about who else is there, or of what the caller may see. */
const forAll =
  /^GET \/(?:experiments\/\*|models|models\/\*)?$|\/(?:2\.0|3\.0)\/mlflow\/(?:users\/(?:current|list)|roles\/(?:get|list|permissions\/list)|mlops-studies|mlops-traffic|experiments\/(?:search|create)|(?:registered-models|model-versions|runs|logged-models)\/search|gateway-proxy|mlops-ui)(?:\/|$)|\/graphql$|\/mlflow-artifacts\/artifacts$/;

function targetOf(pattern: string): string {
  return pattern
    .replace(':experiment_id', made.experiment)
    .replace(/:id\/runs\/:run/, `${made.experiment}/runs/${made.run}`)
    .replace('/experiments/:id', `/experiments/${made.experiment}`)
    .replace(/:model(?:_id)?\b/, made.model)
    .replace(/:(?:trace_id|request_id)\b/, made.trace)
    .replace('/models/:name', '/models/secret-model')
    .replace(/:\w+/g, 'x')
    .replace('*', `${made.experiment}/${made.run}/artifacts/f.txt`);
}

/** Every name under which a request may mean what is there. */
function fields(): Record<string, unknown> {
  return {
    ...{ experiment_id: made.experiment, experiment_ids: [made.experiment], experiment_name: 'hidden plans' },
    ...{ run_id: made.run, run_uuid: made.run, run_ids: [made.run], model_id: made.model, name: 'secret-model' },
    ...{
      version: '1',
      alias: 'a',
      key: 'k',
      value: 'v',
      metric_key: 'k',
      param_key: 'p',
      new_name: 'n',
      path: 'f.txt',
    },
    ...{ stage: 'Production', stages: [], source: 'x', filter: '', max_results: 5, timestamp: 1, step: 0, tags: [] },
    ...{ trace_ids: [made.trace], request_id: made.trace, trace_id: made.trace, artifact_file_path: 'f.txt' },
    ...{ username: 'owner', role_id: 1, workspace: 'default', permission: 'MANAGE', role_permission_id: 1 },
    ...{
      resource_type: 'experiment',
      resource_id: made.experiment,
      password,
      is_admin: true,
      url: 'https://x.example/',
    },
    ...{ locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: made.experiment } }] },
    ...{ model: 'secret-model', queue_id: 'x', schema_id: 'x', dataset_id: 'x', scorer_name: 's', secret_id: 's' },
    ...{ endpoint_id: 'e', model_definition_id: 'd', upload_id: 'u', num_parts: 1, timestamp_ms: 1 },
  };
}

function queryText(values: Record<string, unknown>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    for (const one of [value].flat()) if (typeof one !== 'object') query.append(key, String(one));
  }
  return query.toString();
}

/** What a stranger must not read: the walk itself makes an experiment that has the name of the model. */
function shown(pattern: string): RegExp {
  return /registered-models|model-versions|\/models|graphql/.test(pattern)
    ? /hidden plans|tr-1"|secret-model/
    : /hidden plans|tr-1"/;
}

describe('every route of the server', () => {
  it('refuses who is nobody, and shows strangers nothing of what they may not see', async () => {
    const wrong: string[] = [];
    let refused = 0;
    expect(routes.length).toBeGreaterThan(200);
    for (const route of new Set(routes)) {
      const [method = '', pattern = ''] = route.split(' ');
      if (method === 'HEAD' || method === 'OPTIONS' || open.test(route)) continue;
      const body = method === 'GET' ? undefined : fields();
      const query = method === 'GET' || pattern.includes('upload-artifact') ? `?${queryText(fields())}` : '';
      const nobody = await call('nobody', method, targetOf(pattern) + query, body);
      if (nobody.status !== 401) wrong.push(`${route} answers nobody with ${nobody.status}`);
      const headers = { 'x-mlflow-experiment-id': made.experiment };
      if (pattern.endsWith('mlops-ui/live')) continue;
      const stranger = await call('stranger', method, targetOf(pattern) + query, body, headers);
      const text = await stranger.text();
      if (!forAll.test(route) && stranger.ok) wrong.push(`${route} answers a stranger: ${text.slice(0, 80)}`);
      if (stranger.status === 403) refused++;
      if (stranger.ok && shown(pattern).test(text)) wrong.push(`${route} shows a stranger ${text.slice(0, 120)}`);
    }
    expect(wrong).toEqual([]);
    expect(refused).toBeGreaterThan(150);
  }, 120_000);

  it('has a rule of its own: a new route says who may call it', () => {
    const others = [...new Set(routes)].filter((route) => {
      const [method = '', pattern = ''] = route.split(' ');
      return method !== 'OPTIONS' && ruleOf(method, pattern, '') === undefined;
    });
    expect(others).toEqual([]);
  });

  /** What may be done with an experiment and a model, by permission: `+` done, `-` forbidden. */
  it.each([
    ['READ', 'get+ rename- run- tag- metric- artifact- delete- model+ describe- unmodel- pass-'],
    ['USE', 'get+ rename- run- tag- metric- artifact- delete- model+ describe- unmodel- pass-'],
    ['EDIT', 'get+ rename+ run+ tag+ metric+ artifact+ delete- model+ describe+ unmodel- pass-'],
    ['MANAGE', 'get+ rename+ run+ tag+ metric+ artifact+ delete+ model+ describe+ unmodel+ pass+'],
    ['DENY', 'get- rename- run- tag- metric- artifact- delete- model- describe- unmodel- pass-'],
    ['NO_PERMISSIONS', 'get- rename- run- tag- metric- artifact- delete- model- describe- unmodel- pass-'],
  ])('gives who has %s what that means', async (permission, expected) => {
    const name = `of-${permission.toLowerCase()}`;
    const { experiment_id: id } = await api<{ experiment_id: string }>(
      'owner',
      'POST',
      '2.0/mlflow/experiments/create',
      {
        name,
      },
    );
    const { run } = await api<{ run: { info: { run_id: string } } }>('owner', 'POST', '2.0/mlflow/runs/create', {
      experiment_id: id,
    });
    const { run_id: runId } = run.info;
    await api('owner', 'POST', '2.0/mlflow/registered-models/create', { name });
    const grant = { username: 'reader', permission };
    await api('owner', 'POST', '2.0/mlflow/experiments/permissions/create', { ...grant, experiment_id: id });
    await api('owner', 'POST', '2.0/mlflow/registered-models/permissions/create', { ...grant, name });
    const acts: readonly (readonly [what: string, method: string, target: string, body?: unknown])[] = [
      ['get', 'GET', `2.0/mlflow/experiments/get?experiment_id=${id}`],
      ['rename', 'POST', '2.0/mlflow/experiments/update', { experiment_id: id, new_name: `${name} 2` }],
      ['run', 'POST', '2.0/mlflow/runs/create', { experiment_id: id }],
      ['tag', 'POST', '2.0/mlflow/experiments/set-experiment-tag', { experiment_id: id, key: 'k', value: 'v' }],
      ['metric', 'POST', '2.0/mlflow/runs/log-metric', { run_id: runId, key: 'k', value: 1, timestamp: 1 }],
      ['artifact', 'PUT', `2.0/mlflow-artifacts/artifacts/${id}/${runId}/artifacts/a.txt`, 'text'],
      ['delete', 'POST', '2.0/mlflow/runs/delete', { run_id: runId }],
      ['model', 'GET', `2.0/mlflow/registered-models/get?name=${name}`],
      ['describe', 'PATCH', '2.0/mlflow/registered-models/update', { name, description: 'd' }],
      ['unmodel', 'DELETE', '2.0/mlflow/registered-models/delete', { name }],
      [
        'pass',
        'POST',
        '3.0/mlflow/users/permissions/grant',
        { username: 'stranger', resource_type: 'experiment', resource_id: id, permission: 'READ' },
      ],
    ];
    const found: string[] = [];
    for (const [what, method, target, body] of acts) {
      const { status } = await call('reader', method, `/api/${target}`, body);
      found.push(`${what}${status === 200 ? '+' : status === 403 ? '-' : String(status)}`);
    }
    expect(found.join(' ')).toBe(expected);
  });

  it('lists only what may be read, page by page, and forgets grants with what is renamed or gone', async () => {
    const hide = async (name: string): Promise<void> => {
      await api('owner', 'POST', '2.0/mlflow/registered-models/create', { name });
      await api('owner', 'POST', '3.0/mlflow/users/permissions/grant', {
        ...{ username: 'stranger', resource_type: 'registered_model', resource_id: name, permission: 'DENY' },
      });
    };
    for (const name of ['q1', 'q3', 'q4']) await hide(name);
    for (const name of ['q2', 'q5']) await api('owner', 'POST', '2.0/mlflow/registered-models/create', { name });
    const page = (token: string) =>
      api<{ registered_models?: { name: string }[]; next_page_token?: string }>(
        'stranger',
        'GET',
        `2.0/mlflow/registered-models/search?max_results=1&filter=${encodeURIComponent("name LIKE 'q%'")}&page_token=${encodeURIComponent(token)}`,
      );
    const seen: string[] = [];
    for (let token: string | undefined = ''; token !== undefined;) {
      const { registered_models: models = [], next_page_token: next } = await page(token);
      seen.push(...models.map(({ name }) => name));
      token = next === '' ? undefined : next;
    }
    expect(seen).toEqual(['q2', 'q5']);
    await api('owner', 'POST', '2.0/mlflow/registered-models/rename', { name: 'q1', new_name: 'q9' });
    const read = (name: string) => call('stranger', 'GET', `/api/2.0/mlflow/registered-models/get?name=${name}`);
    expect((await read('q9')).status).toBe(403);
    await api('owner', 'DELETE', '2.0/mlflow/registered-models/delete', { name: 'q9' });
    await api('owner', 'POST', '2.0/mlflow/registered-models/create', { name: 'q9' });
    expect((await read('q9')).status).toBe(200);
  });

  it('lets people in by a page, and nobody else in with their cookie', async () => {
    const form = (fields: Record<string, string>) => ({
      method: 'POST',
      redirect: 'manual' as const,
      body: new URLSearchParams(fields),
    });
    const away = await fetch(`${server.url}/models`, { headers: { accept: 'text/html' }, redirect: 'manual' });
    expect([away.status, away.headers.get('location')]).toEqual([302, '/login?next=%2Fmodels']);
    const wrong = await fetch(`${server.url}/login`, form({ username: 'owner', password: 'x' }));
    expect(wrong.status).toBe(401);
    const right = await fetch(`${server.url}/login`, form({ username: 'owner', password, next: '//evil.example' }));
    expect([right.status, right.headers.get('location')]).toEqual([303, '/']);
    const given = right.headers.get('set-cookie') ?? '';
    expect(given).toMatch(/^mlops_session=mlops_\w+_[\w-]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
    const cookie = given.split(';', 1)[0] ?? '';
    const current = await fetch(`${server.url}/ajax-api/2.0/mlflow/users/current`, { headers: { cookie } });
    const { user, csrf_token: token } = (await current.json()) as { user: { username: string }; csrf_token: string };
    expect(user.username).toBe('owner');
    const tag = (headers: Record<string, string>) =>
      fetch(`${server.url}/ajax-api/2.0/mlflow/experiments/set-experiment-tag`, {
        method: 'POST',
        headers: { cookie, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ experiment_id: made.experiment, key: 'k', value: 'v' }),
      });
    expect((await tag({})).status).toBe(403);
    expect((await tag({ 'x-csrf-token': 'guess' })).status).toBe(403);
    expect((await tag({ 'x-csrf-token': token })).status).toBe(200);
    const bearer = await call('nobody', 'GET', '/api/2.0/mlflow/users/current', undefined, {
      authorization: `Bearer ${cookie.split('=')[1] ?? ''}`,
    });
    expect(bearer.status).toBe(401);
    const out = await fetch(`${server.url}/logout`, { method: 'POST', headers: { cookie }, redirect: 'manual' });
    expect(out.status).toBe(303);
    expect((await tag({ 'x-csrf-token': token })).status).toBe(401);
  });

  it('takes tokens, as far as their scopes go and until they are revoked', async () => {
    const { auth } = server.store;
    const owner = await auth?.findUser('owner');
    if (auth === undefined || owner === undefined) throw new Error('there is no owner');
    const make = async (scopes: string, expires = 0): Promise<string> => {
      const { token, secret } = newToken({ userId: owner.id, name: 't', kind: 'token', scopes, expires }, Date.now());
      await auth.addToken(token);
      return secret;
    };
    const get = (token: string, path = 'get?experiment_id=0', body?: unknown) =>
      call('nobody', body === undefined ? 'GET' : 'POST', `/api/2.0/mlflow/experiments/${path}`, body, {
        authorization: `Bearer ${token}`,
      });
    const reads = await make('read');
    expect((await get(reads)).status).toBe(200);
    expect((await get(reads, 'create', { name: 'by a token' })).status).toBe(403);
    expect((await get(await make('read,write'), 'create', { name: 'by a token' })).status).toBe(200);
    expect((await get(await make('read', 1))).status).toBe(401);
    expect((await get(`${reads}x`)).status).toBe(401);
    expect(await auth.findToken(reads.split('_')[1] ?? '')).not.toMatchObject({ lastUsed: 0 });
    await auth.removeToken(reads.split('_')[1] ?? '');
    await expect.poll(async () => (await get(reads)).status, { timeout: 5000 }).toBe(401);
  });

  it('writes down who changed what, and no secret', async () => {
    const lines = (await server.store.auth?.listAudit({ limit: 5000 })) ?? [];
    expect(lines).toContainEqual(
      expect.objectContaining({ who: 'admin', what: 'users/create', target: 'username=reader', result: 'done' }),
    );
    expect(lines).toContainEqual(expect.objectContaining({ who: 'owner', what: 'sign-in', result: 'refused' }));
    expect(JSON.stringify(lines)).not.toContain(password);
  });
});
