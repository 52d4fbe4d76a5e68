import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

import { buildOnnx, identityModel, linearModel, onnxTypes, type OnnxTypeName } from '../../../test/support/onnx.ts';
import { inferenceWorker } from '../../../test/support/worker.ts';
import { readPredictionLog } from '../../monitor/index.ts';
import { MemorySource, serve, type RunningServer, type ServeOptions } from '../index.ts';

const open: RunningServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close(1_000);
});

async function start(source: MemorySource, options: Partial<ServeOptions> = {}): Promise<RunningServer> {
  const models = (await source.list()).map(({ name }) => ({ name, source }));
  const server = await serve({
    models,
    host: '127.0.0.1',
    port: 0,
    workerFile: await inferenceWorker(),
    threads: 1,
    ...options,
  });
  open.push(server);
  return server;
}

async function post(server: RunningServer, path: string, body: unknown, headers: Record<string, string> = {}) {
  const content = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  const answer = await fetch(server.listening.url + path, {
    method: 'POST',
    body: content,
    headers: { 'content-type': 'application/json', ...headers },
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return {
    status: answer.status,
    headers: answer.headers,
    bytes,
    text: bytes.toString(),
    json: () => JSON.parse(bytes.toString()) as never,
  };
}

describe('the Open Inference Protocol', () => {
  const values: Record<Exclude<OnnxTypeName, 'bfloat16'>, [datatype: string, json: string]> = {
    float32: ['FP32', '[0.1,-0.0,null]'],
    float64: ['FP64', '[0.1,1e+300,null]'],
    float16: ['FP16', '[0.5,-2,65504]'],
    int8: ['INT8', '[-128,0,127]'],
    int16: ['INT16', '[-32768,0,32767]'],
    int32: ['INT32', '[-2147483648,0,2147483647]'],
    int64: ['INT64', '[-9223372036854775808,9007199254740993,9223372036854775807]'],
    uint8: ['UINT8', '[0,1,255]'],
    uint16: ['UINT16', '[0,1,65535]'],
    uint32: ['UINT32', '[0,1,4294967295]'],
    uint64: ['UINT64', '[0,9007199254740993,18446744073709551615]'],
    bool: ['BOOL', '[true,false,true]'],
    string: ['BYTES', '["","é😀","a\\"b"]'],
  };

  it('carries every type exactly, in JSON and in bytes', async () => {
    const source = new MemorySource();
    for (const type of Object.keys(values)) source.add(type, '1', identityModel(type as OnnxTypeName));
    const server = await start(source, { lazy: true });
    for (const [type, [datatype, data]] of Object.entries(values)) {
      const path = `/v2/models/${type}/infer`;
      const json = `{"inputs":[{"name":"x","shape":[3],"datatype":"${datatype}","data":${data}}]}`;
      const plain = await post(server, path, json);
      expect(plain.text, type).toContain(`"data":${data}`);
      const toBinary = `${json.slice(0, -1)},"parameters":{"binary_data_output":true}}`;
      const binary = await post(server, path, toBinary);
      const length = Number(binary.headers.get('inference-header-content-length'));
      const raw = binary.bytes.subarray(length);
      const request = `{"inputs":[{"name":"x","shape":[3],"datatype":"${datatype}","parameters":{"binary_data_size":${raw.length}}}]}`;
      const back = await post(server, path, Buffer.concat([Buffer.from(request), raw]), {
        'inference-header-content-length': String(Buffer.byteLength(request)),
      });
      expect(back.text, type).toContain(`"data":${data}`);
    }
    expect(Object.keys(values).length).toBe(Object.keys(onnxTypes).length - 1);
  });

  it('keeps scalars, empty tensors, several inputs, and the order of the outputs asked for', async () => {
    const two = buildOnnx({
      inputs: [
        { name: 'a', type: 'float32', shape: ['N', 2] },
        { name: 's', type: 'float32', shape: [] },
      ],
      outputs: [
        { name: 'sum', type: 'float32', shape: ['N', 2] },
        { name: 'same', type: 'float32', shape: [] },
      ],
      nodes: [
        { op: 'Add', inputs: ['a', 's'], outputs: ['sum'] },
        { op: 'Identity', inputs: ['s'], outputs: ['same'] },
      ],
    });
    const server = await start(new MemorySource().add('two', '1', two));
    const inputs = (rows: number, data: unknown) => [
      { name: 'a', shape: [rows, 2], datatype: 'FP32', data },
      { name: 's', shape: [], datatype: 'FP32', data: [10] },
    ];
    const body = { id: 'me', inputs: inputs(1, [[1, 2]]), outputs: [{ name: 'same' }, { name: 'sum' }] };
    expect((await post(server, '/v2/models/two/versions/1/infer', body)).json()).toEqual({
      model_name: 'two',
      model_version: '1',
      id: 'me',
      outputs: [
        { name: 'same', shape: [], datatype: 'FP32', data: [10] },
        { name: 'sum', shape: [1, 2], datatype: 'FP32', data: [11, 12] },
      ],
    });
    expect((await post(server, '/v2/models/two/infer', { inputs: inputs(0, []) })).json()).toMatchObject({
      outputs: [{ name: 'sum', shape: [0, 2], data: [] }, {}],
    });
    expect((await post(server, '/v2/models/two/infer', { inputs: inputs(1, [1, 2]) })).status).toBe(200);
  });

  it('answers the mistakes of a client with 400 and {"error"}', async () => {
    const server = await start(
      new MemorySource().add('m', '1', linearModel(2, 1)).add('u', '1', identityModel('uint8')),
    );
    const x = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] };
    const bad: unknown[] = [
      '{',
      '[]',
      {},
      { inputs: {} },
      { inputs: [] },
      { inputs: [x, x] },
      { inputs: [{ ...x, name: 'z' }] },
      { inputs: [{ ...x, datatype: 'fp32' }] },
      { inputs: [{ ...x, datatype: 'INT64' }] },
      { inputs: [{ ...x, shape: [1, 3] }] },
      { inputs: [{ ...x, shape: [-1, 2] }] },
      { inputs: [{ ...x, shape: [1.5, 2] }] },
      { inputs: [{ ...x, shape: ['1', 2] }] },
      { inputs: [{ ...x, shape: [2 ** 52, 2] }] },
      { inputs: [{ ...x, data: undefined }] },
      { inputs: [{ ...x, data: [1] }] },
      { inputs: [{ ...x, data: [[1], [2]] }] },
      { inputs: [{ ...x, data: ['a', 2] }] },
      { inputs: [{ ...x, data: [true, 2] }] },
      { inputs: [x], outputs: [{ name: 'nope' }] },
      { inputs: [x], id: 7 },
      { inputs: [{ ...x, parameters: { binary_data_size: 8 } }] },
      { inputs: [{ ...x, parameters: { binary_data_size: -1 } }] },
    ];
    for (const body of bad) {
      const answer = await post(server, '/v2/models/m/infer', body);
      expect([answer.status, answer.json()], JSON.stringify(body)).toEqual([400, { error: expect.any(String) }]);
    }
    for (const value of [256, -1, 3.5, true, '1', null]) {
      const body = { inputs: [{ name: 'x', shape: [1], datatype: 'UINT8', data: [value] }] };
      expect((await post(server, '/v2/models/u/infer', body)).status, String(value)).toBe(400);
    }
    for (const header of ['-1', 'x', '99999', '3']) {
      const answer = await post(
        server,
        '/v2/models/m/infer',
        { inputs: [x] },
        { 'inference-header-content-length': header },
      );
      expect(answer.status, header).toBe(400);
    }
    expect((await post(server, '/v2/models/none/infer', { inputs: [x] })).status).toBe(404);
    expect((await post(server, '/v2/models/m/versions/9/infer', { inputs: [x] })).status).toBe(404);
    expect((await post(server, '/v2/models/m/infer', { inputs: [x] })).status).toBe(200);
  });

  it('takes a raw request of only bytes', async () => {
    const server = await start(
      new MemorySource().add(
        'm',
        '1',
        linearModel(
          2,
          1,
          () => 1,
          () => 0,
        ),
      ),
    );
    const answer = await post(server, '/v2/models/m/infer', new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer), {
      'inference-header-content-length': '0',
    });
    const length = Number(answer.headers.get('inference-header-content-length'));
    expect([answer.bytes.readFloatLE(length), answer.bytes.readFloatLE(length + 4)]).toEqual([3, 7]);
  });
});

