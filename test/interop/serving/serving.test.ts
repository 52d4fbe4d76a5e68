import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { FolderSource, serve, type RunningServer } from '../../../src/serve/index.ts';
import { planModelFolder, writeModelFolder } from '../../../src/model/index.ts';
import { inferenceWorker } from '../../support/worker.ts';
import { describeWithTool } from '../../tools.ts';

const run = promisify(execFile);
const scripts = path.join(import.meta.dirname, 'python');

describeWithTool('mlflow', 'models made in Python', ({ mlflow: python }) => {
  let dir = '';
  let server: RunningServer;
  const call = async (script: string, ...args: string[]): Promise<string> => {
    const options = { cwd: dir, maxBuffer: 1 << 26, env: { ...process.env, PYTHONWARNINGS: 'ignore' } };
    return (await run(python, [path.join(scripts, script), ...args], options)).stdout;
  };

  beforeAll(async () => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'serving-interop-'));
    await call('make_models.py', dir);
    const plan = await planModelFolder(path.join(dir, 'iris.onnx'));
    writeModelFolder(plan, path.join(dir, 'ours'));
    const source = FolderSource.directory(dir);
    const models = (await source.list()).map(({ name }) => ({ name, source }));
    server = await serve({ models, host: '127.0.0.1', port: 0, workerFile: await inferenceWorker(), threads: 1 });
  }, 300_000);
  afterAll(async () => {
    await server.close(2_000);
    fs.rmSync(dir, { recursive: true });
  });

  it('answer as they do in Python: scikit-learn pipelines, text, a tiny BERT with its tokenizer, magika', async () => {
    expect(server.failures).toEqual([]);
    const said = await call('check_predict.py', server.listening.url, dir);
    expect(said.trim().split('\n')).toEqual([
      ...[
        'iris ok',
        'wine ok',
        'breast_cancer ok',
        'digits ok',
        'diabetes ok',
        'mixed ok',
        'text ok',
        'bert ok',
        'cls pooling ok',
        'max pooling ok',
        'similarity ok',
        'magika ok',
      ],
    ]);
  }, 300_000);

  it('are served to the Triton client in all its ways', async () => {
    expect((await call('check_triton.py', server.listening.url.slice('http://'.length), dir)).trim()).toBe('triton ok');
  }, 120_000);

  it('load in mlflow.onnx and mlflow.pyfunc from the folder that we wrote, and answer the client of MLflow', async () => {
    const source = FolderSource.single(path.join(dir, 'ours'));
    const [{ name } = { name: '' }] = await source.list();
    const workerFile = await inferenceWorker();
    const one = await serve({ models: [{ name, source }], host: '127.0.0.1', port: 0, workerFile, threads: 1 });
    const said = await call('check_mlflow.py', path.join(dir, 'ours'), server.listening.url, one.listening.url);
    await one.close(2_000);
    expect(said.trim()).toBe('mlflow ok');
  }, 120_000);
});
