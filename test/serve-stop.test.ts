import * as fs from 'node:fs';
import * as http from 'node:http';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

import { readPredictionLog } from '../src/monitor/index.ts';
import { freshProject, startMlops, urlOf } from './cli.ts';
import { linearModel } from './support/onnx.ts';

// Group 9 of the serving faults, and the signals of group 15, on a process as a person starts it.

const sum = linearModel(
  2,
  1,
  () => 1,
  () => 0,
);

async function startServer(project: string, args: readonly string[] = []) {
  fs.writeFileSync(path.join(project, 'm.onnx'), sum);
  const running = startMlops(project, ['serve', 'm.onnx', '-p', '0', ...args]);
  return { ...running, url: await urlOf(running) };
}

/** Sends requests one after the other on a kept connection until the server is gone. */
async function client(url: string, agent: http.Agent, seen: { statuses: Set<number>; cut: number; count: number }) {
  for (;;) {
    try {
      const status = await new Promise<number>((resolve, reject) => {
        const request = http.request(`${url}/predict`, { method: 'POST', agent }, (answer) => {
          answer.resume();
          answer.on('end', () => resolve(answer.statusCode ?? 0));
          answer.on('error', reject);
        });
        request.on('error', (error: NodeJS.ErrnoException) => {
          // On a kept connection that closes at this moment the request was never begun: clients send it again.
          reject(Object.assign(error, { unsent: request.reusedSocket }));
        });
        request.end('{"x":[[1,2]]}');
      });
      seen.statuses.add(status);
      seen.count++;
    } catch (error) {
      const { code, unsent } = error as NodeJS.ErrnoException & { unsent?: boolean };
      if (code === 'ECONNREFUSED') return;
      if (unsent !== true) seen.cut++;
    }
  }
}

describe('stopping mlops serve', { timeout: 120_000 }, () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`${signal} under load: every request that was taken is answered, the exit status is 0, the port is free`, async () => {
      const project = freshProject();
      const server = await startServer(project, ['--log-predictions']);
      const agent = new http.Agent({ keepAlive: true });
      const seen = { statuses: new Set<number>(), cut: 0, count: 0 };
      const clients = Array.from({ length: 16 }, () => client(server.url, agent, seen));
      while (seen.count < 500) await delay(20);
      server.child.kill(signal);
      expect(await server.ended).toEqual({ status: 0, signal: null });
      await Promise.all(clients);
      agent.destroy();
      expect([...seen.statuses]).toEqual([200]);
      expect(seen.cut).toBe(0);
      await expect(fetch(server.url)).rejects.toThrow();
      // What was answered is in the log, up to the last one.
      let logged = 0;
      for await (const record of readPredictionLog(path.join(project, '.mlops', 'predictions'))) {
        if (record.kind === 'prediction') logged++;
      }
      expect(logged).toBeGreaterThanOrEqual(Math.min(seen.count, 4_000));
    });
  }

  it('a server that is killed leaves a log that can be read, and the next one goes on beside it', async () => {
    const project = freshProject();
    const records = async () => {
      const found: string[] = [];
      for await (const record of readPredictionLog(path.join(project, '.mlops', 'predictions'))) {
        if (record.kind === 'prediction') found.push(record.id);
      }
      return found;
    };
    const first = await startServer(project, ['--log-predictions']);
    const second = await startServer(project, ['--log-predictions']);
    const ask = (url: string) => fetch(`${url}/predict`, { method: 'POST', body: '{"x":[[1,2]]}' });
    for (let i = 0; i < 50; i++) await Promise.all([ask(first.url), ask(second.url)]);
    for (let tries = 0; tries < 600 && (await records()).length < 100; tries++) await delay(50);
    first.child.kill('SIGKILL');
    await first.ended;
    // What a crash in the middle of a write would leave.
    const files = fs.readdirSync(path.join(project, '.mlops', 'predictions'));
    expect(files).toHaveLength(2);
    fs.appendFileSync(path.join(project, '.mlops', 'predictions', files[0] ?? ''), '{"kind":"prediction","id":"cu');
    const third = await startServer(project, ['--log-predictions']);
    await ask(third.url);
    for (const server of [second, third]) {
      server.child.kill('SIGTERM');
      expect((await server.ended).status).toBe(0);
    }
    const ids = await records();
    expect(ids).toHaveLength(101);
    expect(new Set(ids).size).toBe(101);
  });
});
