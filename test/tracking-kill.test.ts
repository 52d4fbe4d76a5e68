import * as path from 'node:path';
import { expect, it } from 'vitest';

import { openSqlite } from '../src/tracking/index.ts';
import { mlops, startMlops, temporaryFolder, urlOf } from './cli.ts';

async function post(url: string, call: string, body: unknown): Promise<Response> {
  return fetch(`${url}/api/2.0/mlflow/${call}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

it('keeps every answered batch of a server that is killed, whole, and nothing of half a batch', async () => {
  const folder = temporaryFolder();
  const db = path.join(folder, 'mlops.db');
  for (const delay of [30, 60, 120]) {
    const server = startMlops(folder, ['server', '-p', '0', '--backend-store-uri', `sqlite:///${db}`]);
    const url = await urlOf(server);
    const made = (await (await post(url, 'runs/create', { experiment_id: '0' })).json()) as {
      run: { info: { run_id: string } };
    };
    const { run_id } = made.run.info;
    const answered: number[] = [];
    const sender = (async () => {
      for (let batch = 0; batch < 10_000; batch++) {
        const metrics = Array.from({ length: 500 }, (_, i) => ({ key: `b${batch}`, value: i, step: i, timestamp: 1 }));
        if ((await post(url, 'runs/log-batch', { run_id, metrics })).ok) answered.push(batch);
      }
    })().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, delay));
    server.child.kill('SIGKILL');
    await Promise.all([sender, server.ended]);
    const store = openSqlite(db);
    for (const batch of answered) expect((await store.metricHistory(run_id, `b${batch}`)).items).toHaveLength(500);
    const next = (await store.metricHistory(run_id, `b${answered.length}`)).items.length;
    expect([0, 500]).toContain(next);
    await store.close();
  }
  expect(mlops(folder, ['runs', 'list'], { env: { MLFLOW_TRACKING_URI: `sqlite:///${db}` } }).status).toBe(0);
});
