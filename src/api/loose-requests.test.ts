// What curl, R or JavaScript users send, and MLflow's server takes. Answers by MLflow 3.17.2.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { createShell, type Shell } from '../http/index.ts';
import { openTracking, type TrackingStore } from '../tracking/index.ts';
import { tidyTarget, registerMlflowApi } from './index.ts';

const api = '/api/2.0/mlflow';
let folder: string;
let store: TrackingStore;
let shell: Shell;
let run: string;

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-loose-'));
  store = await openTracking('memory:', { artifacts: folder });
  shell = await createShell({ rewrite: tidyTarget });
  registerMlflowApi(shell, { store });
  run = (await store.createRun({ experimentId: '0', name: 'r' })).info.id;
});

afterEach(async () => {
  await shell.close();
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function send(method: 'GET' | 'POST', url: string, body?: unknown): Promise<{ status: number; body: string }> {
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = { 'content-type': 'application/json' };
  const answer = await shell.inject({ method, url, ...(body === undefined ? {} : { headers, payload }) });
  return { status: answer.statusCode, body: answer.body };
}
const post = (verb: string, body: unknown) => send('POST', `${api}/${verb}`, body);

it('numbers come as texts, and whole numbers with a fraction', async () => {
  const time = 1_700_000_000_000.25;
  for (const [verb, body] of [
    ['runs/search', { experiment_ids: [0] }],
    ['runs/search', { experiment_ids: ['0'], max_results: '2', run_view_type: 'all' }],
    ['runs/search', { experiment_ids: ['0'], run_view_type: '3' }],
    ['runs/log-metric', { run_id: run, key: 'a', value: 1, timestamp: time }],
    ['runs/log-metric', { run_id: run, key: 'b', value: '1e3', timestamp: '5', step: '1.0' }],
    ['runs/log-metric', { run_id: run, key: 'c', value: true, timestamp: 5, step: 1.5 }],
    ['runs/log-batch', { run_id: run, metrics: [{ key: 'd', value: '2', timestamp: time, step: '3' }] }],
    ['runs/log-batch', { run_id: run, params: [{ key: 'p', value: 5 }], tags: [{ key: 't', value: true }] }],
    ['runs/create', { experiment_id: '0', start_time: time }],
    ['runs/update', { run_id: run, status: 'finished', end_time: time }],
    ['runs/update', { run_id: run, status: 3, end_time: '7' }],
    ['logged-models', { experiment_id: '0', params: [{ key: 'a', value: 0.5 }] }],
  ] as const) {
    expect([verb, body, (await post(verb, body)).status]).toEqual([verb, body, 200]);
  }
  const { metrics, params, tags, info } = await store.getRun(run);
  expect(metrics.map(({ key, value, timestamp, step }) => [key, value, timestamp, step])).toEqual([
    ['a', 1, 1_700_000_000_000, 0],
    ['b', 1000, 5, 1],
    ['c', 1, 5, 1],
    ['d', 2, 1_700_000_000_000, 3],
  ]);
  expect([params[0]?.value, tags.find(({ key }) => key === 't')?.value, info.endTime]).toEqual(['5', 'true', 7]);
});

it('texts alone must be texts, and the refusal names what was sent as Python does', async () => {
  const wrong = (value: string, name: string, type: string): string =>
    `Invalid value ${value} for parameter '${name}' supplied:  Hint: Value was of type '${type}'. See the API docs for more information about request parameters.`;
  for (const [verb, body, message] of [
    ['experiments/create', '{"name":"x","artifact_location": 9.0}', wrong('9.0', 'artifact_location', 'float')],
    ['experiments/create', '{"name":"x","artifact_location":9}', wrong('9', 'artifact_location', 'int')],
    ['experiments/create', '{"name":5.5}', wrong('5.5', 'name', 'float')],
    ['experiments/create', '{"name":true}', wrong('true', 'name', 'bool')],
    ['runs/search', { experiment_ids: 0 }, wrong('0', 'experiment_ids', 'int')],
    ['logged-models/search', { experiment_ids: [0] }, wrong('[0]', 'experiment_ids', 'list')],
    ['runs/log-metric', { run_id: run, key: 'm', value: 1, timestamp: '1.5' }, wrong('"1.5"', 'timestamp', 'str')],
    ['runs/log-parameter', { run_id: run, key: 'p', value: 5 }, wrong('5', 'value', 'int')],
  ] as const) {
    const answer = await post(verb, body);
    expect([answer.status, JSON.parse(answer.body).message]).toEqual([400, message]);
  }
});

it('a GET may have its fields in a body, where it has no query', async () => {
  expect((await send('GET', `${api}/runs/get`, { run_id: run })).body).toContain(run);
  expect((await send('GET', `${api}/runs/get?run_id=${run}`, { run_id: 'other' })).body).toContain(run);
  expect((await send('GET', `${api}/runs/get`, {})).status).toBe(400);
  const sampled = { run_ids: [run], metric_key: 'm' };
  expect((await send('GET', `${api}/metrics/get-history-bulk-interval`, sampled)).status).toBe(200);
});

it('slashes that are too many do no harm', async () => {
  for (const url of ['//api/2.0', '///api/2.0', '/api//2.0', '/ajax-api/2.0/']) {
    expect((await send('GET', `${url}/mlflow/experiments/get?experiment_id=0`)).status).toBe(200);
  }
  expect((await send('GET', '//health')).body).toBe('OK');
  expect(tidyTarget('//api/2.0/mlflow-artifacts/artifacts/a//b?path=x//y')).toBe(
    '/api/2.0/mlflow-artifacts/artifacts/a//b?path=x//y',
  );
});

it('the edges of int64 come back as they were sent', async () => {
  const [most, least] = ['9223372036854775807', '-9223372036854775808'];
  const metric = `"run_id":"${run}","value":1`;
  await post('runs/log-metric', `{${metric},"key":"m","timestamp":${most},"step":${most}}`);
  await post('runs/log-metric', `{${metric},"key":"n","timestamp":1,"step":${least}}`);
  await post('runs/log-metric', `{${metric},"key":"o","timestamp":9223372036854775808,"step":0}`);
  await post('runs/update', `{"run_id":"${run}","end_time":${most}}`);
  const created = await post('runs/create', `{"experiment_id":"0","start_time":${most},"run_name":"#int64:5"}`);
  expect(created.body).toContain(`"start_time":${most},`);
  expect(created.body).toContain('"run_name":"#int64:5"');
  const search = await post('runs/search', { experiment_ids: ['0'] });
  expect(search.body).toContain(`"timestamp":${most},"step":${most}`);
  expect(search.body).toContain(`"timestamp":1,"step":${least}`);
  expect(search.body).toContain(`"end_time":${most}`);
  const history = await send('GET', `${api}/metrics/get-history?run_id=${run}&metric_key=m`);
  expect(history.body).toContain(`"timestamp":${most},"step":${most}`);
  const sampled = await send('GET', `${api}/metrics/get-history-bulk-interval?run_ids=${run}&metric_key=n`);
  expect(sampled.body).toContain(`"step":${least}`);
});

it('what is no list of arguments is no call of studies', async () => {
  for (const args of ['{"name":"s"}', '5', 'null', '"s"', '[5]', '[']) {
    const answer = await post('mlops-studies/read', { method: 'getStudy', args });
    expect([args, answer.status, answer.body]).toEqual([args, 400, expect.stringContaining('must be a JSON list')]);
  }
  expect((await post('mlops-studies/read', { method: 'listStudies', args: '[]' })).status).toBe(200);
});
