// Several servers on one database: what one leaves behind when it is killed, another takes up.
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';

import { startMlops, temporaryFolder } from '../../cli.ts';
import { PostgresServer } from '../../support/postgres.ts';
import { post, start, type Running } from '../../support/tracking-server.ts';
import { describeWithTool } from '../../tools.ts';

const env = { MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: 'true', MLFLOW_WEBHOOK_ALLOWED_SCHEMES: 'http' };

interface Delivery {
  readonly id: string;
  readonly at: number;
  readonly body: string;
}

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
    const got: Delivery[] = [];
    let hangs = true;
    const receiver = http.createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        got.push({ id: String(request.headers['x-mlflow-delivery-id']), at: Date.now(), body });
        if (!hangs) response.end('ok');
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      receiver.closeAllConnections();
      receiver.close();
    });
    const { port } = receiver.address() as AddressInfo;
    const events = [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }];
    await post(b, 'webhooks', { name: 'hook', url: `http://127.0.0.1:${port}/`, events });
    expect((await post(a, 'registered-models/create', { name: 'm' })).status).toBe(200);
    await expect.poll(() => got.length, { timeout: 10_000 }).toBe(1);
    hangs = false;
    const killed = Date.now();
    await a.kill();
    await expect.poll(() => got.length, { timeout: 12_000 }).toBe(2);
    expect((got[1]?.at ?? Infinity) - killed).toBeLessThan(10_000);
    expect(got[1]).toMatchObject({ id: got[0]?.id, body: got[0]?.body });
    // And what both could send comes once.
    for (let i = 0; i < 10; i++) await post(b, 'registered-models/create', { name: `n${i}` });
    const c = await replica(uri);
    for (let i = 0; i < 10; i++) await post(i % 2 === 0 ? b : c, 'registered-models/create', { name: `o${i}` });
    await expect.poll(() => got.length, { timeout: 10_000 }).toBe(22);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(got.length).toBe(22);
    expect(new Set(got.map(({ id }) => id)).size).toBe(21);
  });
});
