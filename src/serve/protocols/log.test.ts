import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { buildOnnx, linearModel, zipMapModel } from '../../../test/support/onnx.ts';
import { post } from '../../../test/support/serving.ts';
import { inferenceWorker } from '../../../test/support/worker.ts';
import { readEntries, readPredictionLog, type PredictionRecord } from '../../monitor/index.ts';
import { FolderSource, serve, type RunningServer } from '../index.ts';

let dir = '';
let server: RunningServer;
const log = (): string => path.join(dir, 'log');

const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: null,
  decoder: null,
  model: {
    ...{ type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100 },
    vocab: { '[PAD]': 0, '[UNK]': 1, good: 2, day: 3 },
  },
};

beforeAll(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'log-'));
  const put = (name: string, model: Uint8Array, config?: string): void => {
    fs.writeFileSync(path.join(dir, `${name}.onnx`), model);
    if (config !== undefined) fs.writeFileSync(path.join(dir, `${name}.serving.yaml`), config);
  };
  const sum = (inputs: number) =>
    linearModel(
      inputs,
      1,
      () => 1,
      () => 0,
    );
  put('table', sum(2), 'table:\n  columns: [{name: age, default: 5}, {name: city, categories: [Bonn, Köln]}]\n');
  put('two', sum(2));
  put('wide', sum(300));
  put('animals', zipMapModel(2, ['cat', 'dog']));
  put(
    'secret',
    linearModel(2, 2),
    'outputs:\n  - {name: y, as: shown}\n  - {name: y, as: risk, activation: softmax, labels: [low, high]}\n',
  );
  put(
    'words',
    buildOnnx({
      inputs: [{ name: 'input_ids', type: 'int64', shape: ['N', 'L'] }],
      outputs: [{ name: 'y', type: 'int64', shape: ['N', 'L'] }],
      nodes: [{ op: 'Identity', inputs: ['input_ids'], outputs: ['y'] }],
    }),
    'text: {field: title}\n',
  );
  fs.writeFileSync(path.join(dir, 'tokenizer.json'), JSON.stringify(tokenizer));
  const source = FolderSource.directory(dir);
  const models = (await source.list()).map(({ name }) => ({ name, source }));
  const listen = { host: '127.0.0.1', port: 0, threads: 1, workerFile: await inferenceWorker() };
  const predictionLog = { directory: log() };
  server = await serve({ ...listen, models, predictionLog, redact: ['risk', 'city'], exchange: { largeBody: 4_096 } });
});
afterAll(async () => {
  await server.close(2_000);
  fs.rmSync(dir, { recursive: true });
});

