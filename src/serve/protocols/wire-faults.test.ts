import * as net from 'node:net';
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { buildOnnx, identityModel } from '../../../test/support/onnx.ts';
import { numbersOf, post, startForTest } from '../../../test/support/serving.ts';
import { MemorySource, type RunningServer } from '../index.ts';

// More of the groups 4 to 7 and 11: what only shows in the bytes on the wire. See faults.test.ts.

const identity = () => new MemorySource().add('m', '1', identityModel('float32'));
const infer = '/v2/models/m/infer';
const body = JSON.stringify({ inputs: [{ name: 'x', shape: [2], datatype: 'FP32', data: [1, 2] }] });

/** Sends bytes on a connection of its own and reads until the server closes it. */
function exchange(server: RunningServer, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(server.listening.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.write(bytes);
  });
}

const head = (...headers: string[]) => [`POST ${infer} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n');
const length = `Content-Length: ${body.length}`;

describe('4 binary bodies that lie', () => {
  it('are refused with 400: tensors without a size, sizes that overlap, a header without bytes', async () => {
    const two = buildOnnx({
      inputs: ['a', 'b'].map((name) => ({ name, type: 'float32', shape: ['N'] })),
      outputs: [{ name: 'y', type: 'float32', shape: ['N'] }],
      nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['y'] }],
    });
    const server = await startForTest(new MemorySource().add('m', '1', two));
    const send = (sizes: readonly unknown[], tail: number, changes: object = {}) => {
      const inputs = ['a', 'b'].map((name, i) => {
        const parameters = sizes[i] === undefined ? undefined : { binary_data_size: sizes[i] };
        return { name, shape: [2], datatype: 'FP32', parameters, ...changes };
      });
      const json = Buffer.from(JSON.stringify({ inputs }));
      const headers = { 'inference-header-content-length': String(json.length) };
      return post(server, infer, Buffer.concat([json, Buffer.alloc(tail)]), headers);
    };
    expect((await send([8, 8], 16)).status).toBe(200);
    for (const [sizes, tail, changes] of [
      [[8, 8], 8],
      [[8, 8], 15],
      [[16, 0], 16],
      [[8, undefined], 16],
      [[undefined, undefined], 0],
      [[8.5, 8], 16],
      [[-8, 24], 16],
      [[1e300, 8], 16],
      [[null, 8], 16],
      [[8, 8], 16, { shape: [3] }],
      [[8, 8], 16, { shape: [2 ** 31, 2 ** 31] }],
      [[8, 8], 16, { datatype: 'INT32' }],
    ] as [unknown[], number, object?][]) {
      const answer = await send(sizes, tail, changes);
      expect([answer.status, answer.json()], JSON.stringify([sizes, tail, changes])).toEqual([
        400,
        { error: expect.any(String) },
      ]);
    }
    expect((await send([8, 8], 16)).status).toBe(200);
  });

  it('are unpacked whatever the client calls its compression, and refused when cut', async () => {
    const server = await startForTest(identity());
    const packed = (bytes: Uint8Array, encoding: string) =>
      post(server, infer, bytes, { 'content-encoding': encoding });
    for (const encoding of ['gzip', 'GZIP', 'x-gzip']) {
      expect((await packed(zlib.gzipSync(body), encoding)).status, encoding).toBe(200);
    }
    expect((await packed(zlib.deflateSync(body), 'deflate')).status).toBe(200);
    expect((await packed(zlib.deflateRawSync(body), 'deflate')).status).toBe(200);
    for (const bytes of [zlib.gzipSync(body).subarray(0, -3), Buffer.from(body), Buffer.alloc(0)]) {
      const answer = await packed(bytes, 'gzip');
      expect([answer.status, answer.json()]).toEqual([400, { error: expect.any(String) }]);
    }
  });
});

describe('5 and 6 paths of the Open Inference Protocol that do not exist', () => {
  it('have its error shape too', async () => {
    const server = await startForTest(identity());
    const cases: [method: string, path: string, status: number][] = [
      ['GET', infer, 405],
      ['DELETE', '/v2/models/m', 405],
      ['POST', '/v2/nope', 404],
      ['POST', '/v2/models/m/versions/9/infer', 404],
      ['GET', '/v2/models/m/versions/x', 404],
      ['GET', '/v2/models/%zz', 400],
      ['GET', '/v2/models/%ff', 400],
      ['GET', '/v2/models/%00', 404],
      ['GET', `/v2/models/${'a'.repeat(5_000)}`, 414],
    ];
    for (const [method, path, status] of cases) {
      const answer = await fetch(server.listening.url + path, { method });
      const text = await answer.text();
      expect([answer.status, JSON.parse(text)], `${method} ${path}`).toEqual([status, { error: expect.any(String) }]);
      expect(text.length).toBeLessThan(500);
    }
    expect((await post(server, infer, body)).status).toBe(200);
  });
});

describe('7 requests whose end is not clear', () => {
  it('are 400 and close the connection: two lengths, a length and chunks, lengths that are none', async () => {
    const server = await startForTest(identity());
    for (const request of [
      head(length, 'Content-Length: 3') + body,
      head(length, length) + body,
      `${head(length, 'Transfer-Encoding: chunked')}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      head('Content-Length: -5') + body,
      head('Content-Length: 0x10') + body,
      head('Content-Length: 1e1') + body,
      `${head('Transfer-Encoding: chunked')}zz\r\n`,
      // A body that nothing announces is the next request.
      head() + body,
      `POST ${infer} HTTP/1.1\n\n`,
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ]) {
      const answer = await exchange(server, request);
      expect(answer, request.slice(0, 150)).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer.split('HTTP/1.1 '), request.slice(0, 150)).not.toContainEqual(expect.stringMatching(/^200/));
    }
    expect(await exchange(server, head(length, `X: ${'a'.repeat(20_000)}`) + body)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await exchange(server, head('Content-Length: 99999999999'))).toMatch(/^HTTP\/1\.1 413 /);
    expect((await post(server, infer, body)).status).toBe(200);
  });

  it('do not spoil the ones before and behind them in a pipeline', async () => {
    const server = await startForTest(identity());
    const good = head(length) + body;
    const bad = `${head('Content-Length: 1')}{`;
    const answer = await exchange(server, good + bad + head(length, 'Connection: close') + body);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400', 'HTTP/1.1 200']);
  });
});

describe('11 batches', () => {
  it('hold only requests of one shape, and each gets its own rows', async () => {
    const wide = buildOnnx({
      inputs: [{ name: 'x', type: 'float32', shape: ['N', 'M'] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['N', 'M'] }],
      nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
    });
    const server = await startForTest(new MemorySource().add('m', '1', wide), { scheduler: { maxQueue: 1_000 } });
    expect(server.repository.model('m').current?.alone).toBeUndefined();
    const matrices = Array.from({ length: 300 }, (_, i) =>
      Array.from({ length: 1 + (i % 2) }, (_row, r) => Array.from({ length: 1 + (i % 5) }, (_column, c) => i + r + c)),
    );
    const answers = await Promise.all(matrices.map((x) => post(server, '/predict', { inputs: { x } })));
    for (const [i, answer] of answers.entries()) {
      expect(answer.json()).toMatchObject({ outputs: { y: matrices[i] } });
    }
    expect((await numbersOf(server, 'm')).stats.executions).toBeLessThan(300);
  });
});
