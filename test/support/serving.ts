import { expect, onTestFinished } from 'vitest';

import { serve, type ModelSource, type RunningServer, type ServeOptions } from '../../src/serve/index.ts';
import { linearModel } from './onnx.ts';
import { inferenceWorker, pictureWorker } from './worker.ts';

/** Starts a server over a source on a free port, with one inference thread. */
export async function startServer(source: ModelSource, options: Partial<ServeOptions> = {}): Promise<RunningServer> {
  const models = (await source.list()).map(({ name }) => ({ name, source }));
  const workerFile = await inferenceWorker();
  const pictureFile = await pictureWorker();
  const pictures = { file: () => pictureFile, threads: 1 };
  return serve({ models, pictures, host: '127.0.0.1', port: 0, workerFile, threads: 1, ...options });
}

/** The same for one test, at whose end the server is closed; `patience` is what closing may take, in milliseconds. */
export async function startForTest(
  source: ModelSource,
  options: Partial<ServeOptions> = {},
  patience = 1_000,
): Promise<RunningServer> {
  const server = await startServer(source, options);
  onTestFinished(async () => void (await server.close(patience)));
  return server;
}

/** y = factor * (a + b): its answer is easy to know. */
export const sum = (factor = 1): Uint8Array =>
  linearModel(
    2,
    1,
    () => factor,
    () => 0,
  );

/** A request that a server with the model `m`, of `sum()`, must answer, whatever came before. */
export const fine = { model: 'm', inputs: { x: [[1, 2]] } };

export async function expectAlive(server: RunningServer): Promise<void> {
  expect((await post(server, '/predict', fine)).json()).toMatchObject({ outputs: { y: [[3]] } });
}

/** What a server has counted for a model: of the version that answers now, all arms together. */
export async function numbersOf(server: RunningServer, model: string) {
  const { versions } = await server.control.snapshot();
  const current = server.repository.model(model).current?.ref.version;
  const found = versions.find((one) => one.model === model && one.version === current && one.arm === undefined);
  if (found === undefined) throw new Error(`no version of '${model}' is loaded`);
  return found;
}

export interface Posted {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
  json(): never;
}

/** POSTs JSON (or bytes or text as they are) and reads the answer. */
export async function post(
  server: RunningServer,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Posted> {
  const content = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  const answer = await fetch(server.listening.url + path, {
    method: 'POST',
    body: content,
    headers: { 'content-type': 'application/json', ...headers },
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const text = bytes.toString();
  return { status: answer.status, headers: answer.headers, bytes, text, json: () => JSON.parse(text) as never };
}
