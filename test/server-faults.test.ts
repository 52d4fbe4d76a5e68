// The tracking server as a process of its own, killed, locked, doubled and crowded.
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as path from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';

import { mlops, startMlops, temporaryFolder } from './cli.ts';
import { post, start, type Running } from './support/tracking-server.ts';

async function newRun(server: Running): Promise<string> {
  const { json } = await post(server, 'runs/create', { experiment_id: '0' });
  return (json as unknown as { run: { info: { run_id: string } } }).run.info.run_id;
}

async function countOf(server: Running, run: string, key: string): Promise<number> {
  const answer = await fetch(`${server.url}/api/2.0/mlflow/metrics/get-history?run_id=${run}&metric_key=${key}`);
  return ((await answer.json()) as { metrics?: unknown[] }).metrics?.length ?? 0;
}

const batchSize = 500;

function batch(run: string, key: string): object {
  const metrics = Array.from({ length: batchSize }, (_, i) => ({ key, value: i, timestamp: i, step: i }));
  return { run_id: run, metrics, params: [{ key, value: 'x' }] };
}

describe('a tracking server', () => {
  it('keeps each answered request and no half of an unanswered one when it is killed', async () => {
    const folder = temporaryFolder();
    let server = await start(folder);
    const run = await newRun(server);
    const acknowledged = new Set<string>();
    const sent: string[] = [];
    for (let round = 0; round < 3; round++) {
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        for (let i = 0; i < 100; i++) {
          const key = `k${round}-${writer}-${i}`;
          sent.push(key);
          const { status } = await post(server, 'runs/log-batch', batch(run, key)).catch(() => ({ status: 0 }));
          if (status === 0) return;
          expect(status).toBe(200);
          acknowledged.add(key);
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 150 + 100 * round));
      await server.kill();
      await Promise.all(writers);
      server = await start(folder);
    }
    expect(acknowledged.size).toBeGreaterThan(0);
    const params = (await (await fetch(`${server.url}/api/2.0/mlflow/runs/get?run_id=${run}`)).json()) as {
      run: { data: { params: { key: string }[] } };
    };
    const kept = new Set(params.run.data.params.map(({ key }) => key));
    for (const key of sent) {
      const count = await countOf(server, run, key);
      if (acknowledged.has(key)) expect(count).toBe(batchSize);
      expect([0, batchSize]).toContain(count);
      expect(kept.has(key)).toBe(count > 0);
    }
    await server.kill();
  }, 90_000);

  it('shows no half of an upload that it did not survive', async () => {
    const folder = temporaryFolder();
    let server = await start(folder);
    const target = '/api/2.0/mlflow-artifacts/artifacts/0/x/big.bin';
    const request = http.request(`${server.url}${target}`, {
      method: 'PUT',
      headers: { 'content-length': '50000000' },
    });
    request.on('error', () => undefined);
    request.write(Buffer.alloc(5_000_000));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await server.kill();
    server = await start(folder);
    expect((await fetch(`${server.url}${target}`)).status).toBe(404);
    const list = await fetch(`${server.url}/api/2.0/mlflow-artifacts/artifacts?path=0/x`);
    expect(await list.json()).toEqual({});
    await server.kill();
  }, 60_000);

  it('waits for another writer without holding up readers', async () => {
    const folder = temporaryFolder();
    const server = await start(folder);
    const run = await newRun(server);
    const other = new Sqlite(path.join(folder, 'mlops.db'));
    other.exec('BEGIN IMMEDIATE');
    const write = post(server, 'runs/log-metric', { run_id: run, key: 'a', value: 1, timestamp: 1 });
    const begin = performance.now();
    expect((await fetch(`${server.url}/api/2.0/mlflow/runs/get?run_id=${run}`)).status).toBe(200);
    expect(performance.now() - begin).toBeLessThan(1_000);
    expect(await Promise.race([write, new Promise((resolve) => setTimeout(resolve, 300, 'waits'))])).toBe('waits');
    other.exec('COMMIT');
    other.close();
    expect((await write).status).toBe(200);
    await server.kill();
  }, 60_000);

  it('shares its file with a second server', async () => {
    const folder = temporaryFolder();
    const [one, two] = await Promise.all([start(folder), start(folder)]);
    const run = await newRun(one);
    const write = async (server: Running, key: string): Promise<void> => {
      for (let i = 0; i < 50; i++) {
        const { status } = await post(server, 'runs/log-metric', { run_id: run, key, value: i, timestamp: i, step: i });
        expect(status).toBe(200);
      }
    };
    await Promise.all([write(one, 'a'), write(two, 'b'), write(one, 'c'), write(two, 'a')]);
    expect(await Promise.all(['a', 'b', 'c'].map((key) => countOf(two, run, key)))).toEqual([50, 50, 50]);
    await Promise.all([one.kill(), two.kill()]);
  }, 60_000);

  it('answers among a thousand idle connections, and while readers are slow', async () => {
    const folder = temporaryFolder();
    const server = await start(folder);
    const big = `${server.url}/api/2.0/mlflow-artifacts/artifacts/0/big.bin`;
    await fetch(big, { method: 'PUT', body: Buffer.alloc(30_000_000) });
    const idle = Array.from({ length: 1_000 }, () => net.connect(server.port, '127.0.0.1'));
    const slow = Array.from({ length: 20 }, () => {
      const socket = net.connect(server.port, '127.0.0.1');
      socket.write('GET /api/2.0/mlflow-artifacts/artifacts/0/big.bin HTTP/1.1\r\nHost: localhost\r\n\r\n');
      socket.pause();
      return socket;
    });
    for (const socket of [...idle, ...slow]) socket.on('error', () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const begin = performance.now();
    expect((await post(server, 'experiments/search', { max_results: 5 })).status).toBe(200);
    expect(performance.now() - begin).toBeLessThan(2_000);
    for (const socket of [...idle, ...slow]) socket.destroy();
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect(fs.existsSync(path.join(folder, 'artifacts', '0', 'big.bin'))).toBe(true);
    await server.kill();
  }, 60_000);

  const losses: readonly (readonly [what: string, lose: (db: string) => void])[] = [
    ['was deleted', (db) => fs.rmSync(db)],
    ['was moved away', (db) => fs.renameSync(db, `${db}.old`)],
    ['was replaced by a copy', (db) => fs.renameSync(`${db}.copy`, db)],
    ['lost its log', (db) => fs.rmSync(`${db}-wal`)],
    ['lost its folder', (db) => fs.rmSync(path.dirname(db), { recursive: true })],
    ['is another one now', (db) => fs.renameSync(`${path.dirname(db)}2`, path.dirname(db))],
  ];
  it.each(losses)('acknowledges nothing that it cannot keep when its store %s', async (what, lose) => {
    const folder = path.join(temporaryFolder(), 'store');
    fs.mkdirSync(folder);
    const server = await start(folder);
    const db = path.join(folder, 'mlops.db');
    await newRun(server);
    const copy = new Sqlite(db);
    await copy.backup(`${db}.copy`);
    copy.close();
    if (what.startsWith('is another')) {
      fs.cpSync(folder, `${folder}2`, { recursive: true });
      fs.renameSync(folder, `${folder}1`);
    }
    expect(await (await fetch(`${server.url}/health`)).text()).toBe('OK');
    lose(db);
    const refused = await post(server, 'runs/create', { experiment_id: '0' });
    expect([refused.status, refused.json['message']]).toEqual([503, expect.stringMatching(/deleted or replaced/)]);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const health = await fetch(`${server.url}/health`);
    expect([health.status, await health.text()]).toEqual([503, expect.stringMatching(/deleted or replaced/)]);
    for (const address of ['/', '/api/2.0/mlflow/experiments/get?experiment_id=0']) {
      expect((await fetch(server.url + address)).status, address).toBe(503);
    }
    expect((await fetch(`${server.url}/version`)).status).toBe(200);
    await server.kill();
  });

  it('keeps its store, the files beside it and backups to its owner', async () => {
    const folder = path.join(temporaryFolder(), 'deep', 'er');
    fs.mkdirSync(path.dirname(folder));
    const before = process.umask(0o022);
    try {
      const store = path.join(folder, 'new');
      const server = await start(path.dirname(folder), (cwd, args) =>
        startMlops(cwd, [...args.slice(0, -1), path.join(store, 'mlops.db')]),
      );
      await newRun(server);
      const backup = path.join(folder, 'backup.db');
      const made = mlops(path.dirname(folder), [
        ...['server', 'backup', backup, '--backend-store-uri', `sqlite:///${store}/mlops.db`],
      ]);
      expect(made.status, made.stderr).toBe(0);
      const modeOf = (file: string): string => (fs.statSync(file).mode & 0o777).toString(8);
      expect([folder, store].map(modeOf)).toEqual(['700', '700']);
      const files = fs.readdirSync(store).filter((name) => name.startsWith('mlops.db'));
      expect(files).toContain('mlops.db-wal');
      expect([...files.map((name) => path.join(store, name)), backup].map(modeOf)).toEqual(
        Array(files.length + 1).fill('600'),
      );
      await server.kill();
    } finally {
      process.umask(before);
    }
  });
});
