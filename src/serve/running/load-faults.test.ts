import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { buildOnnx, linearModel } from '../../../test/support/onnx.ts';
import { expectAlive, fine, numbersOf, post, startForTest, startServer, sum } from '../../../test/support/serving.ts';
import { until } from '../../../test/support/until.ts';
import { MemorySource, type RunningServer, type ServeOptions } from '../index.ts';

// Groups 8 to 10, 14 and 15 of the faults; 1 to 7, 11 and 13 are in input-faults.test.ts and faults.test.ts, processes in test/serve-stop.test.ts.

afterEach(() => void vi.useRealTimers());

const start = (source: MemorySource, options: Partial<ServeOptions> = {}): Promise<RunningServer> =>
  startForTest(source, options, 30_000);

/** Multiplies a matrix by itself, again and again: how long it takes is in the caller's hands. */
const powers = (times: number): Uint8Array =>
  buildOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: ['N', 'N'] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['N', 'N'] }],
    nodes: Array.from({ length: times }, (_, i) => ({
      op: 'MatMul',
      inputs: [i === 0 ? 'x' : `t${i}`, 'x'],
      outputs: [i === times - 1 ? 'y' : `t${i + 1}`],
    })),
  });

/** Asks for the powers of a matrix of `size` rows. */
function multiply(server: RunningServer, size: number) {
  const matrix = Buffer.alloc(size * size * 4);
  const json = JSON.stringify({
    inputs: [{ name: 'x', shape: [size, size], datatype: 'FP32', parameters: { binary_data_size: matrix.length } }],
  });
  return post(server, '/v2/models/slow/infer', Buffer.concat([Buffer.from(json), matrix]), {
    'inference-header-content-length': String(json.length),
  });
}

describe('8 too much', { timeout: 60_000 }, () => {
  it('10,000 rows are answered, a body over the limit is 413', async () => {
    const server = await start(new MemorySource().add('m', '1', sum()), { bodyLimit: 300_000 });
    const rows = Array.from({ length: 10_000 }, (_, i) => [i, 1]);
    const { outputs } = (await post(server, '/predict', { x: rows })).json() as { outputs: { y: number[][] } };
    expect(outputs.y[9_999]).toEqual([10_000]);
    expect((await post(server, '/predict', 'x'.repeat(300_001))).status).toBe(413);
    await expectAlive(server);
  });

  it('more requests than the queue holds get 503 with Retry-After, and only those', async () => {
    const source = new MemorySource().add('m', '1', sum()).add('slow', '1', powers(30));
    const server = await start(source, { scheduler: { maxQueue: 2 } });
    const first = multiply(server, 900);
    await until(() => server.pool.threads[0]?.runs === 1, 'the first request runs', 30_000);
    const others = await Promise.all(Array.from({ length: 10 }, () => multiply(server, 8)));
    expect((await first).status).toBe(200);
    const refused = others.filter(({ status }) => status === 503);
    expect(others.filter(({ status }) => status === 200)).toHaveLength(10 - refused.length);
    expect(refused).toHaveLength(8);
    for (const { headers, text } of refused) {
      expect(headers.get('retry-after')).toBe('1');
      expect(JSON.parse(text)).toEqual({ error: expect.stringContaining('2 requests waiting') });
    }
    expect((await numbersOf(server, 'slow')).stats.rejected).toBe(8);
    await expectAlive(server);
  });

  it('a request that takes too long gets 504, and the thread that it holds is replaced', async () => {
    const source = new MemorySource().add('m', '1', sum()).add('slow', '1', powers(100));
    const server = await start(source, { scheduler: { deadline: 100 } });
    expect((await multiply(server, 900)).status).toBe(504);
    expect((await fetch(`${server.listening.url}/health`)).status).toBe(200);
    await until(() => server.pool.restarts === 1, 'another thread', 30_000);
    // Its models are loaded again first, which may take longer than a request has here.
    for (let tries = 0; tries < 50 && (await post(server, '/predict', fine)).status !== 200; tries++) await delay(20);
    await expectAlive(server);
  });

  it('what a client no longer waits for is not computed', async () => {
    const source = new MemorySource().add('m', '1', sum()).add('slow', '1', powers(30));
    const server = await start(source);
    const first = multiply(server, 900);
    await until(() => server.pool.threads[0]?.runs === 1, 'the first request runs', 30_000);
    const requests = Array.from({ length: 5 }, () => {
      const request = http.request(`${server.listening.url}/predict`, { method: 'POST', agent: false });
      request.on('error', () => undefined);
      request.end(JSON.stringify(fine));
      return request;
    });
    await until(async () => (await numbersOf(server, 'm')).queue === 5, 'the others wait', 30_000);
    for (const request of requests) request.destroy();
    expect((await first).status).toBe(200);
    await until(async () => (await numbersOf(server, 'm')).stats.failure === 5, 'the others are dropped', 30_000);
    expect((await numbersOf(server, 'm')).stats.executions).toBe(0);
    await expectAlive(server);
  });
});

