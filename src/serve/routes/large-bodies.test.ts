import * as fs from 'node:fs';
import * as os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';

import { identityModel, linearModel } from '../../../test/support/onnx.ts';
import { exchangeWorker, inferenceWorker } from '../../../test/support/worker.ts';
import { MemorySource, serve, type RunningServer } from '../index.ts';
import { NearExchange, type Asked } from '../protocols/exchange.ts';
import type { ExchangeOptions } from '../protocols/exchange-threads.ts';

const open: RunningServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close(1_000);
});

async function start(exchange: Partial<ExchangeOptions> = {}, log?: string): Promise<RunningServer> {
  const source = new MemorySource()
    .add('line', '1', linearModel(4, 2))
    .add('float', '1', identityModel('float32'))
    .add('int', '1', identityModel('int64'))
    .add('text', '1', identityModel('string'));
  const models = (await source.list()).map(({ name }) => ({ name, source }));
  const [workerFile, file] = await Promise.all([inferenceWorker(), exchangeWorker()]);
  const server = await serve({
    ...{ models, host: '127.0.0.1', port: 0, workerFile, threads: 1 },
    exchange: { file: () => file, ...exchange },
    predictionLog: log === undefined ? undefined : { directory: log },
  });
  open.push(server);
  return server;
}

async function post(server: RunningServer, path: string, body: string, type = 'application/json') {
  const answer = await fetch(server.listening.url + path, { method: 'POST', body, headers: { 'content-type': type } });
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
}

/** What differs from request to request. */
function plain({ text, ...rest }: { status: number; text: string }) {
  return { ...rest, text: text.replaceAll(/"(prediction_id|request_id|latency_ms)":("[^"]*"|[\d.]+)/g, '"$1":0') };
}

describe('a request that is dealt with in another thread', () => {
  const value = fc.oneof(
    { weight: 6, arbitrary: fc.double() },
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n }),
    fc.constantFrom('NaN', '-Infinity', null, true, 'a', 'é\u{1f600}', '', [], {}),
  );
  const json = (one: unknown): string =>
    JSON.stringify(one, (_key, inner: unknown) => (typeof inner === 'bigint' ? `#${inner}#` : inner))
      .replaceAll(/"#(-?\d+)#"/g, '$1')
      .replaceAll(/"(NaN|-Infinity)"/g, '$1');
  const rows = fc.array(fc.array(value, { minLength: 3, maxLength: 4 }), { maxLength: 4 });
  const list = fc.array(value, { maxLength: 6 });
  const model = fc.constantFrom('line', 'float', 'int', 'text');
  const datatype = fc.constantFrom('FP32', 'INT64', 'BYTES');
  const request = fc.oneof(
    fc.record({ model, x: fc.oneof(list, rows) }).map((body) => ['/predict', json(body)] as const),
    fc.record({ model, inputs: fc.oneof(list, rows) }).map((body) => ['/predict', json(body)] as const),
    fc.tuple(model, list).map(([name, x]) => [`/predict?model=${name}`, json({ instances: x })] as const),
    fc.tuple(model, rows).map(([name, data]) => {
      return [
        `/invocations?model=${name}`,
        json({ dataframe_split: { columns: ['a', 'b', 'c', 'd'], data } }),
      ] as const;
    }),
    fc.tuple(model, list).map(([name, x]) => [`/invocations?model=${name}`, json({ inputs: x })] as const),
    fc.tuple(model, rows).map(([name, cells]) => {
      const lines = cells.map((row) => row.map((cell) => (typeof cell === 'object' ? '' : String(cell))).join(','));
      return [`/invocations?model=${name}`, ['a,b,c,d', ...lines].join('\n'), 'text/csv'] as const;
    }),
    fc.tuple(model, datatype, list).map(([name, type, data]) => {
      const inputs = [{ name: 'x', datatype: type, shape: [data.length], data }];
      return [`/v2/models/${name}/infer`, json({ id: 'a', inputs })] as const;
    }),
    fc.tuple(fc.constantFrom('/predict', '/invocations', '/v2/models/int/infer'), fc.string()),
  );

  it('gets the same bytes, whatever the protocol, right or wrong', async () => {
    const [near, far] = [await start(), await start({ largeBody: -1, largeAnswer: -1 })];
    await fc.assert(
      fc.asyncProperty(request, async ([path, body, type]) => {
        const [here, there] = await Promise.all([post(near, path, body, type), post(far, path, body, type)]);
        expect(plain(there)).toEqual(plain(here));
      }),
      { numRuns: 200 },
    );
  }, 60_000);

  it('hands many texts on as they are, and logs the same of them', async () => {
    const directory = fs.mkdtempSync(`${os.tmpdir()}/mlops-large-`);
    const texts = Array.from({ length: 70_000 }, (_, i) => ['', 'é', '\u{1f600}', `text ${i}`][i % 4]);
    const body = JSON.stringify({ model: 'text', x: texts });
    const logged: unknown[] = [];
    for (const exchange of [{ largeBody: 1e9, largeAnswer: 1e9 }, {}]) {
      const log = `${directory}/${logged.length}`;
      const server = await start(exchange, log);
      const answer = JSON.parse((await post(server, '/predict', body)).text) as { outputs: { y: string[] } };
      expect(answer.outputs.y).toEqual(texts);
      await server.close(1_000);
      const [file = ''] = fs.readdirSync(log).filter((name) => name.endsWith('.jsonl'));
      const lines = fs.readFileSync(`${log}/${file}`, 'utf8').split('\n');
      const line = lines.find((one) => one.includes('"kind":"prediction"')) ?? '';
      const { inputs, outputs } = JSON.parse(line) as Record<string, unknown>;
      logged.push({ inputs, outputs });
    }
    expect(logged[1]).toEqual(logged[0]);
    fs.rmSync(directory, { recursive: true });
  });

  it('goes on after a client that left, and when bodies come at once', async () => {
    const server = await start({ largeBody: -1, largeAnswer: -1, threads: 2 });
    const body = JSON.stringify({ model: 'float', x: Array.from({ length: 200_000 }, (_, i) => i) });
    const left = new AbortController();
    const lost = fetch(`${server.listening.url}/predict`, { method: 'POST', body, signal: left.signal }).catch(() => 0);
    setTimeout(() => left.abort(), 20);
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map((n) => post(server, '/predict', JSON.stringify({ model: 'int', x: [n] }))),
    );
    await lost;
    expect(answers.map(({ text }) => (JSON.parse(text) as { outputs: unknown }).outputs)).toEqual(
      [1, 2, 3, 4, 5].map((n) => ({ y: [n] })),
    );
  });
});

