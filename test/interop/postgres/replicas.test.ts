// Several servers on one database: what one leaves behind when it is killed, another takes up.
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';

import { openTracking } from '../../../src/tracking/index.ts';
import { startMlops, temporaryFolder } from '../../cli.ts';
import { databaseOf, PostgresServer } from '../../support/postgres.ts';
import { receiver } from '../../support/receivers.ts';
import { post, start, type Running } from '../../support/tracking-server.ts';
import { describeWithTool } from '../../tools.ts';

const kills = process.env['MLOPS_LONG'] === undefined ? 3 : 15;

const env = { MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: 'true', MLFLOW_WEBHOOK_ALLOWED_SCHEMES: 'http' };

describeWithTool('postgres', 'servers on one database', ({ postgres }) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start(postgres);
  });
  afterAll(() => server.end());

  const replica = (uri: string): Promise<Running> => start(temporaryFolder(), startMlops, uri, env);

  it('send what a killed one was sending, within ten seconds, under the same id', { timeout: 120_000 }, async () => {
    const uri = await server.database();
    const [a, b] = await Promise.all([replica(uri), replica(uri)]);
    const at: number[] = [];
    let hangs = true;
    const { url, received } = await receiver(() => {
      at.push(Date.now());
      return hangs ? undefined : 200;
    });
    const ids = (): unknown[] => received.map(({ headers }) => headers['x-mlflow-delivery-id']);
    const events = [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }];
    await post(b, 'webhooks', { name: 'hook', url, events });
    expect((await post(a, 'registered-models/create', { name: 'm' })).status).toBe(200);
    await expect.poll(() => received.length, { timeout: 10_000 }).toBe(1);
    hangs = false;
    const killed = Date.now();
    await a.kill();
    await expect.poll(() => received.length, { timeout: 12_000 }).toBe(2);
    expect((at[1] ?? Infinity) - killed).toBeLessThan(10_000);
    expect([ids()[1], received[1]?.body]).toEqual([ids()[0], received[0]?.body]);
    // And what both could send comes once.
    for (let i = 0; i < 10; i++) await post(b, 'registered-models/create', { name: `n${i}` });
    const c = await replica(uri);
    for (let i = 0; i < 10; i++) await post(i % 2 === 0 ? b : c, 'registered-models/create', { name: `o${i}` });
    await expect.poll(() => received.length, { timeout: 10_000 }).toBe(22);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(received.length).toBe(22);
    expect(new Set(ids()).size).toBe(21);
  });

  it('lose nothing that was answered when they are killed in turn under load', { timeout: 300_000 }, async () => {
    const uri = await server.database();
    let replicas = await Promise.all([replica(uri), replica(uri)]);
    const made = await post(replicas[0], 'runs/create', { experiment_id: '0' });
    const { run_id } = (made.json as unknown as { run: { info: { run_id: string } } }).run.info;
    const answered = new Set<string>();
    let stop = false;
    const writers = Array.from({ length: 4 }, async (_, w) => {
      for (let i = 0; !stop; i++) {
        const name = `w${w}-${i}`;
        const body =
          i % 2 === 0
            ? { run_id, metrics: [{ key: `m${w}`, value: i, timestamp: i, step: i }] }
            : { run_id, params: [{ key: name, value: name }], tags: [{ key: name, value: name }] };
        const status = await post(replicas[w % 2] as Running, 'runs/log-batch', body).then(
          (answer) => answer.status,
          () => 0,
        );
        if (status === 200) answered.add(name);
        else await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    for (let round = 0; round < kills; round++) {
      await new Promise((resolve) => setTimeout(resolve, 700));
      const [dead, alive] = round % 2 === 0 ? [0, 1] : [1, 0];
      await (replicas[dead] as Running).kill();
      const fresh = await replica(uri);
      replicas = dead === 0 ? [fresh, replicas[alive] as Running] : [replicas[alive] as Running, fresh];
    }
    stop = true;
    await Promise.all(writers);
    expect(answered.size).toBeGreaterThan(40);
    const store = await openTracking(uri, { artifacts: '/nowhere' });
    onTestFinished(() => store.close());
    const run = await store.getRun(run_id);
    const kept = new Set(run.params.map(({ key }) => key));
    const tags = new Set(run.tags.map(({ key }) => key));
    // A batch is there whole or not at all.
    for (const key of kept) expect(tags.has(key), key).toBe(true);
    for (let w = 0; w < 4; w++) {
      for (const { step } of (await store.metricHistory(run_id, `m${w}`)).items) kept.add(`w${w}-${step}`);
    }
    expect([...answered].filter((name) => !kept.has(name))).toEqual([]);
  });

  it('go on beside newer ones as long as the tables allow, and say so when not', { timeout: 120_000 }, async () => {
    const uri = await server.database();
    const old = await replica(uri);
    const database = databaseOf(uri);
    // What a newer version would do: a step that only adds, then one that older programs cannot work with.
    await server.query(
      `ALTER TABLE mlops.runs ADD COLUMN later text; INSERT INTO mlops.migrations SELECT max(version) + 1, 'later', 1, 0 FROM mlops.migrations`,
      database,
    );
    const made = await post(old, 'runs/create', { experiment_id: '0' });
    expect(made.status).toBe(200);
    const { run_id } = (made.json as unknown as { run: { info: { run_id: string } } }).run.info;
    expect((await post(old, 'runs/set-tag', { run_id, key: 'k', value: 'v' })).status).toBe(200);
    const beside = await replica(uri);
    expect((await post(beside, 'runs/search', { experiment_ids: ['0'] })).status).toBe(200);
    await server.query(
      `INSERT INTO mlops.migrations SELECT max(version) + 1, 'breaking', max(version) + 1, 0 FROM mlops.migrations`,
      database,
    );
    await expect(openTracking(uri, { artifacts: '/nowhere' })).rejects.toMatchObject({ code: 'store_version' });
    // Those that run find out within a second, and are well again when the step is taken back.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const refused = await post(old, 'runs/set-tag', { run_id, key: 'k', value: 'w' });
    expect(refused).toMatchObject({ status: 503, json: { error_code: 'TEMPORARILY_UNAVAILABLE' } });
    expect(JSON.stringify(refused.json)).toContain('needs a program that knows');
    expect((await fetch(new URL('/health', old.url))).status).toBe(503);
    await server.query(`DELETE FROM mlops.migrations WHERE name = 'breaking'`, database);
    await expect.poll(async () => (await fetch(new URL('/health', old.url))).status, { timeout: 10_000 }).toBe(200);
    expect((await post(old, 'runs/set-tag', { run_id, key: 'k', value: 'w' })).status).toBe(200);
  });
});
