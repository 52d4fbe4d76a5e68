import { describe, expect, it, onTestFinished } from 'vitest';

import { temporaryFolder } from '../../../test/cli.ts';
import { post, startForTest, sum } from '../../../test/support/serving.ts';
import { until } from '../../../test/support/until.ts';
import { readPredictionLog } from '../../monitor/index.ts';
import { openTracking, type TrackingStore } from '../../tracking/index.ts';
import { MemorySource, readMark, type RunningServer, type ServeOptions } from '../index.ts';

/** Version n answers n times the sum of a row; version 4 takes three numbers, version 5 is no model. */
function versions(): MemorySource {
  const source = new MemorySource();
  for (const version of [1, 2, 3]) source.add('m', String(version), sum(version));
  source.add('m', '5', Buffer.from('no model'));
  source.point('m', 'default', '1');
  return source;
}

async function openStore(): Promise<TrackingStore> {
  const store = await openTracking(':memory:');
  onTestFinished(() => store.close());
  return store;
}

async function start(store: TrackingStore, options: Partial<ServeOptions> = {}): Promise<RunningServer> {
  const source = versions();
  const models = [{ name: 'm', source, rules: 'registered' }];
  return startForTest(source, { models, rules: { store: store.traffic }, ...options }, 5_000);
}

async function admin(server: RunningServer, method: string, rule?: unknown, query = '?model=m') {
  const body =
    rule === undefined ? {} : { body: JSON.stringify(rule), headers: { 'content-type': 'application/json' } };
  const answer = await fetch(`${server.listening.url}/admin/traffic${query}`, { method, ...body });
  return {
    status: answer.status,
    body: (await answer.json()) as Record<string, unknown> & { arms: { state: string }[] },
  };
}

interface Answered {
  readonly arm?: string;
  readonly model_version: string;
  readonly prediction_id: string;
  readonly outputs: { readonly y: readonly (readonly number[])[] };
}

async function ask(server: RunningServer, headers: Record<string, string> = {}, query = ''): Promise<Answered> {
  const answer = await post(server, `/predict${query}`, { inputs: { x: [[1, 1]] } }, headers);
  expect(answer.status, answer.text).toBe(200);
  const body = answer.json() as Answered;
  // Whatever the rule: the answer is that of the version it names.
  expect(body.outputs.y).toEqual([[2 * Number(body.model_version)]]);
  return body;
}

const split = {
  kind: 'split',
  arms: [
    { name: 'old "a"', version: '1', weight: 1 },
    { name: 'new', version: 2, weight: 1 },
  ],
};
const sticky = { ...split, sticky: { header: 'X-User' } };
const users = Array.from({ length: 40 }, (_, i) => `user ${i} \u00e9`);

async function armsOf(server: RunningServer): Promise<string[]> {
  const arms: string[] = [];
  for (const user of users) arms.push((await ask(server, { 'x-user': user })).arm ?? '');
  return arms;
}