describe("MLflow's scoring protocol", () => {
  it('takes its forms of input, and its errors have its shape without a stack', async () => {
    const server = await start(
      new MemorySource().add(
        'm',
        '1',
        linearModel(
          2,
          1,
          () => 1,
          () => 0,
        ),
      ),
    );
    const same = { predictions: { y: [[3], [7]] } };
    const records = { predictions: [{ y: 3 }, { y: 7 }] };
    const rows = [
      [1, 2],
      [3, 4],
    ];
    for (const body of [
      { inputs: rows },
      { inputs: { x: rows } },
      { instances: rows },
      { instances: rows.map((x) => ({ x })) },
      { dataframe_split: { columns: ['a', 'b'], data: rows } },
      { dataframe_split: { data: rows, index: [7, 8] } },
      { dataframe_records: rows.map(([a, b]) => ({ a, b })) },
      { dataframe_records: rows },
      { instances: rows, params: { temperature: 1 } },
    ]) {
      // What comes as a frame stays one where no signature makes tensors of it.
      const right = Object.keys(body)[0]?.startsWith('dataframe') === true ? records : same;
      expect((await post(server, '/invocations', body)).json(), JSON.stringify(body)).toEqual(right);
    }
    const csv = await post(server, '/invocations', 'a,b\n1,2\r\n3,"4"\n', { 'content-type': 'text/csv' });
    expect(csv.json()).toEqual(records);
    expect((await post(server, '/invocations', 'x', { 'content-type': 'text/plain' })).text).toContain(
      'This predictor only supports the following content types',
    );
    expect((await post(server, '/invocations', { inputs: rows, instances: rows })).json()).toMatchObject({
      error_code: 'BAD_REQUEST',
      message: expect.stringContaining('exactly one of the input fields'),
    });
    const json = 'application/json';
    expect(
      (await post(server, '/invocations', { inputs: rows }, { 'content-type': `${json}; charset=UTF-8` })).status,
    ).toBe(200);
    const latin = await post(server, '/invocations', { inputs: rows }, { 'content-type': `${json};charset=latin1` });
    expect([latin.status, latin.json()]).toEqual([200, same]);
    const odd = await post(server, '/invocations', { inputs: rows }, { 'content-type': `${json};charset=klingon` });
    expect([odd.status, odd.text]).toEqual([415, "the charset 'klingon' is not supported"]);
    const finer = { error_class: 'INVALID_PARAMETER_VALUE', sqlstate: 'KAM00' };
    for (const body of [
      { dataframe_records: [{ a: 1 }] },
      { dataframe_split: { columns: ['a', 'b'], data: rows, index: [1] } },
      { dataframe_split: { columns: ['a', 'b'], data: rows, dtype: 'float' } },
      { dataframe_split: { columns: ['a'], data: rows } },
    ]) {
      const refused = await post(server, '/invocations', body);
      expect([refused.status, refused.json()], JSON.stringify(body)).toEqual([
        400,
        { error_code: 'INVALID_PARAMETER_VALUE', message: expect.any(String), ...finer },
      ]);
    }
  });

  it('feeds a column to each input of a model that has one for each', async () => {
    const columns = buildOnnx({
      inputs: [
        { name: 'age', type: 'float32', shape: ['', 1] },
        { name: 'city', type: 'string', shape: ['', 1] },
      ],
      outputs: [{ name: 'age2', type: 'float32', shape: ['', 1] }],
      nodes: [
        { op: 'Add', inputs: ['age', 'age'], outputs: ['age2'] },
        { op: 'Identity', inputs: ['city'], outputs: ['unused'] },
      ],
    });
    const server = await start(new MemorySource().add('m', '1', columns));
    const body = {
      dataframe_split: {
        columns: ['city', 'extra', 'age'],
        data: [
          ['Ulm', 0, 4],
          ['Bonn', 0, 5],
        ],
      },
    };
    expect((await post(server, '/invocations', body)).json()).toEqual({ predictions: [{ age2: 8 }, { age2: 10 }] });
    const absent = await post(server, '/invocations', { dataframe_records: [{ age: 1 }] });
    expect(absent.json()).toMatchObject({ message: expect.stringContaining("Model is missing inputs ['city']") });
  });
});

