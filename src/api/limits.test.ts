// What is too much, too far or in the way is the client's mistake, and never keeps a page from being shown.
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createShell, type Shell } from '../http/index.ts';
import { openTracking, type TrackingStore } from '../tracking/index.ts';
import { registerMlflowApi, registerWebUi } from './index.ts';

let folder: string;
let store: TrackingStore;
let shell: Shell;

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-limits-'));
  store = await openTracking('memory:', { artifacts: folder });
  shell = await createShell();
  registerMlflowApi(shell, { store });
  registerWebUi(shell, { store });
});

afterEach(async () => {
  await shell.close();
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function send(method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, body?: unknown) {
  const headers = { 'content-type': 'application/json' };
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await shell.inject({ method, url, ...(body === undefined ? {} : { headers, payload }) });
  return { status: answer.statusCode, text: answer.body };
}

const locations = [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } }];
const searches: readonly (readonly [url: string, clause: string, term: unknown])[] = [
  ['2.0/mlflow/runs/search', `metrics.a > 1`, 'metrics.KEY'],
  ['2.0/mlflow/runs/search', `dataset.name = 'd'`, 'tags.KEY'],
  ['2.0/mlflow/experiments/search', `tags.a LIKE '%'`, 'name'],
  ['2.0/mlflow/logged-models/search', `params.p = 'x'`, { field_name: 'metrics.KEY' }],
  ['3.0/mlflow/traces/search', `span.name = 'x'`, 'timestamp_ms'],
];

describe('a search', () => {
  it.each(searches)('%s answers 200 clauses and 50 terms, and refuses more', async (route, clause, term) => {
    const ask = async (clauses: number, terms: number): Promise<number> => {
      const order = Array.from({ length: terms }, (_, i) => JSON.parse(JSON.stringify(term).replace('KEY', `k${i}`)));
      const filter = Array(clauses).fill(clause).join(' AND ');
      return (
        await send('POST', `/api/${route}`, {
          experiment_ids: ['0'],
          locations,
          filter,
          order_by: order,
          max_results: 5,
        })
      ).status;
    };
    expect(await ask(200, route.includes('traces') ? 1 : 50)).toBe(200);
    for (const clauses of [201, 5_000]) expect(await ask(clauses, 0)).toBe(400);
    for (const terms of [51, 3_000]) expect(await ask(1, terms)).toBe(400);
  });

  it('refuses patterns and filters that are too long for SQLite', async () => {
    for (const filter of [`tags.a LIKE '${'%'.repeat(100_000)}'`, `tags.a = '${'x'.repeat(1_000_000)}'`]) {
      expect((await send('POST', '/api/2.0/mlflow/runs/search', { experiment_ids: ['0'], filter })).status).toBe(400);
      const shown = await send('POST', '/ajax-api/2.0/mlflow/mlops-ui/runs', { experiment_ids: ['0'], filter });
      expect([shown.status, shown.text.slice(0, 300)]).toEqual([200, expect.stringContaining('"problem":{"message"')]);
    }
  });

  it('refuses page tokens that were made by hand, also with the right digest', async () => {
    const digest = (query: unknown) => createHash('sha1').update(JSON.stringify(query)).digest('base64url').slice(0, 8);
    const query = ['runs', ['0'], undefined, undefined, 'ACTIVE_ONLY'];
    for (const position of [{}, [{}], [1, 2, 3], ['a', []], 'x', 1e300, -1, null]) {
      const token = Buffer.from(JSON.stringify([digest(query), position])).toString('base64url');
      const body = { experiment_ids: ['0'], page_token: token };
      expect((await send('POST', '/api/2.0/mlflow/runs/search', body)).status, JSON.stringify(position)).toBe(400);
    }
    for (const token of ['x'.repeat(1_000_000), '%00', '=', 'bnVsbA']) {
      const { status } = await send('POST', '/api/2.0/mlflow/experiments/search', { page_token: token });
      expect(status).toBe(400);
    }
  });
});

describe('artifacts', () => {
  const artifacts = '/api/2.0/mlflow-artifacts/artifacts';
  it('below a file, or with names that no file can have, are not there and cannot be made', async () => {
    expect((await send('PUT', `${artifacts}/d/f`, 'x')).status).toBe(200);
    const long = `d/${'n'.repeat(300)}`;
    for (const name of ['d/f/g', 'd/f/g/h', 'd', long]) {
      const answer = await send('PUT', `${artifacts}/${name}`, 'x');
      expect([answer.status, answer.text], name).toEqual([400, expect.stringContaining(name)]);
    }
    for (const name of ['d/f/g', long]) {
      expect((await send('GET', `${artifacts}/${name}`)).status).toBe(404);
      expect((await send('GET', `${artifacts}?path=${name}`)).text).toBe('{}');
      expect((await send('DELETE', `${artifacts}/${name}`)).status).toBe(200);
    }
    for (const name of ['a/'.repeat(50_000), 'a'.repeat(100_000)]) {
      expect((await send('PUT', `${artifacts}/${name}b`, 'x')).status).toBe(400);
    }
    expect((await send('GET', `${artifacts}/d/f`)).text).toBe('x');
  });
});

describe('a far time', () => {
  it.each([9e15, -9e15, 2 ** 62, 253402300800000])('%d is kept and shown', async (time) => {
    const made = await send('POST', '/api/2.0/mlflow/runs/create', { experiment_id: '0', start_time: time });
    const { run } = JSON.parse(made.text) as { run: { info: { run_id: string } } };
    await send('POST', '/api/2.0/mlflow/runs/update', { run_id: run.info.run_id, end_time: time });
    const shown = await send('POST', '/ajax-api/2.0/mlflow/mlops-ui/runs', { experiment_ids: ['0'] });
    expect([shown.status, shown.text]).toEqual([200, expect.stringContaining(run.info.run_id)]);
    expect((await send('GET', '/ajax-api/2.0/mlflow/mlops-ui/experiments')).status).toBe(200);
    const trace = { experiment_id: '0', timestamp_ms: time, request_metadata: [], tags: [] };
    expect((await send('POST', '/api/2.0/mlflow/traces', trace)).status).toBe(200);
    expect((await send('POST', '/api/3.0/mlflow/traces/search', { locations })).status).toBe(200);
  });
});
