import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { FolderSource, serve, type RunningServer } from '../../../src/serve/index.ts';
import { inferenceWorker } from '../../support/worker.ts';
import { describeWithTool } from '../../tools.ts';

const run = promisify(execFile);
const scripts = path.join(import.meta.dirname, 'python');

/** All of ONNX's own test models in one folder, against onnxruntime in Python. */
describeWithTool('mlflow', "a folder of ONNX's test models", ({ mlflow: python }) => {
  let dir = '';
  let models = 0;
  let server: RunningServer;
  const call = async (script: string, ...args: string[]): Promise<string> => {
    const options = { maxBuffer: 1 << 26, env: { ...process.env, PYTHONWARNINGS: 'ignore' } };
    return (await run(python, [path.join(scripts, script), ...args], options)).stdout;
  };

  beforeAll(async () => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'serving-models-'));
    models = Number(await call('backend_models.py', dir));
    const source = FolderSource.directory(dir);
    const specs = (await source.list()).map(({ name }) => ({ name, source }));
    server = await serve({
      models: specs,
      host: '127.0.0.1',
      port: 0,
      workerFile: await inferenceWorker(),
      threads: 1,
    });
  }, 300_000);
  afterAll(async () => {
    await server.close(2_000);
    fs.rmSync(dir, { recursive: true });
  });

  it('answers as onnxruntime does, bit by bit, in JSON and binary', async () => {
    expect(models).toBeGreaterThan(1_500);
    expect(server.repository.models.size).toBe(models);
    expect(server.failures).toEqual([]);
    const { differences, compared, ...others } = JSON.parse(await call('check_backend.py', server.listening.url, dir));
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThan(1_400);
    expect(others).toEqual({
      'of types that onnxruntime-node does not handle': expect.any(Number),
      'not run by onnxruntime': expect.any(Number),
      'given an empty optional': expect.any(Number),
    });
    expect(server.pool.restarts).toBe(0);
  }, 900_000);
});
