import { spawn } from 'node:child_process';
import * as path from 'node:path';
import { onTestFinished } from 'vitest';

import { freePort } from '../../support/free-port.ts';

/** MLflow's own server on a fresh database in a folder; ends with the test. */
export async function serveMlflow(python: string, folder: string): Promise<string> {
  const port = await freePort();
  const args = ['-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port)];
  const child = spawn(
    python,
    [...args, '--backend-store-uri', `sqlite:///${folder}/real.db`, '--artifacts-destination', `${folder}/real`],
    {
      cwd: folder,
      env: {
        PATH: `${path.dirname(python)}:${process.env['PATH']}`,
        HOME: folder,
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
        SETUPTOOLS_USE_DISTUTILS: 'stdlib',
      },
      stdio: 'ignore',
      detached: true,
    },
  );
  onTestFinished(() => void process.kill(-(child.pid ?? 0), 'SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; i < 200; i++) {
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    if (answer?.ok === true) return url;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error('the mlflow server did not start');
}
