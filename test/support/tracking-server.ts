import * as path from 'node:path';

import { startMlops } from '../cli.ts';

export interface Running {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  kill(): Promise<void>;
}

/** The built server as a process of its own, on a store in a folder or at `backend`. */
export async function start(
  folder: string,
  launch = startMlops,
  backend = path.join(folder, 'mlops.db'),
  env: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const { child, output, ended } = launch(folder, ['server', '-p', '0', '--backend-store-uri', backend], env);
  for (let i = 0; i < 600; i++) {
    const port = /on http:\/\/127\.0\.0\.1:(\d+)/.exec(output.stderr)?.[1];
    if (port !== undefined) {
      const kill = async (): Promise<void> => {
        child.kill('SIGKILL');
        await ended;
      };
      return { url: `http://127.0.0.1:${port}`, port: Number(port), pid: child.pid ?? 0, kill };
    }
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the server did not start: ${output.stderr}`);
}

/** A call of MLflow's protocol. */
export async function post(
  server: Running,
  url: string,
  body: unknown,
): Promise<{ status: number; json: Record<string, never> }> {
  const answer = await fetch(`${server.url}/api/2.0/mlflow/${url}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, json: (await answer.json()) as Record<string, never> };
}
