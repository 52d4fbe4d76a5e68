import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { linearModel } from '../../../test/support/onnx.ts';
import { post } from '../../../test/support/serving.ts';
import { inferenceWorker } from '../../../test/support/worker.ts';
import { FolderSource, serve, type RunningServer } from '../index.ts';

let dir = '';
let server: RunningServer;
beforeEach(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'watch-'));
  put('a', 1);
  const source = FolderSource.directory(dir);
  const models = (await source.list()).map(({ name }) => ({ name, source }));
  const workerFile = await inferenceWorker();
  server = await serve({ models, growing: [source], watch: true, host: '127.0.0.1', port: 0, workerFile, threads: 1 });
});
afterEach(async () => {
  await server.close(2_000);
  fs.rmSync(dir, { recursive: true });
});

/** y = factor * (a + b), put in place in one step. */
function put(name: string, factor: number): void {
  const bytes = linearModel(
    2,
    1,
    () => factor,
    () => 0,
  );
  fs.writeFileSync(path.join(dir, `.${name}.new`), bytes);
  fs.renameSync(path.join(dir, `.${name}.new`), path.join(dir, `${name}.onnx`));
}

async function answerOf(model: string): Promise<string> {
  const answer = await post(server, '/predict', { model, x: [[1, 2]] });
  if (answer.status !== 200) return String(answer.status);
  const { outputs, model_version: version } = answer.json() as { outputs: { y: number[][] }; model_version: string };
  return `${outputs.y[0]?.[0]} from version ${version}`;
}

async function untilAnswer(model: string, wanted: string): Promise<void> {
  let got = '';
  for (let tries = 0; tries < 600 && got !== wanted; tries++) {
    got = await answerOf(model);
    await delay(25);
  }
  expect(got).toBe(wanted);
}

describe('a watched folder of models', { timeout: 60_000 }, () => {
  it('swaps what changes, serves what appears, unloads what vanishes, and keeps what a broken file would replace', async () => {
    expect(await answerOf('a')).toBe('3 from version 1');
    expect(await answerOf('b')).toBe('404');
    put('a', 10);
    put('b', 2);
    await untilAnswer('a', '30 from version 2');
    await untilAnswer('b', '6 from version 1');
    expect((await post(server, '/models/load/1?model=a', '')).status).toBe(404);

    fs.writeFileSync(path.join(dir, 'a.onnx'), 'half a model');
    fs.rmSync(path.join(dir, 'b.onnx'));
    await untilAnswer('b', '503');
    expect(await answerOf('a')).toBe('30 from version 2');
    put('a', 4);
    put('b', 5);
    await untilAnswer('a', '12 from version 4');
    await untilAnswer('b', '15 from version 2');
    const page = await (await fetch(`${server.listening.url}/metrics`)).text();
    for (const version of ['1', '2', '4']) {
      expect(page).toMatch(new RegExp(`requests_total\\{model="a",version="${version}",outcome="success"\\} [1-9]`));
    }
  });
});
