import * as net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { buildOnnx, identityModel } from '../../../test/support/onnx.ts';
import { expectAlive, fine, post, startForTest, sum } from '../../../test/support/serving.ts';
import { createKey, keyOf, keyVerifier, memoryKeyStore } from '../../auth/index.ts';
import { MemorySource } from '../index.ts';

// Groups 4 to 7, 11 and 13 of the faults; 1 to 3 are in input-faults.test.ts, 8 to 10, 14 and 15 in load-faults.test.ts.

describe('4 binary bodies that lie', () => {
  it('are refused with 400; a small archive that grows with 413', async () => {
    const server = await startForTest(new MemorySource().add('m', '1', sum()), { bodyLimit: 1_000_000 });
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
    const server = await startForTest(new MemorySource().add('s', '1', identityModel('string')));
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
    const server = await startForTest(source);
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
    const server = await startForTest(source);
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
    const server = await startForTest(new MemorySource().add('m', '1', sum()));
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
    const server = await startForTest(new MemorySource().add('m', '1', lookup));
    expect(server.repository.model('m').current?.alone).toBeUndefined();
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
    const server = await startForTest(new MemorySource().add('m', '1', sum()), {
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