describe('a rule', () => {
  it('divides the requests that name no version; answers, numbers and the log name the arm', async () => {
    const directory = temporaryFolder();
    const server = await start(await openStore(), { predictionLog: { directory } });
    expect(await ask(server)).not.toHaveProperty('arm');
    expect(await admin(server, 'GET')).toEqual({ status: 200, body: { model: 'm', rule: null, arms: [] } });
    expect(await admin(server, 'PUT', split)).toMatchObject({
      status: 200,
      body: {
        model: 'm',
        kind: 'split',
        arms: [
          { share: 0.5, state: 'READY' },
          { version: '2', state: 'READY' },
        ],
      },
    });
    const seen = new Map<string, number>();
    for (let i = 0; i < 60; i++) {
      const { arm = '', model_version: version, prediction_id: id } = await ask(server);
      seen.set(arm, (seen.get(arm) ?? 0) + 1);
      expect(version).toBe(arm === 'new' ? '2' : '1');
      expect(readMark(id)).toMatchObject({ index: arm === 'new' ? 1 : 0 });
    }
    expect([...seen.keys()].sort()).toEqual(['new', 'old "a"']);
    for (const plain of [await ask(server, {}, '?model_version=2'), await ask(server, { 'x-model-version': '3' })])
      expect(plain).not.toHaveProperty('arm');
    expect((await ask(server, { 'x-model-version': '3' })).model_version).toBe('3');
    expect((await post(server, '/predict', { inputs: { x: [[1, 1]] } }, { 'x-model-version': '9' })).status).toBe(404);
    const v2 = { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 1] }] };
    expect((await post(server, '/v2/models/m/infer', v2)).json()).toMatchObject({
      parameters: { arm: expect.stringMatching(/new|old/) as string },
    });
    const scored = await post(server, '/invocations', { inputs: { x: [[1, 1]] } });
    expect(['new', 'old%20%22a%22']).toContain(scored.headers.get('x-model-arm'));

    const page = await (await fetch(`${server.listening.url}/metrics`)).text();
    expect(page).toMatch(
      /mlops_inference_requests_total\{model="m",version="1",arm="old \\"a\\"",outcome="success"\} \d+/,
    );
    expect(page.match(/^mlops_inference_requests_total.*arm="new",outcome="success"/gm)).toHaveLength(1);
    await admin(server, 'PUT', split);
    await ask(server);
    const again = await (await fetch(`${server.listening.url}/metrics`)).text();
    expect(again.match(/^mlops_inference_requests_total.*arm="new",outcome="success"/gm)).toHaveLength(1);
    expect((await admin(server, 'DELETE')).body).toEqual({ model: 'm', rule: null, arms: [] });
    expect(await ask(server)).not.toHaveProperty('arm');
    await server.close(5_000);
    const arms = new Set<unknown>();
    for await (const record of readPredictionLog(directory)) arms.add((record as { arm?: string }).arm);
    expect(arms).toEqual(new Set(['new', 'old "a"', undefined]));
  });

  it('gives a key the same arm in every server of a store, and after a restart', async () => {
    const store = await openStore();
    const [one, two] = [await start(store), await start(store)];
    await admin(one, 'PUT', sticky);
    const first = await armsOf(one);
    await until(async () => (await ask(two)).arm !== undefined, 'the other server follows', 1_000);
    expect(new Set(first).size).toBe(2);
    expect(await armsOf(two)).toEqual(first);
    await one.close(1_000);
    const again = await start(store);
    expect(await armsOf(again)).toEqual(first);
    // A larger share only adds keys to an arm.
    const [old, fresh] = sticky.arms;
    await admin(again, 'PUT', { ...sticky, arms: [old, { ...fresh, weight: 4 }] });
    const later = await armsOf(again);
    for (const [i, arm] of first.entries()) if (arm === 'new') expect(later[i]).toBe('new');
    expect(later.filter((arm) => arm === 'new').length).toBeGreaterThan(first.filter((arm) => arm === 'new').length);
  });

  it('takes an empty key for none, and finds keys in cookies', async () => {
    const server = await start(await openStore());
    await admin(server, 'PUT', { ...split, sticky: { cookie: 'uid' } });
    const armOf = async (cookie: string) => (await ask(server, { cookie })).arm;
    const arms = await Promise.all(
      ['a=1; uid=ann; b=2', 'uid=ann', 'uid=ann; uid=bob', 'xuid=zoe; uid=ann'].map(armOf),
    );
    expect(new Set(arms).size).toBe(1);
    const empty = await Promise.all(Array.from({ length: 40 }, () => armOf('uid=; other=1')));
    expect(new Set(empty).size).toBe(2);
  });

  it('is refused whole: 400, and what held before holds on', async () => {
    const server = await start(await openStore());
    await admin(server, 'PUT', sticky);
    const [a, b] = split.arms;
    const bad = [
      ...[{ ...split, arms: [] }, { ...split, arms: undefined }, {}, [], 'split', 7],
      ...[-1, '1', null, Infinity].map((weight) => ({ ...split, arms: [a, { ...b, weight }] })),
      { ...split, arms: split.arms.map((arm) => ({ ...arm, weight: 0 })) },
      { ...split, arms: [a, { ...b, name: a?.name }] },
      ...['99', 'latest', '', '1.5', 0].map((version) => ({ ...split, arms: [a, { ...b, version }] })),
      ...[
        { ...split, kind: 'dice' },
        { ...split, more: 1 },
        { ...split, arms: [{ ...a, color: 'red' }] },
      ],
      ...[{}, { header: 'a', cookie: 'b' }, { header: '' }, 'x-user'].map((key) => ({ ...split, sticky: key })),
      ...[
        { ...split, steps: [{ percent: 5 }] },
        { ...split, share: 0.5 },
        { ...split, rollback: { error_rate: 1 } },
      ],
      { ...split, kind: 'canary', arms: [a] },
    ];
    for (const rule of bad)
      expect(await admin(server, 'PUT', rule), JSON.stringify(rule)).toMatchObject({ status: 400 });
    expect((await admin(server, 'PUT', split, '?model=nobody')).status).toBe(404);
    expect((await admin(server, 'GET')).body).toMatchObject({ rule: { kind: 'split', sticky: { header: 'X-User' } } });
    expect((await ask(server)).arm).toBeDefined();
  });

  it('gives an arm that cannot be loaded no requests, and says so', async () => {
    const server = await start(await openStore());
    const [a, b] = split.arms;
    const { body } = await admin(server, 'PUT', { ...sticky, arms: [a, { ...b, version: '5' }] });
    expect(body.arms).toMatchObject([{ state: 'READY' }, { state: 'FAILED', reason: expect.any(String) as string }]);
    expect(new Set(await armsOf(server))).toEqual(new Set(['old "a"']));
    await admin(server, 'PUT', { ...split, arms: [{ name: 'broken', version: '5' }] });
    expect(await ask(server)).toMatchObject({ model_version: '1' });
  });

  it('keeps the versions of its arms loaded while the default changes, and no longer', async () => {
    const server = await start(await openStore());
    const loaded = () => [...server.repository.model('m').versions.keys()].sort();
    await admin(server, 'PUT', split);
    expect(loaded()).toEqual(['1', '2']);
    await server.control.load('m', '3');
    expect(loaded()).toEqual(['1', '2', '3']);
    await admin(server, 'DELETE');
    expect(loaded()).toEqual(['3']);
  });
});

it('50 swaps and 50 changes of the rule under load fail no request, and every answer is that of its version', async () => {
  const server = await start(await openStore());
  let running = true;
  let answered = 0;
  const client = async (place: number): Promise<void> => {
    while (running) {
      await ask(server, place % 2 === 0 ? { 'x-user': String(answered) } : {});
      answered++;
    }
  };
  const clients = Array.from({ length: 6 }, (_, place) => client(place));
  const [a, b] = split.arms;
  for (let i = 0; i < 50; i++) {
    await server.control.load('m', String(1 + (i % 3)));
    const arms = [
      { ...a, version: 1 + (i % 2) },
      { ...b, version: 2 + (i % 2), weight: i % 5 },
    ];
    if (i % 10 === 9) await server.traffic?.clear('m', { by: 'test' });
    else await server.traffic?.set('m', i % 2 === 0 ? { ...sticky, arms } : { ...split, arms }, { by: 'test' });
  }
  running = false;
  await Promise.all(clients);
  expect(answered).toBeGreaterThan(50);
}, 60_000);
