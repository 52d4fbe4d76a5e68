import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

import { buildOnnx, identityModel, type OnnxTypeName } from '../../../test/support/onnx.ts';
import { post, startForTest, startServer } from '../../../test/support/serving.ts';
import { readPredictionLog } from '../../monitor/index.ts';
import { FolderSource } from '../models/folder-source.ts';
import type { ModelSource } from '../models/model-source.ts';
import type { RunningServer } from '../routes/server.ts';

let server: RunningServer;
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'serve-ensembles-'));

function write(file: string, content: string | Uint8Array): void {
  fs.mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
  fs.writeFileSync(path.join(dir, file), content);
}

const member = (name: string, model: string, inputs: string) => `{name: ${name}, model: models:/${model}/1, ${inputs}}`;
const [a, b] = [member('a', 'single', 'inputs: {x: p}'), member('b', 'half', 'inputs: {x: q}')];
const scores = (type: OnnxTypeName) => identityModel(type, ['N', 2]);

beforeAll(async () => {
  write('single/model.onnx', scores('float32'));
  write('half/model.onnx', scores('float16'));
  const fusion = buildOnnx({
    inputs: ['a', 'b'].map((name) => ({ name, type: 'float32', shape: ['N', 2] })),
    outputs: [{ name: 'y', type: 'float16', shape: ['N', 2] }],
    nodes: [
      { op: 'Max', inputs: ['a', 'b'], outputs: ['most'] },
      { op: 'Cast', inputs: ['most'], outputs: ['y'], attributes: [{ name: 'to', int: 10 }] },
    ],
  });
  write('mean/serving.yaml', `ensemble: {members: [${a}, ${b}], join: mean, labels: [no, yes]}`);
  write('chain/serving.yaml', `ensemble: {members: [${b}, ${member('c', 'single', 'inputs: {x: b.y}')}], join: chain}`);
  write('stacking/serving.yaml', `ensemble: {members: [${a}, ${b}], join: stacking, fusion: fusion.onnx}`);
  write('stacking/fusion.onnx', fusion);
  server = await startServer(FolderSource.directory(dir));
  expect(server.failures).toEqual([]);
});
afterAll(async () => {
  await server.close(1_000);
  fs.rmSync(dir, { recursive: true });
});

const [p, q]: [number[][], number[][]] = [[[0.25, 0.5]], [[0.75, 0.25]]];

it.each([
  ['mean', { p, q }, [[0.5, 0.375]]],
  ['chain', { q }, q],
  ['stacking', { p, q }, [[0.75, 0.5]]],
])('%s reads half precision as numbers', async (model, values, probabilities) => {
  const answer = await post(server, `/predict?model=${model}`, values);
  expect(answer.json()).toMatchObject({ outputs: { probabilities } });
});

it('answers the other protocols as /predict', async () => {
  const tensor = (name: string, [row]: number[][]) => ({ name, datatype: 'FP32', shape: [1, 2], data: row });
  const v2 = await post(server, '/v2/models/mean/infer', { inputs: [tensor('p', p), tensor('q', q)] });
  expect(v2.json()).toMatchObject({ outputs: [{ name: 'probabilities', shape: [1, 2], data: [0.5, 0.375] }] });
  expect((await post(server, '/v2/models/mean/infer', { inputs: [tensor('p', p)] })).status).toBe(400);
  for (const body of [
    { inputs: { p, q } },
    { instances: [{ p: p[0], q: q[0] }] },
    { dataframe_records: [{ p: p[0], q: q[0] }] },
  ]) {
    const scored = await post(server, '/invocations?model=mean', body);
    expect(scored.text).toContain('[[0.5,0.375]]');
  }
});

it('is in the log with what was sent', async () => {
  const directory = path.join(dir, '.log');
  const logged = await startServer(FolderSource.directory(dir), { predictionLog: { directory } });
  await post(logged, '/predict?model=mean', { inputs: { p, q } });
  await post(logged, '/invocations?model=mean', { inputs: { p, q } });
  await logged.close(1_000);
  const records: unknown[] = [];
  for await (const record of readPredictionLog(directory)) records.push(record);
  const found = {
    model: 'mean',
    rows: [{ p: p[0], q: q[0] }],
    labels: ['no'],
    outputs: { probabilities: [[0.5, 0.375]] },
  };
  expect(records).toMatchObject([found, found]);
});

it('takes numbers of a form as JSON', async () => {
  const form = new FormData();
  for (const [key, value] of Object.entries({ p, q })) form.set(key, JSON.stringify(value[0]));
  const answer = await fetch(`${server.listening.url}/predict?model=mean`, { method: 'POST', body: form });
  expect(await answer.json()).toMatchObject({ labels: ['no'], members: { a: '1', b: '1' } });
});

it('lets go of the members that it alone had loaded when another one is missing', async () => {
  write('broken/serving.yaml', `ensemble: {members: [${a}, ${member('z', 'nobody', 'inputs: {x: p}')}], join: mean}`);
  const folder = FolderSource.directory(dir);
  const open: string[] = [];
  const source: ModelSource = {
    kind: folder.kind,
    changes: (signal) => folder.changes(signal),
    list: async () => (await folder.list()).filter(({ name }) => name === 'broken'),
    resolve: (name, selector) => folder.resolve(name, selector),
    open: async (ref) => {
      const opened = await folder.open(ref);
      open.push(ref.name);
      const release = async () => void open.splice(open.indexOf(ref.name), 1);
      return { ...opened, release };
    },
  };
  const { failures } = await startForTest(source);
  expect(failures).toEqual([expect.objectContaining({ name: 'broken' })]);
  await vi.waitFor(() => expect(open).toEqual([]));
});
