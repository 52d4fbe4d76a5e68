import { afterEach, describe, expect, it } from 'vitest';

import { buildOnnx, identityModel, linearModel, zipMapModel } from '../../../test/support/onnx.ts';
import { numbersOf } from '../../../test/support/serving.ts';
import { inferenceWorker } from '../../../test/support/worker.ts';
import { MemorySource, serve, type RunningServer, type ServeOptions } from '../index.ts';

const open: RunningServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close(1_000);
});

async function start(source: MemorySource, options: Partial<ServeOptions> = {}): Promise<RunningServer> {
  const models = (await source.list()).map(({ name }) => ({ name, source }));
  const workerFile = await inferenceWorker();
  const server = await serve({ models, host: '127.0.0.1', port: 0, workerFile, threads: 1, ...options });
  open.push(server);
  return server;
}

async function post(server: RunningServer, path: string, body: unknown) {
  const answer = await fetch(server.listening.url + path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  const text = await answer.text();
  return { status: answer.status, text, body: JSON.parse(text) as never };
}

describe('/predict', () => {
  it('answers outputs, model, version and a prediction id, for one row and for many', async () => {
    const server = await start(
      new MemorySource().add(
        'line',
        '3',
        linearModel(2, 2, (i, o) => (i === o ? 1 : 0)),
      ),
    );
    const many = await post(server, '/predict', {
      inputs: {
        x: [
          [1, 2],
          [3, 4.5],
        ],
      },
    });
    expect(many).toMatchObject({
      status: 200,
      body: {
        outputs: {
          y: [
            [1, 2.1],
            [3, 4.6],
          ],
        },
        model: 'line',
        model_version: '3',
        prediction_id: expect.any(String),
      },
    });
    for (const body of [{ x: [1, 2] }, { inputs: [[1, 2]] }, { instances: [{ x: [1, 2] }] }, { instances: [[1, 2]] }]) {
      expect((await post(server, '/predict', body)).body).toMatchObject({ outputs: { y: [[1, 2.1]] } });
    }
  });

  it('names rows by the classes of a classifier', async () => {
    const server = await start(new MemorySource().add('animal', '1', zipMapModel(2, ['cat', 'dog'])));
    const { body } = await post(server, '/predict', {
      X: [
        [1, 0],
        [0, 5],
      ],
    });
    const { labels, outputs } = body as { labels: string[]; outputs: Record<string, unknown> };
    expect(labels).toHaveLength(2);
    expect(labels).toEqual(outputs['output_label']);
    expect(outputs['output_probability']).toEqual([[expect.any(Number), expect.any(Number)], expect.any(Array)]);
  });

  it('keeps 64-bit integers and accepts NaN, answering null', async () => {
    const source = new MemorySource()
      .add('int', '1', identityModel('int64'))
      .add('float', '1', identityModel('float32'));
    const server = await start(source);
    const big = await post(server, '/predict', '{"model":"int","x":[9223372036854775807,-9007199254740993]}');
    expect(big.text).toContain('"y":[9223372036854775807,-9007199254740993]');
    const nan = await post(server, '/predict', '{"model":"float","x":[NaN,null,"-Infinity",1e400,0.1,-0.0]}');
    expect(nan.text).toContain('"y":[null,null,null,null,0.1,-0.0]');
  });

  it('says which value is wrong, what was expected and what came', async () => {
    const server = await start(new MemorySource().add('line', '1', linearModel(2, 2)));
    const wrong = async (body: unknown) => (await post(server, '/predict', body)).body;
    expect(
      await wrong({
        inputs: {
          x: [
            [1, 2],
            [3, 'a'],
          ],
        },
      }),
    ).toMatchObject({
      error: { code: 'invalid_input', path: 'inputs.x[1][1]', expected: 'a number (float32)', got: '"a"' },
    });
    expect(await wrong({ x: [[1, 2, 3]] })).toMatchObject({ error: { expected: 'shape [N, 2]', got: 'shape [1, 3]' } });
    expect(await wrong({ x: [[1, 2], [3]] })).toMatchObject({
      error: { path: 'x[1]', expected: 'a list of 2 values' },
    });
    expect(await wrong({ z: 1 })).toMatchObject({ error: { path: 'x' } });
    expect(await wrong({ x: [[1, 2]], z: 1 })).toMatchObject({ error: { path: 'z' } });
    expect(await wrong('{"x": [1,')).toMatchObject({ error: { code: 'bad_json' } });
    expect(await wrong({ x: [[1, 2]], model: 'other' })).toMatchObject({ error: { code: 'model_not_found' } });
    expect(await wrong({ x: [[1, 2]], model_version: '9' })).toMatchObject({ error: { code: 'model_not_found' } });
  });

  it('gives each of a thousand concurrent requests its own answer', async () => {
    const server = await start(
      new MemorySource().add(
        'line',
        '1',
        linearModel(3, 1, () => 1),
      ),
      { scheduler: { maxQueue: 2_000 } },
    );
    expect(server.repository.model('line').current?.alone).toBeUndefined();
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, async (_, i) => {
        const rows = Array.from({ length: 1 + (i % 3) }, (_, row) => [i, row, 0.5]);
        const { body } = await post(server, '/predict', { x: rows });
        return (body as { outputs: { y: number[][] } }).outputs.y.map(([value]) => value);
      }),
    );
    for (const [i, answer] of answers.entries()) {
      expect(answer).toEqual(Array.from({ length: 1 + (i % 3) }, (_, row) => expect.closeTo(i + row + 0.5, 3)));
    }
    const { stats } = await numbersOf(server, 'line');
    expect(stats.inferences).toBe(1_999);
    expect(stats.executions).toBeLessThan(900);
  });

  it('does not batch a model that mixes rows', async () => {
    const mixing = buildOnnx({
      inputs: [{ name: 'x', type: 'float32', shape: ['N', 2] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['N', 2] }],
      nodes: [{ op: 'Softmax', inputs: ['x'], outputs: ['y'], attributes: [{ name: 'axis', int: 0 }] }],
    });
    const server = await start(new MemorySource().add('soft', '1', mixing));
    expect(server.repository.model('soft').current?.alone).toBeDefined();
  });
});

