// MLflow's own client subscribes to our server, and checks what it receives with MLflow's own signing function.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { startTrackingServer } from '../../../src/app/endpoint/server.ts';
import { silentLogger } from '../../../src/base/index.ts';
import { describeWithTool } from '../../tools.ts';

describeWithTool('mlflow', 'webhooks of an MLflow client', ({ mlflow }) => {
  it('are kept, delivered, signed and tested as by its own server', { timeout: 240_000 }, async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-webhooks-'));
    const server = await startTrackingServer({
      place: { uri: path.join(folder, 'mlops.db'), root: folder, given: false },
      cwd: folder,
      backend: path.join(folder, 'mlops.db'),
      host: '127.0.0.1',
      port: 0,
      env: { MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: 'true', MLFLOW_WEBHOOK_ALLOWED_SCHEMES: 'http,https' },
      log: silentLogger,
    });
    try {
      const report = path.join(folder, 'report.json');
      await run(mlflow, [path.join(import.meta.dirname, 'python/check_webhooks.py'), report], folder, server.url);
      expect(JSON.parse(fs.readFileSync(report, 'utf8'))).toEqual({
        created: ['all', 'everything', 'ACTIVE', null, true],
        listed: ['off', 'all'],
        got: true,
        tested: [true, 200, 'seen'],
        seen: [
          'model_version.created',
          'model_version_alias.created',
          'model_version_alias.deleted',
          'model_version_tag.deleted',
          'model_version_tag.set',
          'prompt.created',
          'prompt_version.created',
          'registered_model.created',
        ],
        signed: true,
        shapes: true,
        changed: ['renamed', 'DISABLED', ['prompt.created'], 'everything'],
        gone: 'RESOURCE_DOES_NOT_EXIST',
        refused: 'INVALID_PARAMETER_VALUE',
      });
    } finally {
      await server.close(1_000);
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
});

function run(program: string, args: readonly string[], cwd: string, url: string): Promise<void> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: cwd,
    LANG: 'C.UTF-8',
    GIT_PYTHON_REFRESH: 'quiet',
    MLFLOW_TRACKING_URI: url,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
  };
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4_000)));
    child.on('error', reject);
    child.on('close', (status) => (status === 0 ? resolve() : reject(new Error(`exit ${status}: ${errors}`))));
  });
}
