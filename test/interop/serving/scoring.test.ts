import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

import { FolderSource, serve } from '../../../src/serve/index.ts';
import { inferenceWorker } from '../../support/worker.ts';
import { describeWithTool } from '../../tools.ts';

const run = promisify(execFile);
const script = path.join(import.meta.dirname, 'python', 'check_scoring.py');

describeWithTool('mlflow', '/invocations', ({ mlflow: python }) => {
  it("answers as MLflow's scoring server: signatures, forms of input, outputs, words in CSV", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scoring-'));
    const options = { maxBuffer: 1 << 26, env: { ...process.env, PYTHONWARNINGS: 'ignore' } };
    await run(python, [script, 'make', folder], options);
    const source = FolderSource.directory(folder);
    const models = (await source.list()).map(({ name }) => ({ name, source }));
    const workerFile = await inferenceWorker();
    const server = await serve({ models, host: '127.0.0.1', port: 0, workerFile, threads: 1 });
    const { stdout } = await run(python, [script, 'ask', folder, server.listening.url], options);
    await server.close(2_000);
    fs.rmSync(folder, { recursive: true });
    expect(stdout.trim()).toBe('compared 2106');
  }, 300_000);
});
