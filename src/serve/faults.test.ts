import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as zlib from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';

import { buildOnnx, identityModel, linearModel } from '../../test/support/onnx.ts';
import { post, startServer } from '../../test/support/serving.ts';
import { createKey, keyOf, keyVerifier, memoryKeyStore } from '../auth/index.ts';
import { MemorySource, type RunningServer, type ServeOptions } from './index.ts';

const open: RunningServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close(1_000);
});

async function start(source: MemorySource, options: Partial<ServeOptions> = {}): Promise<RunningServer> {
  const server = await startServer(source, options);
  open.push(server);
  return server;
}

/** y = sum of x: its answer is easy to know. */
const sum = (factor = 1): Uint8Array =>
  linearModel(
    2,
    1,
    () => factor,
    () => 0,
  );
const fine = { inputs: { x: [[1, 2]] } };

async function expectAlive(server: RunningServer): Promise<void> {
  expect((await post(server, '/predict', fine)).json()).toMatchObject({ outputs: { y: [[3]] } });
}

/** Each path must answer with one of the statuses and a JSON error, and the server must go on. */
async function expectRefused(
  server: RunningServer,
  cases: readonly [unknown, Record<string, string>?][],
  statuses = [400],
) {
  for (const url of ['/predict', '/v2/models/m/infer', '/invocations']) {
    for (const [body, headers] of cases) {
      const answer = await post(server, url, body, headers);
      const label = `${url} ${String(body).slice(0, 60)}`;
      expect(statuses, label).toContain(answer.status);
      if (answer.headers.get('content-type')?.startsWith('application/json') === true) {
        expect(JSON.stringify(answer.json()), label).toMatch(/error/);
        expect(answer.text, label).not.toMatch(/\bat .*\.(ts|js):\d+/);
      }
    }
  }
  await expectAlive(server);
}

describe('1 bodies that are not JSON', () => {
  it('are refused with 400, whatever they are', async () => {
    const server = await start(new MemorySource().add('m', '1', sum()));
    const nested = '['.repeat(500_000);
    await expectRefused(server, [
      ['{"inputs": '],
      [''],
      ['nonsense'],
      [nested],
      [`${nested}${']'.repeat(500_000)}`],
      [`{"inputs":${nested}${']'.repeat(500_000)}}`],
      ['{"__proto__": {"x": 1}}'],
      ['{"constructor": {"prototype": {}}}'],
      [Buffer.from([0xff, 0xfe, 0, 1])],
      ['{"inputs": {"x": [[1, 2]]} trailing}'],
    ]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('may begin with a byte order mark and repeat a key', async () => {
    const server = await start(new MemorySource().add('m', '1', sum()));
    expect((await post(server, '/predict', `\ufeff${JSON.stringify(fine)}`)).status).toBe(200);
    expect((await post(server, '/predict', '{"x":[[9,9]],"x":[[1,2]]}')).json()).toMatchObject({
      outputs: { y: [[3]] },
    });
  });
});

describe('2 and 3 inputs that do not fit', () => {
  it('are refused with their path', async () => {
    const server = await start(new MemorySource().add('m', '1', sum()));
    for (const x of [
      [],
      [[]],
      [[1]],
      [[1, 2], [3]],
      [[1, [2]]],
      [[1, {}]],
      [[1, 'two']],
      [[true, 1]],
      'text',
      {},
      7,
      [[[1, 2]]],
    ]) {
      const answer = await post(server, '/predict', { inputs: { x } });
      expect([answer.status, answer.json()], JSON.stringify(x)).toEqual([
        400,
        expect.objectContaining({
          error: expect.objectContaining({ code: 'invalid_input', path: expect.stringContaining('x') }),
        }),
      ]);
    }
    await expectAlive(server);
  });

  it('keeps -0, lone surrogates and long texts, and an empty batch', async () => {
    const source = new MemorySource().add('s', '1', identityModel('string')).add('m', '1', sum());
    const server = await start(source);
    const long = 'é'.repeat(500_000);
    expect((await post(server, '/predict', { model: 's', inputs: { x: ['', long] } })).json()).toMatchObject({
      outputs: { y: ['', long] },
    });
    expect((await post(server, '/predict', '{"model":"s","x":["a\\ud800b"]}')).status).toBe(200);
    const empty = { inputs: [{ name: 'x', shape: [0, 2], datatype: 'FP32', data: [] }] };
    expect((await post(server, '/v2/models/m/infer', empty)).json()).toMatchObject({
      outputs: [{ shape: [0, 1], data: [] }],
    });
  });
});

describe('4 binary bodies that lie', () => {
  it('are refused with 400; a small archive that grows with 413', async () => {
    const server = await start(new MemorySource().add('m', '1', sum()), { bodyLimit: 1_000_000 });
    const head = (size: unknown) =>
      JSON.stringify({
        inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: size } }],
      });
    const send = (json: string, tail: Uint8Array, length: string) =>
      post(server, '/v2/models/m/infer', Buffer.concat([Buffer.from(json), tail]), {
        'inference-header-content-length': length,
      });
    const right = head(8);
    const eight = new Uint8Array(8);
    expect((await send(right, eight, String(right.length))).status).toBe(200);
    for (const [json, tail, length] of [
      [right, eight, '99999'],
      [right, eight, '10'],
      [right, eight, '-5'],
      [right, eight, 'ten'],
      [head(4), eight, String(head(4).length)],
      [head(9), eight, String(head(9).length)],
      [head('8'), eight, String(head('8').length)],
      [right, new Uint8Array(9), String(right.length)],
      [right, new Uint8Array(0), String(right.length)],
    ] as const) {
      expect((await send(json, tail, length)).status, `${length} ${json}`).toBe(400);
    }
    const bomb = zlib.gzipSync(Buffer.alloc(50_000_000));
    expect((await post(server, '/v2/models/m/infer', bomb, { 'content-encoding': 'gzip' })).status).toBe(413);
    await expectAlive(server);
  });

  it('refuses texts whose lengths run past the end', async () => {
    const server = await start(new MemorySource().add('s', '1', identityModel('string')));
    const json = '{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":8}}]}';
    const tail = Buffer.from([255, 255, 255, 255, 97, 98, 99, 100]);
    const headers = { 'inference-header-content-length': String(json.length) };
    expect((await post(server, '/v2/models/s/infer', Buffer.concat([Buffer.from(json), tail]), headers)).status).toBe(
      400,
    );
  });
});