describe('8 too many models', { timeout: 60_000 }, () => {
  it('within a budget, the least recently used one is unloaded, and loaded again when asked for', async () => {
    // 4 MB each.
    const source = new MemorySource();
    const names = ['a', 'b', 'c', 'd'];
    for (const [i, name] of names.entries())
      source.add(
        name,
        '1',
        linearModel(1000, 1000, (r, c) => (r === c ? i : 0)),
      );
    const server = await start(source, { lazy: true, memoryBudget: 10_000_000 });
    const loaded = () => names.filter((name) => server.repository.model(name).current !== undefined);
    const row = Array.from({ length: 1000 }, () => 1);
    const ask = async (name: string) => {
      const { outputs } = (await post(server, '/predict', { model: name, x: [row] })).json() as {
        outputs?: { y: number[][] };
      };
      expect(outputs?.y[0]?.[0], name).toBe(names.indexOf(name));
    };
    expect(loaded()).toEqual([]);
    for (const [name, then] of [
      ['a', ['a']],
      ['b', ['a', 'b']],
      ['a', ['a', 'b']],
      ['c', ['a', 'c']],
      ['d', ['c', 'd']],
      ['a', ['a', 'd']],
    ] as const) {
      await ask(name);
      expect(loaded(), `after ${name}`).toEqual(then);
    }
    // All at once: each is answered, however often the others push it out.
    await Promise.all(Array.from({ length: 40 }, (_, i) => ask(names[i % 4] ?? 'a')));
    expect(loaded().length).toBeLessThanOrEqual(2);
    expect((await fetch(`${server.listening.url}/readyz`)).status).toBe(200);
  });
});

describe('9 and 10 stop, crash and swap under load', { timeout: 120_000 }, () => {
  it('finishes what is under way when it stops', async () => {
    const server = await startServer(new MemorySource().add('m', '1', sum()));
    let answered = 0;
    const under = Promise.allSettled(
      Array.from({ length: 50 }, async () => {
        const { status } = await post(server, '/predict', fine);
        answered++;
        return status;
      }),
    );
    await until(() => answered > 0, 'the first answer', 30_000);
    expect(await server.close(30_000)).toBe(true);
    const results = await under;
    for (const result of results) if (result.status === 'fulfilled') expect(result.value).toBe(200);
    await expect(fetch(server.listening.url)).rejects.toThrow();
  });

  it('answers 503 once when its thread dies, and goes on', async () => {
    const server = await start(new MemorySource().add('m', '1', sum()));
    const under = Array.from({ length: 20 }, () => post(server, '/predict', fine));
    await server.pool.threads[0]?.crash();
    const statuses = new Set((await Promise.all(under)).map((answer) => answer.status));
    expect([...statuses].every((status) => status === 200 || status === 503)).toBe(true);
    await expectAlive(server);
    expect(server.pool.restarts).toBe(1);
    expect(await (await fetch(`${server.listening.url}/metrics`)).text()).toContain('_thread_restarts_total 1\n');
  });

  it('swaps 50 times under load: each answer is that of the version it names, none fails, memory does not grow', async () => {
    // 4 MB a model: what is not given back shows.
    const wide = (factor: number) =>
      linearModel(
        1000,
        1000,
        (i, o) => (i === o ? factor : 0),
        () => 0,
      );
    const source = new MemorySource().add('m', '1', wide(1)).add('m', '2', wide(2));
    source.point('m', 'default', '1');
    const server = await start(source);
    let running = true;
    let answered = 0;
    const wrong: string[] = [];
    const client = async (seed: number): Promise<void> => {
      for (let i = 0; running; i++) {
        const row = Array.from({ length: 1000 }, (_, column) => (column === 0 ? seed + i : 0));
        const { status, text } = await post(server, '/predict', { x: [row] });
        const { outputs, model_version: version } = JSON.parse(text) as {
          outputs?: { y: number[][] };
          model_version?: string;
        };
        answered++;
        if (status !== 200 || outputs?.y[0]?.[0] !== (seed + i) * Number(version)) wrong.push(text.slice(0, 200));
      }
    };
    const clients = Array.from({ length: 4 }, (_, i) => client(i * 100));
    const swap = async (to: number): Promise<void> => {
      expect((await post(server, `/models/load/${to}`, '')).status).toBe(200);
    };
    for (let i = 0; i < 20; i++) await swap(2 - (i % 2));
    const warm = process.memoryUsage.rss();
    for (let i = 0; i < 50; i++) await swap(2 - (i % 2));
    const grown = process.memoryUsage.rss() - warm;
    running = false;
    await Promise.all(clients);
    expect(wrong).toEqual([]);
    expect(answered).toBeGreaterThan(100);
    expect(server.repository.model('m').swaps).toBe(70);
    expect(server.repository.model('m').versions.size).toBe(1);
    // Kept, the 50 versions would be 200 MB and more.
    expect(grown).toBeLessThan(100_000_000);
    const page = await (await fetch(`${server.listening.url}/metrics`)).text();
    const counted = [...page.matchAll(/requests_total\{model="m",version="\d",outcome="success"\} (\d+)/g)];
    expect(counted.reduce((total, [, count]) => total + Number(count), 0)).toBe(answered);
  });
});

