import * as path from 'node:path';

import { startMlops, urlOf } from '../cli.ts';

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
  const running = launch(folder, ['server', '-p', '0', '--backend-store-uri', backend], env);
  const url = await urlOf(running);
  const kill = async (): Promise<void> => {
    running.child.kill('SIGKILL');
    await running.ended;
  };
  return { url, port: Number(new URL(url).port), pid: running.child.pid ?? 0, kill };
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