/** Sends a request and gives what was logged of it. */
async function logged(url: string, body: unknown, type = 'application/json'): Promise<PredictionRecord> {
  const answer = await post(server, url, body, { 'content-type': type });
  expect(answer.status, answer.text).toBe(200);
  const id = answer.headers.get('x-prediction-id') ?? (answer.json() as { prediction_id: string }).prediction_id;
  for (let tries = 0; tries < 100; tries++) {
    for await (const record of readPredictionLog(log())) {
      if (record.kind === 'prediction' && record.id === id) return record;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it was not logged');
}

it('rows stand in the log as the client sent them, whichever protocol and thread read them', async () => {
  const one = await logged('/predict?model=table', { age: 3, city: 'Köln' });
  // The column that is redacted takes the tensor that it went into along.
  expect(one).toMatchObject({ rows: [{ age: 3 }], inputs: { x: '[redacted]' }, predictions: [4] });
  expect(JSON.stringify(one)).not.toContain('Köln');
  const left = await logged('/predict?model=table', { inputs: [{ city: 'Bonn' }, { age: null, city: 'Bonn' }] });
  expect(left.rows).toEqual([{}, { age: null }]);

  const frame = {
    dataframe_split: {
      columns: ['a', 'b'],
      data: [
        [1.5, 2],
        [3, 4],
      ],
    },
  };
  expect((await logged('/invocations?model=two', frame)).rows).toEqual([
    { a: 1.5, b: 2 },
    { a: 3, b: 4 },
  ]);
  expect(await logged('/invocations?model=two', 'a,b\n1.5,2\n', 'text/csv')).toMatchObject({
    rows: [{ a: 1.5, b: 2 }],
    inputs: { x: [[1.5, 2]] },
    predictions: [3.5],
  });
  const many = Array.from({ length: 1_000 }, (_, i) => [i, 1]);
  const far = await logged('/invocations?model=two', { dataframe_split: { columns: ['a', 'b'], data: many } });
  expect(far).toMatchObject({ row_count: 1_000, rows: { length: 256 }, inputs: { x: { shape: [1_000, 2] } } });
  expect(far.rows?.slice(0, 2)).toEqual([
    { a: 0, b: 1 },
    { a: 3, b: 1 },
  ]);
  expect(far.predictions?.slice(0, 2)).toEqual([1, 4]);
});

it('texts are described: characters, words, share of unknown tokens', async () => {
  const short = await logged('/predict?model=words', { title: 'good day what' });
  expect(short.rows).toEqual([
    { title: { text: 'good day what', length: 13, words: 3, unknown_share: expect.closeTo(1 / 3, 5) as number } },
  ]);
  const two = await logged('/predict?model=words', { title: ['good', 'bad '.repeat(100)] });
  expect(two.rows).toEqual([
    { title: { text: 'good', length: 4, words: 1, unknown_share: 0 } },
    { title: { md5: expect.any(String) as string, length: 400, words: 100, unknown_share: 1 } },
  ]);
});

it('vectors that are only a hash among the inputs stand among the rows', async () => {
  const vector = Array.from({ length: 300 }, (_, i) => i / 4);
  const inputs = [{ name: 'x', shape: [1, 300], datatype: 'FP32', data: vector }];
  const { status, text } = await post(server, '/v2/models/wide/infer', { inputs });
  expect(status, text).toBe(200);
  const wide = await logged('/predict?model=wide', { x: [vector] });
  expect(wide).toMatchObject({ rows: [{ x: vector }], inputs: { x: { shape: [1, 300], md5: expect.any(String) } } });
});

it('labels and scores stand beside outputs, unless what they are made of is redacted', async () => {
  const animal = await logged('/predict?model=animals', { X: [[1, 0]] });
  const [scores] = animal.scores as Record<string, number>[];
  expect(Object.keys(scores ?? {})).toEqual(['cat', 'dog']);
  expect(animal.labels).toHaveLength(1);
  const answer = await logged('/predict?model=secret', { x: [[1, 2]] });
  expect(answer).toMatchObject({ outputs: { shown: '[redacted]', risk: '[redacted]' } });
  for (const key of ['labels', 'scores', 'predictions']) expect(answer).not.toHaveProperty(key);
});

it('takes predictions of other models, and labels in bulk, as `mlops server` does', async () => {
  const send = async (url: string, body: unknown) => {
    const answer = await post(server, url, body);
    return [answer.status, answer.json()] as const;
  };
  expect(await send('/predictions', { id: 'p1', model: 'other', prediction: 'cat', arm: 'b' })).toEqual([
    202,
    { ids: ['p1'], prediction_id: 'p1', status: 'accepted' },
  ]);
  const two = { predictions: [{ prediction_id: 9_007_199_254_740_992, model: 'other' }, { model: 'other' }] };
  expect(await send('/predictions', two)).toEqual([202, { ids: ['9007199254740992', expect.any(String)] }]);
  const labels = {
    labels: [
      { id: 'p1', label: 'dog' },
      { prediction_id: 'p2', label: 1, comment: 'odd' },
    ],
  };
  expect(await send('/predictions/labels', labels)).toEqual([202, { ids: ['p1', 'p2'] }]);
  expect(await send('/feedback', [{ id: 'p3', label: true }])).toMatchObject([202, { prediction_id: 'p3' }]);
  expect(await send('/predictions', [])).toEqual([202, { ids: [] }]);
  for (const [url, body, path] of [
    ['/predictions', [{ id: 'q', model: 'other' }, { id: 'r' }], 'model'],
    ['/predictions/labels', { id: 'q' }, 'label'],
    ['/feedback', { label: 1 }, 'id'],
    ['/feedback', { id: 'q', label: { a: 1 } }, 'label'],
  ] as const) {
    const [status, answer] = await send(url, body);
    expect([status, answer], url).toMatchObject([400, { error: { code: 'invalid_input', path } }]);
  }
  let found: unknown[] = [];
  for (let tries = 0; tries < 100 && found.length < 6; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    found = [];
    for await (const record of readPredictionLog(log())) {
      if (record.kind === 'feedback' || record.model === 'other') found.push(record);
    }
  }
  expect(found).toMatchObject([
    { kind: 'prediction', id: 'p1', prediction: 'cat', arm: 'b' },
    { kind: 'prediction', id: '9007199254740992' },
    { kind: 'prediction' },
    { kind: 'feedback', prediction_id: 'p1', label: 'dog' },
    { kind: 'feedback', prediction_id: 'p2', label: 1, comment: 'odd' },
    { kind: 'feedback', prediction_id: 'p3', label: true },
  ]);
});

it('what is logged is read as rows of columns', async () => {
  const columns = new Set<string>();
  for await (const { model, inputs } of readEntries(log())) {
    for (const name of Object.keys(inputs ?? {})) columns.add(`${model}:${name}`);
  }
  expect([...columns].filter((name) => !name.startsWith('wide')).sort()).toEqual([
    ...['animals:X[0]', 'animals:X[1]', 'secret:x[0]', 'secret:x[1]', 'table:age', 'two:a', 'two:b'],
    ...['words:title.length', 'words:title.unknown_share', 'words:title.words'],
  ]);
});
