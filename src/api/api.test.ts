import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createShell, type Shell } from '../http/index.ts';
import { openTracking, type TrackingStore } from '../tracking/index.ts';
import { hostGuard, registerMlflowApi } from './index.ts';

let folder: string;
let store: TrackingStore;
let shell: Shell;

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-api-'));
  store = await openTracking('memory:', { artifacts: path.join(folder, 'artifacts') });
  shell = await createShell({ screen: hostGuard() });
  registerMlflowApi(shell, { store });
  await shell.ready();
});

afterEach(async () => {
  await shell.close();
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

type Answer = { status: number; body: Record<string, never> & { error_code?: string; message?: string } };

async function call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: unknown): Promise<Answer> {
  const response = await shell.inject({
    method,
    url: `/api/2.0/mlflow/${url}`,
    headers: { host: 'localhost', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.statusCode, body: response.body.startsWith('{') ? JSON.parse(response.body) : {} };
}

const post = (url: string, body: unknown): Promise<Answer> => call('POST', url, body);

async function newRun(): Promise<string> {
  const { body } = await post('runs/create', { experiment_id: '0', start_time: 5 });
  return (body as unknown as { run: { info: { run_id: string } } }).run.info.run_id;
}

describe('experiments', () => {
  it('are created, read in both roots, renamed, deleted and restored', async () => {
    expect(await post('experiments/create', { name: 'a', tags: [{ key: 'k', value: 'v' }] })).toEqual({
      status: 200,
      body: { experiment_id: '1' },
    });
    const got = await call('GET', 'experiments/get?experiment_id=1');
    expect(got.body).toMatchObject({
      experiment: {
        experiment_id: '1',
        name: 'a',
        artifact_location: 'mlflow-artifacts:/1',
        lifecycle_stage: 'active',
        tags: [{ key: 'k', value: 'v' }],
      },
    });
    const ajax = await shell.inject({
      url: '/ajax-api/2.0/mlflow/experiments/get-by-name?experiment_name=a',
      headers: { host: 'localhost' },
    });
    expect(ajax.json()).toEqual(got.body);
    expect((await post('experiments/update', { experiment_id: '1', new_name: 'b' })).body).toEqual({});
    expect((await post('experiments/delete', { experiment_id: '1' })).body).toEqual({});
    expect((await post('experiments/search', { max_results: 10 })).body).toMatchObject({
      experiments: [{ experiment_id: '0' }],
    });
    expect((await post('experiments/restore', { experiment_id: '1' })).status).toBe(200);
    expect((await call('GET', 'experiments/search?max_results=1&order_by=name')).body).toMatchObject({
      experiments: [{ name: 'Default' }],
      next_page_token: expect.any(String),
    });
  });

  it('answer mistakes in the words of MLflow', async () => {
    const missing =
      "Missing value for required parameter 'name'. See the API docs for more information about request parameters.";
    const wrong =
      "Invalid value 123 for parameter 'name' supplied:  Hint: Value was of type 'int'. See the API docs for more information about request parameters.";
    for (const [body, message] of [
      [{}, missing],
      [{ name: '' }, missing],
      ['{bad', missing],
      [{ name: 123 }, wrong],
    ] as const) {
      const finer = { sqlstate: 'KAM00', error_class: 'INVALID_PARAMETER_VALUE' };
      expect(await post('experiments/create', body)).toEqual({
        status: 400,
        body: { error_code: 'INVALID_PARAMETER_VALUE', message, ...finer },
      });
    }
    expect(await post('experiments/create', '[1]')).toMatchObject({ status: 400, body: { error_code: 'BAD_REQUEST' } });
    expect(await call('GET', 'experiments/get?experiment_id=99')).toMatchObject({
      status: 404,
      body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'No Experiment with id=99 exists' },
    });
    expect((await call('GET', 'experiments/get-by-name?experiment_name=zz')).body.message).toBe(
      "Could not find experiment with name 'zz'",
    );
    expect((await post('experiments/create', { name: 'Default' })).body.error_code).toBe('RESOURCE_ALREADY_EXISTS');
    expect((await post('experiments/search', {})).status).toBe(400);
  });
});

describe('requests', () => {
  it('are read leniently: camelCase, numbers as text, encoded twice, bare NaN', async () => {
    const id = await newRun();
    const metric = { runId: id, key: 'm', value: '1.5', timestamp: '7', step: '2' };
    expect((await post('runs/log-metric', JSON.stringify(JSON.stringify(metric)))).status).toBe(200);
    expect((await post('runs/log-metric', `{"run_uuid":"${id}","key":"n","value":NaN,"timestamp":1}`)).status).toBe(
      200,
    );
    const { body } = await call('GET', `runs/get?run_uuid=${id}`);
    expect(body).toMatchObject({
      run: {
        data: {
          metrics: [
            { key: 'm', value: 1.5, timestamp: 7, step: 2 },
            { key: 'n', value: 'NaN' },
          ],
        },
      },
    });
    expect((await post('runs/log-metric', { ...metric, run_id: id })).status).toBe(400);
  });

  it('must be JSON when they change something', async () => {
    for (const type of [undefined, 'text/plain', 'application/x-www-form-urlencoded']) {
      const answer = await shell.inject({
        method: 'POST',
        url: '/api/2.0/mlflow/experiments/create',
        headers: { host: 'localhost', ...(type === undefined ? {} : { 'content-type': type }) },
        payload: Buffer.from('{"name":"x"}'),
      });
      expect([answer.statusCode, answer.json().message]).toEqual([
        400,
        `Bad Request. Content-Type must be one of ['application/json'].`,
      ]);
    }
    const charset = await shell.inject({
      method: 'POST',
      url: '/api/2.0/mlflow/experiments/create',
      headers: { host: 'localhost', 'content-type': 'application/json; charset=utf-8' },
      payload: '{"name":"x"}',
    });
    expect(charset.statusCode).toBe(200);
  });

  it('to unknown paths are 404, with another method 405', async () => {
    expect((await call('GET', 'experiments/nothing')).status).toBe(404);
    expect((await call('GET', 'experiments/create')).status).toBe(405);
    expect(
      (await shell.inject({ url: '/api/2.0/preview/mlflow/runs/get', headers: { host: 'localhost' } })).statusCode,
    ).toBe(404);
  });
});

describe('runs', () => {
  it('take metrics, params and tags one by one and in batches', async () => {
    const id = await newRun();
    await post('runs/log-parameter', { run_id: id, key: 'p', value: '1' });
    expect((await post('runs/log-parameter', { run_id: id, key: 'p', value: '2' })).body.message).toBe(
      `Changing param values is not allowed. Param with key='p' was already logged with value='1' for run ID='${id}'. Attempted logging new value '2'.`,
    );
    const batch = {
      run_id: id,
      metrics: [
        { key: 'a', value: 1, timestamp: 1, step: 0 },
        { key: 'a', value: 'Infinity', timestamp: 2, step: 1, run_id: id },
      ],
      params: [{ key: 'q' }],
      tags: [{ key: 't', value: 'x' }],
    };
    expect(await post('runs/log-batch', batch)).toEqual({ status: 200, body: {} });
    const { body } = await call('GET', `metrics/get-history?run_id=${id}&metric_key=a&max_results=1`);
    expect(body).toMatchObject({ metrics: [{ value: 1, step: 0 }], next_page_token: expect.any(String) });
    const search = await post('runs/search', { experiment_ids: ['0'], filter: "metrics.a > 1 and tags.t = 'x'" });
    expect(search.body).toMatchObject({
      runs: [
        {
          info: { run_id: id, run_uuid: id, status: 'RUNNING', start_time: 5, lifecycle_stage: 'active' },
          data: {
            params: [
              { key: 'p', value: '1' },
              { key: 'q', value: '' },
            ],
          },
        },
      ],
    });
    expect((await post('runs/log-batch', { run_id: id, metrics: [{ key: 'a', timestamp: 1 }] })).body.message).toBe(
      "Missing value for required parameter 'metrics[0].value'. See the API docs for more information about request parameters.",
    );
    expect((await post('runs/update', { run_id: id, status: 'FINISHED', end_time: 9 })).body).toMatchObject({
      run_info: { status: 'FINISHED', end_time: 9 },
    });
  });

  it('keep the model history of 2.x clients', async () => {
    const id = await newRun();
    const model = { artifact_path: 'm', flavors: {}, utc_time_created: 'now', run_id: id };
    await post('runs/log-model', { run_id: id, model_json: JSON.stringify(model) });
    await post('runs/log-model', { run_id: id, model_json: JSON.stringify({ ...model, artifact_path: 'n' }) });
    const run = await store.getRun(id);
    const history = run.tags.find((tag) => tag.key === 'mlflow.log-model.history')?.value ?? '';
    expect(JSON.parse(history)).toMatchObject([{ artifact_path: 'm' }, { artifact_path: 'n' }]);
    expect((await post('runs/log-model', { run_id: id, model_json: '[]' })).status).toBe(400);
  });

  it('give histories in bulk and sampled', async () => {
    const id = await newRun();
    const other = await newRun();
    const metrics = Array.from({ length: 50 }, (_, i) => ({ key: 'a', value: i, timestamp: i, step: i }));
    await post('runs/log-batch', { run_id: id, metrics });
    await post('runs/log-metric', { run_id: other, key: 'a', value: 'NaN', timestamp: 1 });
    const get = (url: string) =>
      shell.inject({ url: `/ajax-api/2.0/mlflow/metrics/${url}`, headers: { host: 'localhost' } });
    const bulk = await get(`get-history-bulk?run_id=${id}&run_id=${other}&metric_key=a`);
    expect(bulk.body).toContain(`{"key":"a","value":NaN,"timestamp":1,"step":0,"run_id":"${other}"}`);
    const sampled = (
      await get(`get-history-bulk-interval?run_ids=${id}&run_ids=${other}&metric_key=a&max_results=10`)
    ).json().metrics as { step: number; run_id: string }[];
    const steps = sampled.filter((point) => point.run_id === id).map((point) => point.step);
    expect([steps[0], steps.at(-1), steps.length <= 10]).toEqual([0, 49, true]);
    const range = await get(`get-history-bulk-interval?run_ids=${id}&metric_key=a&start_step=3&end_step=4`);
    expect(range.json().metrics).toHaveLength(2);
    expect((await get(`get-history-bulk-interval?run_ids=${id}&metric_key=a&start_step=3`)).statusCode).toBe(400);
  });
});

describe('the registry', () => {
  it('leads a logged model to a version with stage, alias and tags', async () => {
    const run = await newRun();
    const made = await post('logged-models', { experiment_id: '0', name: 'net', source_run_id: run, model_type: 'x' });
    const { info } = (made.body as unknown as { model: { info: Record<string, string> } }).model;
    const id = info['model_id'] ?? '';
    expect(info).toMatchObject({
      status: 'LOGGED_MODEL_PENDING',
      artifact_uri: `mlflow-artifacts:/0/models/${id}/artifacts`,
    });
    expect(
      (await call('PATCH', `logged-models/${id}`, { model_id: id, status: 'LOGGED_MODEL_READY' })).body,
    ).toMatchObject({
      model: { info: { status: 'LOGGED_MODEL_READY' } },
    });
    await post('runs/outputs', { run_id: run, models: [{ model_id: id, step: 3 }] });
    expect((await call('GET', `runs/get?run_id=${run}`)).body).toMatchObject({
      run: { outputs: { model_outputs: [{ model_id: id, step: 3 }] } },
    });
    await call('PATCH', `logged-models/${id}/tags`, { tags: [{ key: 'k', value: 'v' }] });
    const search = {
      experiment_ids: ['0'],
      filter: "name = 'net'",
      order_by: [{ field_name: 'name', ascending: true }],
    };
    expect((await post('logged-models/search', search)).body).toMatchObject({ models: [{ info: { model_id: id } }] });

    await post('registered-models/create', { name: 'n' });
    const version = await post('model-versions/create', { name: 'n', source: `models:/${id}`, model_id: id });
    expect(version.body).toMatchObject({
      model_version: { name: 'n', version: '1', current_stage: 'None', status: 'READY', model_id: id, description: '' },
    });
    expect((await call('GET', 'model-versions/get-download-uri?name=n&version=1')).body).toEqual({
      artifact_uri: `mlflow-artifacts:/0/models/${id}/artifacts`,
    });
    const staged = await post('model-versions/transition-stage', { name: 'n', version: '1', stage: 'production' });
    expect(staged.body).toMatchObject({ model_version: { current_stage: 'Production' } });
    await post('registered-models/alias', { name: 'n', alias: 'champion', version: '1' });
    expect((await call('GET', 'registered-models/alias?name=n&alias=champion')).body).toMatchObject({
      model_version: { version: '1', aliases: ['champion'] },
    });
    expect((await call('GET', 'registered-models/get?name=n')).body).toMatchObject({
      registered_model: { aliases: [{ alias: 'champion', version: '1' }], latest_versions: [{ version: '1' }] },
    });
    expect(
      (await post('registered-models/get-latest-versions', { name: 'n', stages: ['Production'] })).body,
    ).toMatchObject({
      model_versions: [{ version: '1' }],
    });
    expect((await call('DELETE', 'registered-models/alias', { name: 'n', alias: 'champion' })).body).toEqual({});
    expect((await call('DELETE', 'model-versions/delete', { name: 'n', version: '1' })).body).toEqual({});
    expect((await call('DELETE', 'registered-models/delete', { name: 'n' })).body).toEqual({});
    expect((await call('DELETE', `logged-models/${id}`)).body).toEqual({});
    expect((await call('GET', `logged-models/${id}`)).status).toBe(404);
  });
});