describe('14 and 15 a log that cannot be written, a clock that jumps, metrics under load', { timeout: 60_000 }, () => {
  it('goes on serving and says so in /health', async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'log-'));
    fs.writeFileSync(path.join(directory, 'file'), '');
    const server = await start(new MemorySource().add('m', '1', sum()), {
      predictionLog: { directory: path.join(directory, 'file', 'sub') },
    });
    for (let i = 0; i < 5; i++) await expectAlive(server);
    const page = async () => (await fetch(`${server.listening.url}/metrics`)).text();
    await until(async () => (await page()).includes('{outcome="dropped"} 5'), 'all dropped', 10_000);
    expect(await page()).toContain('{outcome="dropped"} 5');
    expect(await (await fetch(`${server.listening.url}/health`)).json()).toMatchObject({
      status: 'healthy',
      dependencies: { prediction_log: { status: 'down' } },
    });
    fs.rmSync(directory, { recursive: true });
  });

  it('neither fails nor delays requests, and logs them, when the clock jumps by a day to and fro', async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'log-'));
    const server = await start(new MemorySource().add('m', '1', sum()), {
      predictionLog: { directory },
      scheduler: { deadline: 5_000 },
    });
    vi.useFakeTimers({ toFake: ['Date'] });
    const now = Date.now();
    for (const jump of [0, 86_400_000, -86_400_000, 3_600_000]) {
      vi.setSystemTime(now + jump);
      await expectAlive(server);
      const { status, latency_ms: latency } = (await post(server, '/predict', fine)).json() as Record<string, unknown>;
      expect([status, latency]).toEqual([undefined, expect.any(Number)]);
      expect(latency as number).toBeGreaterThanOrEqual(0);
      expect(latency as number).toBeLessThan(5_000);
    }
    await until(async () => (await numbersOf(server, 'm')).stats.success === 8, 'all counted', 30_000);
    vi.useRealTimers();
    const page = async () => (await fetch(`${server.listening.url}/metrics`)).text();
    await until(async () => (await page()).includes('{outcome="logged"} 8'), 'all logged', 10_000);
    expect(await page()).toContain('{outcome="logged"} 8');
    await server.close(5_000);
    fs.rmSync(directory, { recursive: true });
  });

  it('gives /metrics while the threads are saturated', async () => {
    const source = new MemorySource().add('m', '1', sum()).add('slow', '1', powers(30));
    const server = await start(source);
    const slow = multiply(server, 900);
    await until(() => server.pool.threads[0]?.runs === 1, 'the thread is busy', 30_000);
    for (let i = 0; i < 20; i++) {
      const page = await fetch(`${server.listening.url}/metrics`);
      expect(await page.text()).toContain('mlops_inference_pending_requests');
    }
    // Still busy: the pages did not wait for it.
    expect(server.pool.threads[0]?.runs).toBe(1);
    expect((await slow).status).toBe(200);
  });

  it('has documentation that needs no network', async () => {
    const server = await start(new MemorySource().add('m', '1', sum()));
    const page = await (await fetch(`${server.listening.url}/docs`)).text();
    for (const [, source = ''] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect((await fetch(`${server.listening.url}/${source}`)).status, source).toBe(200);
      expect(source).not.toMatch(/^https?:/);
    }
    const api = (await (await fetch(`${server.listening.url}/openapi.json`)).json()) as {
      paths: Record<string, unknown>;
    };
    expect(JSON.stringify(api.paths['/predict'])).toContain('"value":{"inputs":{"x":[[0,0]]}}');
  });
});