describe('5 and 6 models and paths that do not exist', () => {
  it('are 404, and load errors leave the served version alone', async () => {
    const source = new MemorySource()
      .add('m', '1', sum())
      .add('m', '2', Buffer.from('corrupt'))
      .add('m', '3', identityModel('bfloat16'));
    source.point('m', 'default', '1');
    const server = await start(source);
    expect((await post(server, '/models/load/2', '')).json()).toMatchObject({ error: { code: 'model_broken' } });
    expect((await post(server, '/models/load/3', '')).json()).toMatchObject({
      error: { code: expect.stringContaining('model_') },
    });
    expect((await post(server, '/models/load/9', '')).status).toBe(404);
    expect((await post(server, '/predict?model=%E2%98%83', fine)).status).toBe(404);
    for (const url of [
      '/v2/models/%2e%2e%2fetc/infer',
      '/v2/models/a%2fb/infer',
      '/v2/models/☃/infer',
      '/..%2f',
      '/nope',
    ]) {
      expect((await post(server, url, fine)).status, url).toBe(404);
    }
    const get = await fetch(`${server.listening.url}/predict`);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    await expectAlive(server);
  });

  it('loads a version once for all who ask, and unloads under requests', async () => {
    const source = new MemorySource().add('m', '1', sum()).add('m', '2', sum(2));
    source.point('m', 'default', '1');
    const server = await start(source);
    const loads = await Promise.all(Array.from({ length: 8 }, () => post(server, '/models/load/2', '')));
    expect(loads.map((load) => load.status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(server.repository.model('m').swaps).toBe(1);
    const under = Array.from({ length: 20 }, () => post(server, '/predict', fine));
    const unloaded = post(server, '/v2/repository/models/m/unload', '');
    const statuses = new Set((await Promise.all(under)).map((answer) => answer.status));
    expect([...statuses].every((status) => status === 200 || status === 503)).toBe(true);
    expect((await unloaded).status).toBe(200);
    expect((await post(server, '/predict', fine)).status).toBe(503);
    expect((await post(server, '/v2/repository/models/m/load', '')).status).toBe(200);
    expect((await post(server, '/predict', fine)).status).toBe(200);
  });
});

describe('7 clients that misbehave on the wire', () => {
  it('do not disturb the others: slow, half-open, pipelining, many idle, reset', async () => {
    const server = await start(new MemorySource().add('m', '1', sum()));
    const { port } = server.listening;
    const sockets: net.Socket[] = [];
    const connect = async (): Promise<net.Socket> => {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      sockets.push(socket);
      await new Promise((resolve) => socket.once('connect', resolve));
      return socket;
    };
    for (let i = 0; i < 300; i++) await connect();
    const slow = await connect();
    slow.write('POST /predict HTTP/1.1\r\nHost: x\r\nContent-Le');
    const half = await connect();
    half.end('POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"x"');
    const body = JSON.stringify(fine);
    const request = `POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const reset = await connect();
    reset.write(request);
    reset.resetAndDestroy();
    const pipelined = await connect();
    let answers = '';
    pipelined.on('data', (chunk) => (answers += chunk.toString()));
    pipelined.write(request.repeat(5));
    await expectAlive(server);
    for (let waited = 0; waited < 50 && answers.split('HTTP/1.1 200').length < 6; waited++) await delay(20);
    expect(answers.split('HTTP/1.1 200')).toHaveLength(6);
    const chunked = await connect();
    let text = '';
    chunked.on('data', (chunk) => (text += chunk.toString()));
    chunked.write('POST /predict HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n');
    await delay(50);
    expect(text).toContain('100 Continue');
    chunked.write(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    for (let waited = 0; waited < 50 && !text.includes('200 OK'); waited++) await delay(20);
    expect(text).toContain('200 OK');
    for (const socket of sockets) socket.destroy();
    await expectAlive(server);
  });
});

describe('8 too much', () => {
  it('10,000 rows are answered, a body over the limit is 413, a full queue 503 with Retry-After', async () => {
    const server = await start(new MemorySource().add('m', '1', sum()), {
      bodyLimit: 300_000,
      scheduler: { maxQueue: 10, maxBatch: 1 },
    });
    const rows = Array.from({ length: 10_000 }, (_, i) => [i, 1]);
    const { outputs } = (await post(server, '/predict', { x: rows })).json() as { outputs: { y: number[][] } };
    expect(outputs.y[9_999]).toEqual([10_000]);
    expect((await post(server, '/predict', 'x'.repeat(300_001))).status).toBe(413);
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => post(server, '/predict', { x: rows.slice(0, 2_000) })),
    );
    const statuses = new Set(answers.map((answer) => answer.status));
    expect([...statuses].every((status) => status === 200 || status === 503)).toBe(true);
    expect(answers.find((answer) => answer.status === 503)?.headers.get('retry-after') ?? '1').toBe('1');
    await expectAlive(server);
  });

  it('a request that is not answered in time gets 504', async () => {
    const slow = buildOnnx({
      inputs: [{ name: 'x', type: 'float32', shape: ['N', 'N'] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['N', 'N'] }],
      nodes: Array.from({ length: 30 }, (_, i) => ({
        op: 'MatMul',
        inputs: [i === 0 ? 'x' : `t${i}`, 'x'],
        outputs: [i === 29 ? 'y' : `t${i + 1}`],
      })),
    });
    const server = await start(new MemorySource().add('m', '1', slow), { scheduler: { deadline: 100 } });
    const size = 700;
    const body = Buffer.alloc(size * size * 4);
    const json = JSON.stringify({
      inputs: [{ name: 'x', shape: [size, size], datatype: 'FP32', parameters: { binary_data_size: body.length } }],
    });
    const answer = await post(server, '/v2/models/m/infer', Buffer.concat([Buffer.from(json), body]), {
      'inference-header-content-length': String(json.length),
    });
    expect(answer.status).toBe(504);
    expect((await fetch(`${server.listening.url}/health`)).status).toBe(200);
  });
});

describe('9 and 10 stop, crash and swap under load', () => {
  it('finishes what is under way when it stops', async () => {
    const server = await startServer(new MemorySource().add('m', '1', sum()));
    const under = Promise.allSettled(Array.from({ length: 50 }, () => post(server, '/predict', fine)));
    await delay(30);
    expect(await server.close(5_000)).toBe(true);
    const results = await under;
    const answered = results.filter((result) => result.status === 'fulfilled');
    expect(answered.every((result) => result.value.status === 200)).toBe(true);
    expect(answered.length).toBeGreaterThan(0);
    await expect(fetch(server.listening.url)).rejects.toThrow();
  });

  it('answers 503 once when its thread dies, and goes on', async () => {
    const server = await start(new MemorySource().add('m', '1', sum()));
    const under = Array.from({ length: 20 }, () => post(server, '/predict', fine));
    await server.pool.threads[0]?.crash();
    const statuses = new Set((await Promise.all(under)).map((answer) => answer.status));
    expect([...statuses].every((status) => status === 200 || status === 503)).toBe(true);
    await expectAlive(server);
  });

  it('swaps 50 times under load: each answer is that of the version it names, none fails', async () => {
    const source = new MemorySource().add('m', '1', sum(1)).add('m', '2', sum(2));
    source.point('m', 'default', '1');
    const server = await start(source);
    let running = true;
    const wrong: string[] = [];
    let answered = 0;
    const client = async (seed: number): Promise<void> => {
      for (let i = 0; running; i++) {
        const [a, b] = [seed + i, i % 7];
        const { status, text } = await post(server, '/predict', { x: [[a, b]] });
        const { outputs, model_version: version } = JSON.parse(text) as {
          outputs?: { y: number[][] };
          model_version?: string;
        };
        answered++;
        if (status !== 200 || outputs?.y[0]?.[0] !== (a + b) * Number(version)) wrong.push(text);
      }
    };
    const clients = Array.from({ length: 8 }, (_, i) => client(i * 100));
    const memory: number[] = [];
    for (let swap = 0; swap < 50; swap++) {
      expect((await post(server, `/models/load/${(swap % 2) + 1 === 1 ? 2 : 1}`, '')).status).toBe(200);
      memory.push(process.memoryUsage.rss());
    }
    running = false;
    await Promise.all(clients);
    expect(wrong).toEqual([]);
    expect(answered).toBeGreaterThan(100);
    expect(server.repository.model('m').swaps).toBe(50);
    expect(server.repository.model('m').versions.size).toBe(1);
    expect((memory.at(-1) ?? 0) - (memory[24] ?? 0)).toBeLessThan(60_000_000);
  });
});

describe('11 batches', () => {
  it('a request that the model fails on does not harm its neighbours', async () => {
    // Picks a row of a table of three: an index beyond it fails inside the runtime.
    const table = new Uint8Array(Float32Array.of(10, 20, 30).buffer);
    const lookup = buildOnnx({
      inputs: [{ name: 'x', type: 'int64', shape: ['N'] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['N'] }],
      nodes: [{ op: 'Gather', inputs: ['table', 'x'], outputs: ['y'] }],
      weights: [{ name: 'table', type: 'float32', shape: [3], raw: table }],
    });
    const server = await start(new MemorySource().add('m', '1', lookup));
    expect(server.repository.model('m').current?.batchable).toBe(true);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => post(server, '/predict', { inputs: { x: [i % 10 === 7 ? 99 : i % 3] } })),
    );
    for (const [i, answer] of answers.entries()) {
      if (i % 10 === 7) expect(answer.json()).toMatchObject({ error: { code: 'inference_failed' } });
      else expect(answer.json()).toMatchObject({ outputs: { y: [10 * ((i % 3) + 1)] } });
    }
  });
});

describe('13 keys', () => {
  it('are asked for where a scope is, and neither shown nor needed elsewhere', async () => {
    const store = memoryKeyStore();
    const { secret } = createKey(store, { name: 'app', scopes: ['predict'] });
    const check = keyVerifier(store);
    const server = await start(new MemorySource().add('m', '1', sum()), {
      verify: ({ headers }, scope) => check(keyOf(headers), scope === 'admin' ? 'admin' : 'predict'),
    });
    const none = await post(server, '/predict', fine);
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="mlops"']);
    for (const key of ['x', `${secret}x`, 'a b c', '%C3%BC']) {
      expect((await post(server, '/v2/models/m/infer', fine, { 'x-api-key': key })).status, key).toBe(401);
    }
    const bearer = { authorization: `Bearer ${secret}` };
    expect((await post(server, '/predict', fine, bearer)).status).toBe(200);
    expect((await post(server, '/models/load/1', '', bearer)).status).toBe(403);
    for (const url of ['/health', '/livez', '/readyz', '/metrics', '/v2/health/ready', '/docs', '/openapi.json']) {
      const answer = await fetch(server.listening.url + url);
      expect(answer.status, url).toBe(200);
      expect(await answer.text()).not.toContain(secret);
    }
  });
});

describe('14 and 15 a log that cannot be written, metrics under load', () => {
  it('goes on serving and says so in /health', async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'log-'));
    fs.writeFileSync(path.join(directory, 'file'), '');
    const server = await start(new MemorySource().add('m', '1', sum()), {
      predictionLog: { directory: path.join(directory, 'file', 'sub') },
    });
    for (let i = 0; i < 5; i++) await expectAlive(server);
    await delay(250);
    expect(await (await fetch(`${server.listening.url}/health`)).json()).toMatchObject({
      status: 'healthy',
      dependencies: { prediction_log: { status: 'down' } },
    });
    expect(await (await fetch(`${server.listening.url}/metrics`)).text()).toContain('{outcome="dropped"} 5');
    fs.rmSync(directory, { recursive: true });
  });

  it('has documentation that needs no network', async () => {
    const server = await start(new MemorySource().add('m', '1', sum()));
    const page = await (await fetch(`${server.listening.url}/docs`)).text();
    for (const [, source = ''] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect((await fetch(`${server.listening.url}/${source}`)).status, source).toBe(200);
      expect(source).not.toMatch(/^https?:/);
    }
    const api = (await (await fetch(`${server.listening.url}/openapi.json`)).json()) as {
      paths: Record<string, unknown>;
    };
    expect(JSON.stringify(api.paths['/predict'])).toContain('"value":{"inputs":{"x":[[0,0]]}}');
  });
});
