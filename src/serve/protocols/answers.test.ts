import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { buildOnnx, identityModel, linearModel, zipMapModel, type Port } from '../../../test/support/onnx.ts';
import { post } from '../../../test/support/serving.ts';
import { inferenceWorker } from '../../../test/support/worker.ts';
import { readPredictionLog } from '../../monitor/index.ts';
import { FolderSource, serve, type RunningServer } from '../index.ts';

let dir = '';
let server: RunningServer;
beforeAll(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'answers-'));
  const put = (name: string, model: Uint8Array, config?: string): void => {
    fs.writeFileSync(path.join(dir, `${name}.onnx`), model);
    if (config !== undefined) fs.writeFileSync(path.join(dir, `${name}.serving.yaml`), config);
  };
  const sum = linearModel(
    4,
    1,
    () => 1,
    () => 0,
  );
  put('text', identityModel('string', ['N', 'D']));
  put('scores', identityModel('float32', ['N', 3]));
  put('flowers', zipMapModel(2, ['a', 'b']));
  put('optional', optional());
  put('priced', sum, 'outputs:\n  - {name: y, as: price}\n');
  put(
    'limits',
    sum,
    'table:\n  columns: [{name: a, min: 0, max: 9}, {name: b, default: 5}, {name: kind, categories: [null, low, high], default: low}, {name: id, default: 0}]\n',
  );
  put('reserved', reserved());
  const source = FolderSource.directory(dir);
  const models = (await source.list()).map(({ name }) => ({ name, source }));
  server = await serve({
    models,
    host: '127.0.0.1',
    port: 0,
    workerFile: await inferenceWorker(),
    threads: 1,
    predictionLog: { directory: path.join(dir, 'log') },
    redact: ['y'],
  });
});
afterAll(async () => {
  await server.close(2_000);
  fs.rmSync(dir, { recursive: true });
});

/** y = x * scale, where scale is 10 unless it is given. */
function optional(): Uint8Array {
  return buildOnnx({
    inputs: [
      { name: 'x', type: 'float32', shape: ['N', 2] },
      { name: 'scale', type: 'float32', shape: [] },
    ],
    outputs: [{ name: 'y', type: 'float32', shape: ['N', 2] }],
    nodes: [{ op: 'Mul', inputs: ['x', 'scale'], outputs: ['y'] }],
    weights: [{ name: 'scale', type: 'float32', shape: [], raw: new Uint8Array(Float32Array.of(10).buffer) }],
  });
}

/** y = id + model + outputs: names that the protocol uses, too. */
function reserved(): Uint8Array {
  const column = (name: string): Port => ({ name, type: 'float32', shape: ['N', 1] });
  return buildOnnx({
    inputs: [column('id'), column('model'), column('outputs')],
    outputs: [column('y')],
    nodes: [{ op: 'Sum', inputs: ['id', 'model', 'outputs'], outputs: ['y'] }],
  });
}

const predict = (model: string, body: object) => post(server, `/predict?model=${model}`, body);
const score = (model: string, body: object | string, type = 'application/json') =>
  post(server, `/invocations?model=${model}`, body, { 'content-type': type });
const infer = (model: string, body: object) => post(server, `/v2/models/${model}/infer`, body);

describe('text that is no UTF-8', () => {
  const latin = Buffer.from('caf\xe9', 'latin1');
  const json = Buffer.concat([Buffer.from('{"inputs":{"x":[["'), latin, Buffer.from('"]]}}')]);

  it('is refused on every protocol, with the place of the first byte that does not fit', async () => {
    for (const path of ['/predict?model=text', '/invocations?model=text', '/v2/models/text/infer']) {
      const { status, text } = await post(server, path, json);
      expect([status, text], path).toEqual([400, expect.stringContaining('not UTF-8 from byte 21 on')]);
    }
    const csv = await score('text', Buffer.concat([Buffer.from('a\n'), latin]), 'text/csv');
    expect([csv.status, csv.text]).toEqual([400, expect.stringContaining('from byte 5 on')]);
    const head = JSON.stringify({
      inputs: [{ name: 'x', shape: [1, 1], datatype: 'BYTES', parameters: { binary_data_size: 8 } }],
    });
    const binary = await post(
      server,
      '/v2/models/text/infer',
      Buffer.concat([Buffer.from(head), Buffer.from([4, 0, 0, 0]), latin]),
      { 'inference-header-content-length': String(head.length) },
    );
    expect([binary.status, binary.text]).toEqual([400, expect.stringContaining('text in UTF-8')]);
  });

  it('is read in the charset that the content type names', async () => {
    const charsets = { 'iso-8859-1': json, 'utf-16le': Buffer.from('{"inputs":{"x":[["café"]]}}', 'utf16le') };
    for (const [charset, body] of Object.entries(charsets)) {
      const answer = await score('text', body, `application/json; charset=${charset}`);
      expect([answer.status, answer.text], charset).toEqual([200, expect.stringContaining('café')]);
    }
    const wrong = await score('text', Buffer.from([0xd8]), 'application/json; charset=utf-16');
    expect(wrong.status).toBe(400);
  });
});

