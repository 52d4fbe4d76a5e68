// What a tracking server keeps when its disk is full, when it is killed at a version, and when it starts again.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

import { mlopsBin, temporaryFolder } from './cli.ts';
import { namespacesWork, openNamespace } from './support/namespace.ts';
import { post, start, type Running } from './support/tracking-server.ts';

const files = '/api/2.0/mlflow-artifacts/artifacts';

async function get(server: Running, url: string): Promise<Record<string, unknown>> {
  return (await (await fetch(`${server.url}/api/2.0/mlflow/${url}`)).json()) as Record<string, unknown>;
}

async function newRun(server: Running): Promise<string> {
  const { status, json } = await post(server, 'runs/create', { experiment_id: '0' });
  expect(status).toBe(200);
  return (json as unknown as { run: { info: { run_id: string } } }).run.info.run_id;
}

/** Sends a file of zeros of this many MiB. */
function upload(server: Running, target: string, mebibytes: number): Promise<number> {
  const block = Buffer.alloc(1 << 20);
  return new Promise((resolve, reject) => {
    const request = http.request(`${server.url}${target}`, { method: 'PUT' }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
    });
    request.once('error', reject);
    let sent = 0;
    const send = (): void => {
      while (sent < mebibytes) {
        sent++;
        if (!request.write(block)) return void request.once('drain', send);
      }
      request.end();
    };
    send();
  });
}

describe.runIf(namespacesWork())('a tracking server on a disk that is full', () => {
  it('refuses what does not fit, keeps the rest, and goes on when there is room', async () => {
    const folder = temporaryFolder();
    const space = await openNamespace();
    const store = path.join(folder, 'store');
    fs.mkdirSync(store);
    space.mountSmall(store, 16);
    const inside = space.outside(store);
    const server = await start(store, (cwd, args) => {
      const child = spawn('nsenter', space.words(cwd, process.execPath, [mlopsBin, ...args]), {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const output = { stdout: '', stderr: '' };
      child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
      const ended = new Promise<{ status: number | null; signal: NodeJS.Signals | null }>((resolve) =>
        child.on('close', (status, signal) => resolve({ status, signal })),
      );
      onTestFinished(() => void child.kill('SIGKILL'));
      return { child, output, ended };
    });
    const run = await newRun(server);
    const target = `${files}/0/${run}/artifacts/big.bin`;
    // The answer comes before all is sent: a client may see it, or the end of the connection.
    expect(await upload(server, target, 64).catch(() => 507)).toBeGreaterThanOrEqual(500);
    expect((await fetch(server.url + target)).status).toBe(404);
    expect(fs.readdirSync(`${inside}/artifacts/0/${run}/artifacts`)).toEqual([]);
    expect((await fetch(server.url + target, { method: 'PUT', body: 'small' })).status).toBe(200);

    const filler = path.join(inside, 'filler');
    const block = Buffer.alloc(64 * 1024);
    expect(() => {
      for (;;) fs.appendFileSync(filler, block);
    }).toThrow('ENOSPC');
    const batch = (key: string): object => ({
      run_id: run,
      metrics: Array.from({ length: 1000 }, (_, i) => ({ key, value: i, timestamp: i, step: i })),
    });
    let status = 200;
    let full = '';
    const kept: string[] = [];
    for (let i = 0; i < 400 && status === 200; i++) {
      full = `k${i}`;
      ({ status } = await post(server, 'runs/log-batch', batch(full)));
      if (status === 200) kept.push(full);
    }
    expect(status).toBeGreaterThanOrEqual(500);
    expect((await get(server, `metrics/get-history?run_id=${run}&metric_key=${full}`))['metrics']).toBeUndefined();
    fs.rmSync(filler);
    expect((await post(server, 'runs/log-batch', batch('after'))).status).toBe(200);
    for (const key of [...kept.slice(-1), 'after']) {
      const { metrics } = await get(server, `metrics/get-history?run_id=${run}&metric_key=${key}`);
      expect(metrics).toHaveLength(1000);
    }
    await server.kill();
  }, 120_000);
});

describe('a tracking server', () => {
  it('that is killed while versions are made has each whole, and numbers without gaps or doubles', async () => {
    const folder = temporaryFolder();
    let server = await start(folder);
    await post(server, 'registered-models/create', { name: 'm' });
    const answered = new Set<string>();
    for (let round = 0; round < 3; round++) {
      const make = async (writer: number): Promise<void> => {
        for (let i = 0; i < 200; i++) {
          const key = `${round}-${writer}-${i}`;
          const body = { name: 'm', source: `s3://bucket/${key}`, tags: [{ key: 'made', value: key }] };
          const { status } = await post(server, 'model-versions/create', body);
          if (status === 200) answered.add(key);
        }
      };
      const before = answered.size;
      const writers = [0, 1, 2].map((writer) => make(writer).catch(() => undefined));
      while (answered.size < before + 20) await new Promise((resolve) => setTimeout(resolve, 5));
      await server.kill();
      await Promise.all(writers);
      server = await start(folder);
    }
    const found = await get(server, 'model-versions/search?max_results=10000&order_by=version_number+ASC');
    const versions = found['model_versions'] as { version: string; source: string; tags: { value: string }[] }[];
    expect(versions.map(({ version }) => Number(version))).toEqual(versions.map((_, i) => i + 1));
    for (const { source, tags } of versions) expect(source).toBe(`s3://bucket/${tags[0]?.value}`);
    const there = new Set(versions.map(({ tags }) => tags[0]?.value));
    expect([...answered].filter((key) => !there.has(key))).toEqual([]);
    await server.kill();
  }, 120_000);

  it('goes on with the pages of a search that began before it was started again', async () => {
    const folder = temporaryFolder();
    let server = await start(folder);
    for (let i = 0; i < 7; i++) await newRun(server);
    const seen: string[] = [];
    let token: string | undefined;
    do {
      const body = { experiment_ids: ['0'], max_results: 3, page_token: token };
      const { status, json } = await post(server, 'runs/search', body);
      expect(status).toBe(200);
      const page = json as unknown as { runs: { info: { run_id: string } }[]; next_page_token?: string };
      seen.push(...page.runs.map((run) => run.info.run_id));
      token = page.next_page_token;
      await server.kill();
      server = await start(folder);
    } while (token !== undefined && seen.length < 20);
    expect(new Set(seen).size).toBe(7);
    expect(seen).toHaveLength(7);
    await server.kill();
  }, 120_000);

  it('passes a gigabyte through in bounded memory', async () => {
    const folder = temporaryFolder();
    const server = await start(folder);
    const run = await newRun(server);
    const target = `${files}/0/${run}/artifacts/big.bin`;
    expect(await upload(server, target, 1024)).toBe(200);
    const answer = await fetch(server.url + target);
    let size = 0;
    for await (const chunk of answer.body ?? []) size += (chunk as Uint8Array).length;
    expect(size).toBe(2 ** 30);
    const peak = /VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1];
    expect(Number(peak) / 1024).toBeLessThan(300);
    await server.kill();
  }, 180_000);
});
