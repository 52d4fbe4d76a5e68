import { describe, expect, it } from 'vitest';

import { buildOnnx, linearModel } from '../../../test/support/onnx.ts';
import { post, startForTest } from '../../../test/support/serving.ts';
import { analyseRows } from '../../model/index.ts';
import { MemorySource, type RunningServer } from '../index.ts';

const ask = (server: RunningServer, x: readonly number[][]) => post(server, '/predict', { inputs: { x } });

/** Asks one request after the other until the server's own thread has the model; says how many that took. */
async function untilNear(server: RunningServer, x: readonly number[][]): Promise<number> {
  for (let asked = 1; asked <= 500; asked++) {
    expect((await ask(server, x)).status).toBe(200);
    const session = server.repository.model('m').current?.session ?? 0;
    const feeds = { x: { dtype: 'float32', dims: [x.length, 2], data: new Float32Array(x.length * 2) } } as const;
    if (server.pool.near(session, feeds) !== undefined) return asked;
  }
  throw new Error('the model never came near');
}

describe('a model whose runs are short', { timeout: 60_000 }, () => {
  it('answers lone requests in the thread of the server, with the same bits and the same counts', async () => {
    const server = await startForTest(new MemorySource().add('m', '1', linearModel(2, 3)), { shortRun: Infinity });
    const x = [[0.1, 0.7]];
    const before = (await ask(server, x)).json() as { outputs: unknown };
    const asked = await untilNear(server, x);
    // Without an inference thread there is no other place to run.
    for (const thread of server.pool.threads) thread.runs = 9;
    const after = (await ask(server, x)).json() as { outputs: unknown };
    for (const thread of server.pool.threads) thread.runs = 0;
    expect(after.outputs).toEqual(before.outputs);
    const { versions } = await server.control.snapshot();
    expect(versions[0]?.stats).toMatchObject({ success: asked + 2, inferences: asked + 2, executions: asked + 2 });
  });

  it('goes with its version, and its errors are those of the threads', async () => {
    const source = new MemorySource().add('m', '1', linearModel(2, 1)).add('m', '2', linearModel(2, 3));
    const server = await startForTest(source, { shortRun: Infinity });
    await server.control.load('m', '1');
    await untilNear(server, [[1, 2]]);
    await server.control.load('m', '2');
    const answer = (await ask(server, [[1, 2]])).json() as { model_version: string };
    expect(answer.model_version).toBe('2');
    await untilNear(server, [[1, 2]]);
    expect((await ask(server, [[1, 2]])).json()).toMatchObject({ model_version: '2' });
    expect((await ask(server, [[1, 2, 3]])).status).toBe(400);
  });

  it('stays in the inference threads where more comes at once', async () => {
    const server = await startForTest(new MemorySource().add('m', '1', linearModel(2, 3)), { shortRun: Infinity });
    await untilNear(server, [[1, 2]]);
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => ask(server, [[i, 1]])));
    const alone = await ask(server, [[7, 1]]);
    const outputs = answers.map((answer) => (answer.json() as { outputs: { y: number[][] } }).outputs.y);
    expect(outputs[7]).toEqual((alone.json() as { outputs: { y: number[][] } }).outputs.y);
    expect(new Set(outputs.map((y) => JSON.stringify(y))).size).toBe(40);
  });

  it('is none whose values could steer how much there is to compute', () => {
    const input = { name: 'n', dtype: 'float32', dims: ['N', 1] } as const;
    const steered = (op: string): boolean => {
      const node = { op, inputs: ['n'], outputs: ['y'] };
      const edge = { type: 'float32', shape: ['N', 1] } as const;
      const inputs = [{ name: 'n', ...edge }];
      const outputs = [{ name: 'y', ...edge }];
      return analyseRows(buildOnnx({ inputs, outputs, nodes: [node], weights: [] }), [input], ['y']).steered;
    };
    expect(['Relu', 'MatMul', 'Range', 'Expand', 'Tile'].map(steered)).toEqual([false, false, true, true, true]);
  });
});