describe('/invocations', () => {
  it('answers a ZipMap as maps, and records for frames', async () => {
    const frame = await score('flowers', { dataframe_records: [{ u: 1, v: 2 }] });
    expect(frame.json()).toMatchObject({
      predictions: [
        { output_label: expect.any(String), output_probability: { a: expect.any(Number), b: expect.any(Number) } },
      ],
    });
    const lists = await score('flowers', { inputs: [[1, 2]] });
    expect(lists.json()).toMatchObject({ predictions: { output_probability: [{ a: expect.any(Number) }] } });
  });

  it('reads CSV by what takes it: words for missing numbers, texts as they stand', async () => {
    const first = async (field: string) => {
      const answer = await score('scores', `a,b,c\n${field},0,0\n`, 'text/csv');
      return answer.status === 200
        ? (answer.json() as { predictions: { y: number }[] }).predictions[0]?.y
        : answer.status;
    };
    for (const word of ['', 'NA', 'N/A', 'null', 'None', '<NA>', '-1.#IND', 'NaN'])
      expect(await first(word), word).toBe(null);
    for (const word of ['na', 'none', 'x', '1e', '--1']) expect(await first(word), word).toBe(400);
    for (const [word, value] of Object.entries({ ' 5 ': 5, '1e3': 1000, '+.5': 0.5 }))
      expect(await first(word)).toBe(value);
    expect((await score('text', 'zip,when\n02139,TRUE\n42,\n', 'text/csv')).json()).toEqual({
      predictions: ['02139', 'TRUE', '42', ''].map((y) => ({ y })),
    });
    expect((await score('scores', 'a,b,c\n', 'text/csv')).json()).toEqual({ predictions: [] });
  });
});

describe('inputs with an initializer', () => {
  it('may be left out, and count when they are given, on every protocol', async () => {
    const x = [[1, 2]];
    expect((await predict('optional', { inputs: { x } })).json()).toMatchObject({ outputs: { y: [[10, 20]] } });
    expect((await predict('optional', { inputs: { x, scale: 3 } })).json()).toMatchObject({ outputs: { y: [[3, 6]] } });
    expect((await score('optional', { inputs: { x, scale: 3 } })).json()).toEqual({ predictions: { y: [[3, 6]] } });
    const inputs = [
      { name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] },
      { name: 'scale', shape: [], datatype: 'FP32', data: [3] },
    ];
    expect((await infer('optional', { inputs })).json()).toMatchObject({ outputs: [{ data: [3, 6] }] });
  });

  it('of one client do not reach the others', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        predict('optional', { inputs: { x: [[i, 1]], ...(i % 3 === 0 ? { scale: i } : {}) } }),
      ),
    );
    for (const [i, answer] of answers.entries()) {
      expect(answer.json()).toMatchObject({ outputs: { y: [i % 3 === 0 ? [i * i, i] : [i * 10, 10]] } });
    }
  });
});

describe('v2 extensions', () => {
  const inputs = [{ name: 'x', shape: [2, 3], datatype: 'FP32', data: [0.25, 0.5, 0.5, 4, 2, 1] }];

  it('classifies as Triton does: value:index, best first, the first of equals first', async () => {
    const ask = (classification: unknown) =>
      infer('scores', { inputs, outputs: [{ name: 'y', parameters: { classification } }] });
    expect((await ask(2)).json()).toMatchObject({
      outputs: [
        { name: 'y', datatype: 'BYTES', shape: [2, 2], data: ['0.500000:1', '0.500000:2', '4.000000:0', '2.000000:1'] },
      ],
    });
    expect((await ask(9)).json()).toMatchObject({ outputs: [{ shape: [2, 3] }] });
    expect((await ask(0)).json()).toMatchObject({ outputs: [{ datatype: 'FP32' }] });
    for (const wrong of [-1, 1.5, 'two', true]) expect((await ask(wrong)).status, String(wrong)).toBe(400);
    const text = [{ name: 'x', shape: [1, 1], datatype: 'BYTES', data: ['a'] }];
    const refused = await infer('text', { inputs: text, outputs: [{ name: 'y', parameters: { classification: 1 } }] });
    expect(refused.status).toBe(400);
  });

  it('refuses sequences', async () => {
    for (const parameters of [
      { sequence_id: 7 },
      { sequence_id: 'a' },
      { sequence_start: true },
      { sequence_end: true },
    ]) {
      const { status, text } = await infer('scores', { inputs, parameters });
      expect([status, text], JSON.stringify(parameters)).toEqual([400, expect.stringContaining('sequence')]);
    }
    const none = { sequence_id: 0, sequence_start: false, sequence_end: false };
    expect((await infer('scores', { inputs, parameters: none })).status).toBe(200);
  });
});

