import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { MlopsClient, MlopsError, type Box } from '../../../examples/clients/mlops-client.ts';
import { FolderSource, type RunningServer } from '../../../src/serve/index.ts';
import { buildOnnx, identityModel } from '../../support/onnx.ts';
import { startServer, sum } from '../../support/serving.ts';
import { describeWithTool } from '../../tools.ts';

const examples = path.join(import.meta.dirname, '../../../examples/clients');
const script = path.join(import.meta.dirname, 'python/check_clients.py');
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'clients-'));
const log = path.join(dir, 'log');
let server: RunningServer;
let photo: Buffer;

/** Finds the same two things in every picture, as the last layers of a detector give them. */
function detector(): Uint8Array {
  const rows = Float32Array.of(40, 30, 300, 220, 0.92, 0, 320, 100, 600, 420, 0.81, 1);
  const bytes = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer);
  return buildOnnx({
    inputs: [{ name: 'images', type: 'float32', shape: [1, 3, 640, 640] }],
    outputs: [{ name: 'output0', type: 'float32', shape: [1, 2, 6] }],
    nodes: [
      { op: 'ReduceMean', inputs: ['images'], outputs: ['mean'], attributes: [{ name: 'keepdims', int: 0 }] },
      { op: 'Mul', inputs: ['mean', 'nought'], outputs: ['nothing'] },
      { op: 'Add', inputs: ['rows', 'nothing'], outputs: ['output0'] },
    ],
    weights: [
      { name: 'rows', type: 'float32', shape: [1, 2, 6], raw: bytes(rows) },
      { name: 'nought', type: 'float32', shape: [1], raw: bytes(Float32Array.of(0)) },
    ],
  });
}

beforeAll(async () => {
  const models = path.join(dir, 'models');
  const put = (name: string, bytes: Uint8Array, serving?: string): void => {
    fs.mkdirSync(path.join(models, name), { recursive: true });
    fs.writeFileSync(path.join(models, name, 'model.onnx'), bytes);
    if (serving !== undefined) fs.writeFileSync(path.join(models, name, 'serving.yaml'), `version: 1\n${serving}`);
  };
  put('m', sum());
  put('vectors', identityModel('float32', ['N', 2]));
  put('whole', identityModel('int64', ['N']));
  const output = '{name: output0, as: boxes, decode: boxes, head: yolov10, score: 0.5, labels: [naevus, melanoma]}';
  put('detector', detector(), `image: {preset: yolo}\noutputs: [${output}]\n`);
  photo = await sharp({ create: { width: 320, height: 320, channels: 3, background: '#804020' } })
    .png()
    .toBuffer();
  fs.writeFileSync(path.join(dir, 'photo.png'), photo);
  server = await startServer(FolderSource.directory(models), { predictionLog: { directory: log } });
  expect(server.failures).toEqual([]);
});
afterAll(async () => {
  await server.close(2_000);
  fs.rmSync(dir, { recursive: true });
});

async function refused(asking: Promise<unknown>): Promise<MlopsError> {
  const error: unknown = await asking.catch((thrown: unknown) => thrown);
  if (error instanceof MlopsError) return error;
  throw new Error('expected an MlopsError', { cause: error });
}

describe('the TypeScript client', () => {
  it('predicts for lists, typed arrays and pictures, and compares', async () => {
    const mlops = new MlopsClient(server.listening.url, { model: 'm' });
    expect(await mlops.ready()).toBe(true);
    expect((await mlops.models()).map(({ name }) => name)).toContain('detector');
    const answer = await mlops.predict<{ y: number[][] }>({ x: [[1, 2], Float32Array.of(3, 4)] }, { outputs: ['y'] });
    expect(answer).toMatchObject({ outputs: { y: [[3], [7]] }, model: 'm', model_version: '1' });
    expect((await mlops.predict({ x: [[1, Number.NaN]] })).outputs).toEqual({ y: [[null]] });
    expect((await mlops.predict({ x: [1n, 2n ** 40n] }, { model: 'whole' })).outputs).toEqual({ y: [1, 2 ** 40] });
    for (const image of [photo, new Blob([new Uint8Array(photo)])]) {
      const found = await mlops.predict<{ boxes: Box[][] }>({ image }, { model: 'detector' });
      expect(found.outputs.boxes[0]?.map(({ label }) => label)).toEqual(['naevus', 'melanoma']);
    }
    const rows = {
      query: { x: [1, 0] },
      candidates: {
        x: [
          [0, 1],
          [2, 0],
        ],
      },
    };
    expect(await mlops.similarity(rows, { model: 'vectors' })).toMatchObject({ ranking: [1, 0], scores: [0, 1] });
    await mlops.feedback(answer.prediction_id, { label: 3, reward: 0.5 });
  });

  it('says what was refused and where, and why it could not ask', async () => {
    const mlops = new MlopsClient(`${server.listening.url}/`, { model: 'm', retries: 0 });
    const wrong = await refused(mlops.predict({ x: [[1, 'a']] }));
    expect(wrong).toMatchObject({ status: 400, code: 'invalid_input', path: 'inputs.x[0][1]' });
    expect(wrong.requestId).toMatch(/./);
    expect(await refused(mlops.predict({ x: [[1, 2]] }, { model: 'none' }))).toMatchObject({ status: 404 });
    expect(await refused(mlops.predict({ x: [2n ** 60n] }, { model: 'whole' }))).toMatchObject({
      code: 'invalid_input',
    });
    const nobody = new MlopsClient('http://127.0.0.1:1', { retries: 1 });
    expect(await refused(nobody.predict({ x: [1] }))).toMatchObject({ status: 0, code: 'unreachable' });
    expect(await nobody.ready()).toBe(false);
  });

  it('asks again while the server is full', async () => {
    let asked = 0;
    const mlops = new MlopsClient(server.listening.url, {
      model: 'm',
      fetch: (...given) => (asked++ === 0 ? Promise.resolve(new Response('{}', { status: 503 })) : fetch(...given)),
    });
    expect((await mlops.predict({ x: [[1, 2]] })).outputs).toEqual({ y: [[3]] });
    expect(asked).toBe(2);
  });
});

describeWithTool('science', 'the Python client', ({ science: python }) => {
  it('predicts, compares and says what became of it; a Django view asks a detector by upload', async () => {
    const { stdout } = await promisify(execFile)(python, [script, examples, server.listening.url, dir]);
    expect(stdout.trim()).toBe('clients ok');
    // The log is written some tenths of a second behind the answers.
    await vi.waitFor(
      () => {
        const lines = fs.readdirSync(log).flatMap((file) => fs.readFileSync(path.join(log, file), 'utf8').split('\n'));
        const labels = lines.filter((line) => line.includes('"kind":"feedback"'));
        expect(labels.some((line) => line.includes('"melanoma"'))).toBe(true);
        expect(labels.some((line) => line.includes('"reward":0.5'))).toBe(true);
      },
      { timeout: 20_000, interval: 50 },
    );
  }, 60_000);
});
