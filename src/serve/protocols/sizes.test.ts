// Requests that say much with few bytes, and bytes that say little: bounded work, a message, never a stopped server.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { identityModel, linearModel } from '../../../test/support/onnx.ts';
import { post, startServer } from '../../../test/support/serving.ts';
import { readPredictionLog } from '../../monitor/index.ts';
import { MemorySource, type RunningServer } from '../index.ts';

let directory: string;
let server: RunningServer | undefined;

beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-sizes-'))));
afterEach(async () => {
  await server?.close(1_000);
  server = undefined;
  fs.rmSync(directory, { recursive: true, force: true });
});

async function start(maxPerSecond?: number): Promise<RunningServer> {
  const source = new MemorySource()
    .add('floats', '1', identityModel('float32', ['N', 'M']))
    .add('ints', '1', identityModel('int64', ['N']))
    .add('rows', '1', linearModel(4, 1));
  server = await startServer(source, { predictionLog: { directory, maxPerSecond } });
  return server;
}

describe('a tensor without values', () => {
  it.each([[[2 ** 31 - 1, 0]], [[50_000_000, 0]], [[0, 2 ** 31 - 1]], [[2 ** 53 - 1, 0]], [[65_537, 0]]])(
    'of shape %j is refused',
    async (shape) => {
      const running = await start();
      for (const more of [{ data: [] }, { data: [[]] }, { parameters: { binary_data_size: 0 } }]) {
        const inputs = [{ name: 'x', shape, datatype: 'FP32', ...more }];
        const answer = await post(running, '/v2/models/floats/infer', { inputs });
        expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('beside a size of 0')]);
      }
    },
  );

  it('of some rows is answered, and logged by its shape alone', async () => {
    const running = await start();
    for (const shape of [
      [65_536, 0],
      [3, 0],
    ]) {
      const inputs = [{ name: 'x', shape, datatype: 'FP32', data: [] }];
      const answer = await post(running, '/v2/models/floats/infer', { inputs });
      expect(answer.json()).toMatchObject({ outputs: [{ shape, data: [] }] });
    }
    await running.close(1_000);
    server = undefined;
    const records: unknown[] = [];
    for await (const record of readPredictionLog(directory)) records.push(record);
    expect(records).toMatchObject([{ inputs: { x: { shape: [65_536, 0] } } }, { inputs: { x: [[], [], []] } }]);
  });
});

it('an integer of a million digits is refused at once, on each protocol', async () => {
  const running = await start();
  const digits = '9'.repeat(1_000_000);
  const requests: readonly (readonly [path: string, body: string, type?: string])[] = [
    ['/predict?model=ints', `{"inputs":{"x":[${digits}]}}`],
    ['/predict?model=ints', `{"inputs":{"x":[-${digits}]}}`],
    ['/invocations?model=ints', `{"inputs":[${digits}]}`],
    ['/invocations?model=ints', `x\n${digits}\n`, 'text/csv'],
    ['/v2/models/ints/infer', `{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[${digits}]}]}`],
    ['/v2/models/ints/infer', `{"inputs":[{"name":"x","shape":[${digits}],"datatype":"INT64","data":[1]}]}`],
    ['/feedback', `{"prediction_id":"a","label":${digits}}`],
  ];
  for (const [url, body, type = 'application/json'] of requests) {
    const begin = performance.now();
    const { status } = await post(running, url, body, { 'content-type': type });
    expect([400, 413], url).toContain(status);
    expect(performance.now() - begin, url).toBeLessThan(1_000);
  }
  // The largest that fits is exact, one more is refused.
  for (const [value, status] of [
    ['9223372036854775807', 200],
    ['9223372036854775808', 400],
    ['18446744073709551616', 400],
  ] as const) {
    const answer = await post(running, '/predict?model=ints', `{"inputs":{"x":[${value}]}}`);
    expect([answer.status, answer.text.includes(value)]).toEqual([status, true]);
  }
});

it('feedback is bounded as predictions are', async () => {
  const running = await start(20);
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, i) => post(running, '/feedback', { prediction_id: `p${i}`, label: 1 })),
  );
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 202).length).toBeGreaterThanOrEqual(20);
  const refused = answers.filter(({ status }) => status === 503);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
  const large = await post(running, '/feedback', { prediction_id: 'a', label: 'x'.repeat(1_000_000) });
  expect(large.status).toBe(413);
});