describe('the server', () => {
  it('reports health, models and readiness, and swaps versions', async () => {
    const source = new MemorySource()
      .add(
        'line',
        '1',
        linearModel(
          1,
          1,
          () => 1,
          () => 0,
        ),
      )
      .add(
        'line',
        '2',
        linearModel(
          1,
          1,
          () => 2,
          () => 0,
        ),
      );
    source.point('line', 'default', '1');
    const server = await start(source);
    const get = async (path: string) => (await fetch(server.listening.url + path)).json() as Promise<never>;
    expect(await get('/health')).toMatchObject({ status: 'healthy', models: [{ name: 'line', version: '1' }] });
    expect(await get('/models/info')).toMatchObject({
      models: [
        { name: 'line', versions: [{ version: '1', inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 1] }] }] },
      ],
    });
    expect((await post(server, '/predict', { x: [[5]], model_version: '2' })).body).toMatchObject({
      outputs: { y: [[10]] },
    });
    expect((await post(server, '/predict', { x: [[5]] })).body).toMatchObject({
      outputs: { y: [[5]] },
      model_version: '1',
    });
    expect(await post(server, '/models/load/2', '')).toMatchObject({ status: 200, body: { model_version: '2' } });
    expect((await post(server, '/predict', { x: [[5]] })).body).toMatchObject({
      outputs: { y: [[10]] },
      model_version: '2',
    });
    expect((await post(server, '/models/load/7', '')).status).toBe(404);
    expect((await post(server, '/predict', { x: [[5]] })).body).toMatchObject({ model_version: '2' });
  });

  it('serves the others when one model is garbage', async () => {
    const server = await start(
      new MemorySource().add('bad', '1', Buffer.from('garbage')).add('ok', '1', linearModel(1, 1)),
    );
    expect(server.failures).toMatchObject([{ name: 'bad', error: { code: 'model_broken' } }]);
    expect((await post(server, '/predict', { model: 'ok', x: [[1]] })).status).toBe(200);
    expect(await post(server, '/predict', { model: 'bad', x: [[1]] })).toMatchObject({
      status: 400,
      body: { error: { code: 'model_broken' } },
    });
    expect((await fetch(`${server.listening.url}/readyz`)).status).toBe(503);
  });

  it('starts a thread again that died, with its models', async () => {
    const server = await start(new MemorySource().add('line', '1', linearModel(1, 1)));
    await server.pool.threads[0]?.crash();
    expect((await post(server, '/predict', { x: [[1]] })).status).toBe(200);
    expect(server.pool.restarts).toBe(1);
  });
});