/** An answer of which only the start is kept: making a text of it would hold the loop that the server shares. */
async function first(server: RunningServer, path: string, body: Buffer, type: string) {
  const headers = { 'content-type': type };
  const answer = await fetch(server.listening.url + path, { method: 'POST', body: new Uint8Array(body), headers });
  let text = '';
  for await (const chunk of answer.body ?? [])
    if (text === '')
      text = Buffer.from(chunk as Uint8Array)
        .toString()
        .slice(0, 300);
  return { status: answer.status, text };
}

const size = 48_000_000;
const repeated = (text: string): string => text.repeat(Math.floor(size / text.length)).slice(0, -1);
const count = (text: string): number => Math.floor(size / text.length);

/** The body of 48 MB of each kind, how it is read, and where it goes. */
const kinds: Readonly<Record<string, { path: string; asked: Asked; exact: boolean; make: () => string }>> = {
  'JSON floats on /predict': {
    path: '/predict?model=float',
    asked: { protocol: 'native', contentType: 'application/json' },
    exact: true,
    make: () => `{"x":[${repeated('0.12345678,')}]}`,
  },
  'JSON integers on v2': {
    path: '/v2/models/int/infer',
    asked: { protocol: 'v2', contentType: 'application/json' },
    exact: true,
    make: () =>
      `{"inputs":[{"name":"x","datatype":"INT64","shape":[${count('123456,')}],"data":[${repeated('123456,')}]}]}`,
  },
  'JSON texts on v2': {
    path: '/v2/models/text/infer',
    asked: { protocol: 'v2', contentType: 'application/json' },
    exact: false,
    make: () =>
      `{"inputs":[{"name":"x","datatype":"BYTES","shape":[${count('"abcdefgh",')}],"data":[${repeated('"abcdefgh",')}]}]}`,
  },
  'JSON rows on /invocations': {
    path: '/invocations?model=line',
    asked: { protocol: 'scoring', contentType: 'application/json' },
    exact: true,
    make: () => `{"dataframe_split":{"columns":["a","b","c","d"],"data":[${repeated('[1.25,2.5,3.75,4],')}]}}`,
  },
  'CSV on /invocations': {
    path: '/invocations?model=line',
    asked: { protocol: 'scoring', contentType: 'text/csv' },
    exact: true,
    make: () => `a,b,c,d\n${repeated('1.25,2.5,3.75,4\n')}`,
  },
};

describe('while a body of 48 MB is dealt with, others are answered:', () => {
  it.each(Object.entries(kinds))(
    '%s',
    async (name, { path, asked, exact, make }) => {
      const body = Buffer.from(make());
      // What it would hold the loop for at least: only parsing it.
      const before = performance.now();
      void new NearExchange(asked, body, exact);
      const alone = performance.now() - before;
      const server = await start();
      let done = false;
      const answering = first(server, path, body, asked.contentType ?? '').finally(() => (done = true));
      const waits: number[] = [];
      // Of /health alone: a prediction may have to wait for the one inference thread, in which the large one runs.
      let longest = 0;
      while (!done) {
        const from = performance.now();
        const health = await fetch(`${server.listening.url}/health`);
        expect(health.status).toBe(200);
        await health.arrayBuffer();
        longest = Math.max(longest, performance.now() - from);
        const tiny = await post(server, '/predict', '{"model":"line","x":[[1,2,3,4]]}');
        expect(tiny.status).toBe(200);
        waits.push(performance.now() - from);
        await delay(20);
      }
      const answer = await answering;
      expect(answer.status, answer.text).toBe(200);
      waits.sort((a, b) => a - b);
      const p95 = waits[Math.floor(waits.length * 0.95)] ?? Infinity;
      const facts = `p50 ${waits[waits.length >> 1]} p95 ${p95} health max ${longest} of ${waits.length}; alone ${alone}`;
      expect(p95, `${name}: ${facts}`).toBeLessThan(Math.max(100, alone / 4));
      expect(longest, facts).toBeLessThan(Math.max(250, alone));
    },
    240_000,
  );
});