describe('similarity, feedback, statistics', () => {
  it('compares rows by cosine', async () => {
    const server = await start(
      new MemorySource().add(
        'e',
        '1',
        linearModel(
          2,
          2,
          (i, o) => (i === o ? 1 : 0),
          () => 0,
        ),
      ),
    );
    const matrix = await post(server, '/predict/similarity', {
      inputs: {
        x: [
          [1, 0],
          [0, 2],
          [3, 3],
        ],
      },
    });
    expect(matrix.json()).toMatchObject({
      similarity: [
        [1, 0, expect.closeTo(0.7071, 4)],
        [0, 1, expect.any(Number)],
        [expect.any(Number), expect.any(Number), expect.closeTo(1, 9)],
      ],
    });
    const one = await post(server, '/predict/similarity', {
      query: { x: [1, 0] },
      candidates: {
        x: [
          [0, 1],
          [5, 0],
        ],
      },
    });
    expect(one.json()).toMatchObject({ scores: [0, 1], ranking: [1, 0], output: 'y' });
    const compare = async (body: unknown) => await post(server, '/predict/similarity', body);
    expect((await compare({ inputs: { x: [[1, 0]] } })).status).toBe(400);
    const two = {
      x: [
        [1, 0],
        [0, 1],
      ],
    };
    expect((await compare({ query: two, candidates: two })).json()).toMatchObject({
      error: { path: 'query', expected: 'one row', got: '2 rows' },
    });
    expect((await compare({ query: { x: [1, 0], z: 1 }, candidates: two })).status).toBe(400);
    const many = Array.from({ length: 5_000 }, (_, i) => [i, 1]);
    expect((await compare({ inputs: { x: many } })).json()).toMatchObject({ error: { expected: 'at most 1000 rows' } });
    expect(((await compare({ query: [0, 1], candidates: many })).json() as { scores: number[] }).scores).toHaveLength(
      5_000,
    );
  });

  it('logs predictions with what monitoring and lineage need, and feedback beside them', async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'log-'));
    const server = await start(new MemorySource().add('m', '1', linearModel(2, 1)), {
      predictionLog: { directory },
      redact: ['y'],
    });
    const { prediction_id: id } = (await post(server, '/predict', { x: [[1, 2]] })).json() as { prediction_id: string };
    expect((await post(server, '/feedback', { prediction_id: id, label: 3 })).status).toBe(202);
    expect((await post(server, '/feedback', { label: 3 })).status).toBe(400);
    const md5 = server.repository.model('m').current?.md5;
    await open.pop()?.close();
    const records: unknown[] = [];
    for await (const record of readPredictionLog(directory)) records.push(record);
    expect(records).toMatchObject([
      { kind: 'prediction', id, model: 'm', version: '1', md5, inputs: { x: [[1, 2]] }, outputs: { y: '[redacted]' } },
      { kind: 'feedback', prediction_id: id, label: 3 },
    ]);
    fs.rmSync(directory, { recursive: true });
  });

  it('counts requests, rows, latency and answers', async () => {
    const server = await start(
      new MemorySource().add(
        'm',
        '1',
        linearModel(
          2,
          1,
          () => 1,
          () => 0,
        ),
      ),
    );
    await post(server, '/predict', {
      x: [
        [1, 2],
        [3, 4],
      ],
    });
    await post(server, '/predict', { x: 'no' });
    const get = async (path: string) => (await fetch(server.listening.url + path)).text();
    expect(JSON.parse(await get('/stats'))).toMatchObject({
      models: [{ requests: { success: 1, failure: 1 }, rows: 2, answers: { count: 2, mean: 5, min: 3, max: 7 } }],
    });
    const page = await get('/metrics');
    expect(page).toContain('mlops_inference_requests_total{model="m",version="1",outcome="success"} 1');
    expect(page).toContain('mlops_inference_request_duration_seconds_bucket{model="m",version="1",le="+Inf"} 1');
    expect(page).toContain('mlops_http_requests_total{method="POST",status="400"} 1');
  });
});