describe('columns of serving.yaml', () => {
  const ask = async (row: object) => {
    const { status, text } = await predict('limits', row);
    return status === 200 ? (JSON.parse(text) as { outputs: { y: number[][] } }).outputs.y[0]?.[0] : status;
  };

  it('hold NaN and infinities to their limits and defaults', async () => {
    expect(await ask({ a: 1 })).toBe(7);
    expect(await ask({ a: null })).toBe(400);
    const raw = async (text: string) => (await post(server, '/predict?model=limits', text)).status;
    for (const word of ['NaN', 'Infinity', '-Infinity']) expect(await raw(`{"a": ${word}}`), word).toBe(400);
    expect((await post(server, '/predict?model=limits', '{"a": 1, "b": NaN}')).json()).toMatchObject({
      outputs: { y: [[7]] },
    });
  });

  it('take no value for a position that null holds', async () => {
    expect(await ask({ a: 1, kind: 'high' })).toBe(8);
    expect(await ask({ a: 1, kind: 'null' })).toBe(400);
  });

  it('are named in messages instead of the tensor, and described at /openapi.json with their limits', async () => {
    const { text } = await predict('limits', { instances: [] });
    expect(text).toContain('expected one row or more, got an empty list');
    const page = await (await fetch(`${server.listening.url}/openapi.json`)).text();
    expect(page).toContain('"a":{"type":"number","minimum":0,"maximum":9}');
    expect(page).toContain('"enum":["low","high"]');
  });
});

describe('names that the protocol uses', () => {
  it('are those of the model, at the top level too, or the request is refused with the way out', async () => {
    const ask = async (body: object, path = '/predict?model=reserved') => {
      const { status, text } = await post(server, path, body);
      return status === 200 ? (JSON.parse(text) as { outputs: { y: number[][] } }).outputs.y[0]?.[0] : [status, text];
    };
    expect(await ask({ inputs: { id: 5, model: 2, outputs: 100 } })).toBe(107);
    expect(await ask({ id: 5, model: 2, outputs: 100 })).toBe(107);
    expect(await ask({ id: 5, inputs: { model: 2, outputs: 100 } })).toEqual([
      400,
      expect.stringContaining('/predict?model='),
    ]);
    expect(await ask({ id: 5, model: 'reserved', outputs: 100 }, '/predict')).toEqual([
      400,
      expect.stringContaining('inputs'),
    ]);
    expect(await predictSum({ a: 1, id: 3 })).toBe(10);
    expect(await predictSum({ id: 3, inputs: { a: 1 } })).toBe(400);
  });

  async function predictSum(row: object) {
    const { status, text } = await predict('limits', row);
    return status === 200 ? (JSON.parse(text) as { outputs: { y: number[][] } }).outputs.y[0]?.[0] : status;
  }
});

describe('null for a text', () => {
  it('is called null', async () => {
    expect((await predict('text', { inputs: { x: [[null]] } })).text).toContain('expected a string, got null');
    expect((await predict('text', { inputs: { x: [['a\u0000']] } })).text).toContain('without NUL characters');
  });
});

describe('the prediction log', () => {
  it('holds outputs under the names that they were answered by, blackened under either', async () => {
    const answer = await predict('priced', { inputs: { x: [[1, 1, 1, 1]] } });
    const { prediction_id: id, outputs } = answer.json() as { prediction_id: string; outputs: object };
    expect(outputs).toEqual({ price: [[4]] });
    let logged: { outputs?: unknown } | undefined;
    for (let tries = 0; tries < 100 && logged === undefined; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      for await (const record of readPredictionLog(path.join(dir, 'log'))) {
        if (record.kind === 'prediction' && record.id === id) logged = record;
      }
    }
    expect(logged?.outputs).toEqual({ price: '[redacted]' });
  });
});
