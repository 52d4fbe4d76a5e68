import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { buildOnnx, linearModel, type Node } from '../../../test/support/onnx.ts';
import { post, startServer } from '../../../test/support/serving.ts';
import { inferenceWorker } from '../../../test/support/worker.ts';
import { FolderSource, MemorySource, serve, type RunningServer } from '../index.ts';

let dir = '';
const open: RunningServer[] = [];
beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'aside-'))));
afterEach(async () => {
  for (const server of open.splice(0)) await server.close(2_000);
  fs.rmSync(dir, { recursive: true });
});

/** y = x + the mean of products of large constants, which the runtime computes while it loads the model. */
function slowToLoad(products: number): Uint8Array {
  const nodes: Node[] = [
    { op: 'ConstantOfShape', inputs: ['size'], outputs: ['h0'] },
    ...Array.from({ length: products }, (_, i) => ({
      op: 'MatMul',
      inputs: [`h${i}`, 'h0'],
      outputs: [`h${i + 1}`],
    })),
    { op: 'ReduceMean', inputs: [`h${products}`], outputs: ['mean'] },
    { op: 'Add', inputs: ['x', 'mean'], outputs: ['y'] },
  ];
  const raw = new Uint8Array(BigInt64Array.of(1_000n, 1_000n).buffer);
  return buildOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: ['N', 2] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['N', 2] }],
    nodes,
    weights: [{ name: 'size', type: 'int64', shape: [2], raw }],
  });
}

describe('a model that takes long to load', { timeout: 60_000 }, () => {
  it('delays no request to the others, is answered, and can be replaced', async () => {
    const source = new MemorySource().add('tiny', '1', linearModel(2, 1)).add('slow', '1', slowToLoad(20));
    const server = await startServer(source, { lazy: true });
    open.push(server);
    const ask = (model: string) => post(server, '/predict', { model, x: [[1, 2]] });
    expect((await ask('tiny')).status).toBe(200);
    let done = false;
    const started = performance.now();
    const slow = ask('slow').finally(() => (done = true));
    const waits: number[] = [];
    while (!done) {
      const asked = performance.now();
      expect((await ask('tiny')).status).toBe(200);
      waits.push(performance.now() - asked);
    }
    const took = performance.now() - started;
    expect((await slow).json()).toMatchObject({ outputs: { y: [[1, 2]] } });
    // In the thread that both share, one of them would have waited for all of it.
    expect(took).toBeGreaterThan(300);
    expect(Math.max(...waits)).toBeLessThan(took / 2);
    expect(waits.length).toBeGreaterThan(10);
    source.add('slow', '2', slowToLoad(8));
    expect((await post(server, '/models/load/2?model=slow', '')).status).toBe(200);
    expect((await ask('slow')).json()).toMatchObject({ model_version: '2', outputs: { y: [[1, 2]] } });
  });
});

describe('batching', () => {
  const softmax = (axis: number): Uint8Array =>
    buildOnnx({
      inputs: [{ name: 'x', type: 'float32', shape: ['N', 2] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['N', 2] }],
      nodes: [{ op: 'Softmax', inputs: ['x'], outputs: ['y'], attributes: [{ name: 'axis', int: axis }] }],
    });

  async function serveModels(models: Readonly<Record<string, readonly [Uint8Array, string?]>>): Promise<RunningServer> {
    for (const [name, [bytes, config]] of Object.entries(models)) {
      fs.writeFileSync(path.join(dir, `${name}.onnx`), bytes);
      if (config !== undefined) fs.writeFileSync(path.join(dir, `${name}.serving.yaml`), config);
    }
    const source = FolderSource.directory(dir);
    const specs = (await source.list()).map(({ name }) => ({ name, source }));
    const server = await serve({
      models: specs,
      host: '127.0.0.1',
      port: 0,
      workerFile: await inferenceWorker(),
      threads: 1,
    });
    open.push(server);
    return server;
  }

  it('is found out, said in /models/info, and decided by serving.yaml', async () => {
    const server = await serveModels({
      apart: [softmax(1)],
      mixing: [softmax(0)],
      off: [softmax(1), 'batching: off\n'],
      on: [softmax(0), 'batching: on\n'],
    });
    const info = (await (await fetch(`${server.listening.url}/models/info`)).json()) as {
      models: { name: string; versions: { batching: boolean; batching_off?: string }[] }[];
    };
    const said = info.models.map(({ name, versions: [version] }) => [name, version?.batching, version?.batching_off]);
    expect(said).toEqual([
      ['apart', true, undefined],
      ['mixing', false, 'Softmax reckons over the rows'],
      ['off', false, 'serving.yaml says so'],
      ['on', true, undefined],
    ]);
  });

  it('gives forty clients at once what each gets alone, from a graph that mixes rows', async () => {
    const server = await serveModels({ mixing: [softmax(0)] });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => post(server, '/predict', { x: [[i, -i * 1000]] })),
    );
    for (const answer of answers) expect(answer.json()).toMatchObject({ outputs: { y: [[1, 1]] } });
  });
});
