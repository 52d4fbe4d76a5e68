import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { createLogger } from '../../../src/base/index.ts';
import { FolderSource, type RunningServer } from '../../../src/serve/index.ts';
import { startServer } from '../../support/serving.ts';
import { describeWithTool } from '../../tools.ts';

const run = promisify(execFile);
const script = path.join(import.meta.dirname, 'python', 'check_python.py');

describeWithTool('mlflow', 'models that Python runs', ({ mlflow: python }) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'python-runtime-'));
  const options = { maxBuffer: 1 << 26, env: { ...process.env, PYTHONWARNINGS: 'ignore' } };
  const said: string[] = [];
  let server: RunningServer;

  beforeAll(async () => {
    await run(python, [script, 'make', folder], options);
    server = await startServer(FolderSource.directory(folder, 'python'), {
      lazy: true,
      scheduler: { deadline: 30_000 },
      python: { python, memoryLimit: 1_500 * 2 ** 20 },
      log: createLogger('info', (_, line) => said.push(line)),
    });
  }, 300_000);

  afterAll(async () => {
    await server.close(2_000);
    fs.rmSync(folder, { recursive: true });
  });

  const post = async (where: string, body: unknown) => {
    const answer = await fetch(`${server.listening.url}${where}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, never> };
  };
  const naughty = async (what: string) => {
    const { status, body } = await post('/predict?model=naughty', { inputs: { what: [what] } });
    return {
      status,
      code: (body['error'] as { code?: string } | undefined)?.code,
      pid: body['outputs']?.['predictions'],
    };
  };

  it("answers as MLflow's scoring server: signatures, forms of input, kinds of outputs", async () => {
    const { stdout } = await run(python, [script, 'ask', folder, server.listening.url], options);
    expect(stdout.trim()).toBe('compared 279');
    expect(said.join('\n')).toMatch(/'forest' was made with scikit-learn 0\.1 \(here .+\), nowhere 1\.0 \(here none\)/);
  }, 600_000);

  it('runs requests together where rows stay apart, and alone where they do not', async () => {
    const batching = async (model: string) => {
      const info = (await (await fetch(`${server.listening.url}/models/info?model=${model}`)).json()) as {
        versions: { batching: boolean; batching_off?: string }[];
      };
      return info.versions[0];
    };
    expect(await batching('forest')).toMatchObject({ batching: true });
    expect(await batching('array')).toMatchObject({ batching: true });
    expect(await batching('centred')).toMatchObject({ batching: false, batching_off: /other values/ });
    const rows = Array.from({ length: 40 }, (_, i) => [4 + (i % 4), 3, 1 + (i % 5), 0.1 + (i % 3)]);
    const together = await post('/invocations?model=array', { inputs: rows });
    const singles = await Promise.all(rows.map((row) => post('/invocations?model=array', { inputs: [row] })));
    expect(singles.flatMap(({ body }) => body['predictions'])).toEqual(together.body['predictions']);
  });

  it('speaks the other protocols', async () => {
    const tensor = { name: 'input', shape: [2, 4], datatype: 'FP64', data: [5.1, 3.5, 1.4, 0.2, 6.3, 3.3, 6, 2.5] };
    const v2 = await post('/v2/models/array/infer', { inputs: [tensor] });
    expect(v2.body['outputs']).toEqual([
      { name: 'predictions', shape: [2], datatype: 'BYTES', data: ['setosa', 'virginica'] },
    ]);
    const free = await post('/v2/models/bare/infer', { inputs: [{ ...tensor, name: 'anything' }] });
    expect(free.body['outputs']).toEqual(v2.body['outputs']);
    const native = await post('/predict?model=forest', { instances: [{ a: 5.1, b: 3.5, c: 1.4, d: 0.2 }] });
    expect(native.body).toMatchObject({ labels: ['setosa'], model: 'forest', model_version: '1' });
    const wrong = await post('/predict?model=forest', { instances: [{ a: 'x', b: 3.5, c: 1.4, d: 0.2 }] });
    expect(wrong).toMatchObject({ status: 400, body: { error: { code: 'invalid_input' } } });
    const missing = await post('/invocations?model=forest', { inputs: { a: [1] } });
    expect(missing).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
  });

  it('replaces a process that dies, ends, hangs or eats memory, and goes on', async () => {
    const first = await naughty('ok');
    expect(first).toMatchObject({ status: 200, pid: [expect.stringMatching(/^\d+$/)] });
    expect(await naughty('raise')).toMatchObject({ status: 400, code: 'inference_failed' });
    process.kill(Number(first.pid?.[0]), 'SIGKILL');
    const second = await naughty('ok');
    expect(second.status).toBe(200);
    expect(second.pid).not.toEqual(first.pid);
    expect(await naughty('die')).toMatchObject({ status: 503, code: 'inference_thread_lost' });
    expect(await naughty('eat')).toMatchObject({ status: 503, code: 'inference_thread_lost' });
    expect(await naughty('ok')).toMatchObject({ status: 200 });
    const [hung, other] = await Promise.all([
      naughty('hang'),
      post('/invocations?model=bare', { inputs: [[1, 2, 3, 4]] }),
    ]);
    expect(other.status).toBe(200);
    expect(hung).toMatchObject({ status: 504, code: 'deadline_exceeded' });
    expect(await naughty('ok')).toMatchObject({ status: 200 });
  }, 300_000);

  it('says in one line what a Python lacks', async () => {
    const source = FolderSource.single(path.join(folder, 'line'), 'm', 'python');
    const failing = async (other: string) => {
      const broken = await startServer(source, { python: { python: other } });
      await broken.close(0);
      return broken.failures[0]?.error;
    };
    expect(await failing('/no/such/python')).toMatchObject({ code: 'program_missing', hint: 'name one with --python' });
    const bare = path.join(folder, 'bare-python');
    fs.writeFileSync(bare, `#!/bin/sh\nexec ${python} -S "$@"\n`, { mode: 0o755 });
    expect(await failing(bare)).toMatchObject({ code: 'program_missing', hint: /-m pip install mlflow/ });
    fs.rmSync(bare);
  }, 60_000);
});
