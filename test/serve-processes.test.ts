import * as fs from 'node:fs';
import * as http from 'node:http';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { readPredictionLog, type LogRecord } from '../src/monitor/index.ts';
import { freshProject, startMlops } from './cli.ts';
import { linearModel } from './support/onnx.ts';
import { until } from './support/until.ts';

/** y = factor * (a + b) */
const sum = (factor: number): Uint8Array =>
  linearModel(
    2,
    1,
    () => factor,
    () => 0,
  );

interface Asked {
  readonly status: number;
  readonly text: string;
}

/** One request on a connection of its own: the processes take turns by connection. */
function ask(url: string, body?: unknown): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: body === undefined ? 'GET' : 'POST', agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on('error', reject);
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function startServer(cwd: string, args: readonly string[]) {
  const running = startMlops(cwd, ['serve', ...args, '-p', '0']);
  const url = await until(
    () => {
      if (running.child.exitCode !== null) throw new Error(running.output.stderr);
      return /Serving .* on (http:\/\/\S+)/.exec(running.output.stderr)?.[1];
    },
    'the address of the server',
    30_000,
  );
  return { ...running, url };
}

async function metric(url: string, form: RegExp): Promise<number> {
  const { text } = await ask(`${url}/metrics`);
  return Number(form.exec(text)?.[1]);
}

/** Process ids of the server's processes, as the system has them. */
function childrenOf(pid: number): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return Number(/^PPid:\s+(\d+)$/m.exec(fs.readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]) === pid;
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function logged(project: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of readPredictionLog(path.join(project, '.mlops', 'predictions'))) records.push(record);
  return records;
}

describe('serve --workers', { timeout: 120_000 }, () => {
  it('answers from all processes, with one page of numbers, one log, and versions that change in all', async () => {
    const project = freshProject();
    const file = path.join(project, 'm.onnx');
    fs.writeFileSync(file, sum(1));
    const server = await startServer(project, ['m.onnx', '--workers', '2', '--log-predictions', '--watch']);
    const predict = () => ask(`${server.url}/predict`, { x: [[1, 2]] });
    const first = await Promise.all(Array.from({ length: 20 }, predict));
    // The first part of a prediction id is the process's own.
    const processes = new Set(first.map(({ text }) => /"prediction_id":"(\w+)-/.exec(text)?.[1]));
    expect(processes.size).toBe(2);
    expect(await metric(server.url, /requests_total\{model="m",version="1",outcome="success"\} (\d+)/)).toBe(20);
    expect(await metric(server.url, /^mlops_workers (\d+)/m)).toBe(2);

    fs.writeFileSync(`${file}.new`, sum(10));
    fs.renameSync(`${file}.new`, file);
    await until(async () => (await predict()).text.includes('"model_version":"2"'), 'the changed file', 30_000);
    for (const { text } of await Promise.all(Array.from({ length: 20 }, predict))) {
      expect(JSON.parse(text)).toMatchObject({ model_version: '2', outputs: { y: [[30]] } });
    }
    // Counters of the version before are still there.
    const before = await metric(server.url, /requests_total\{model="m",version="1",outcome="success"\} (\d+)/);
    expect(before).toBeGreaterThanOrEqual(20);

    expect((await ask(`${server.url}/v2/repository/models/m/unload`, {})).status).toBe(200);
    const refused = await Promise.all(Array.from({ length: 6 }, predict));
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503, 503]);
    expect((await ask(`${server.url}/models/load/2`, {})).status).toBe(200);
    expect((await ask(`${server.url}/models/load/9`, {})).status).toBe(404);
    const again = await Promise.all(Array.from({ length: 6 }, predict));
    expect(again.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);

    const success = await metric(server.url, /^mlops_http_requests_total\{method="POST",status="200"\} (\d+)/m);
    server.child.kill('SIGTERM');
    expect(await server.ended).toEqual({ status: 0, signal: null });
    expect(fs.readdirSync(path.join(project, '.mlops', 'predictions'))).toHaveLength(1);
    const records = await logged(project);
    expect(new Set(records.map((record) => record.kind === 'prediction' && record.id)).size).toBe(records.length);
    // All answers but those of the two loads and the unload are predictions.
    expect(records.length).toBe(success - 2);
  });

  it('starts a process again that was killed, with the state of the others, and stops without losing a request', async () => {
    const project = freshProject();
    fs.writeFileSync(path.join(project, 'm.onnx'), sum(1));
    fs.writeFileSync(path.join(project, 'n.onnx'), sum(1));
    const server = await startServer(project, ['m.onnx', 'n.onnx', '--workers', '2']);
    expect((await ask(`${server.url}/v2/repository/models/n/unload`, {})).status).toBe(200);
    const [victim = 0] = childrenOf(server.child.pid ?? 0);
    process.kill(victim, 'SIGKILL');
    await until(
      async () => {
        const { text } = await ask(`${server.url}/metrics`);
        return /^mlops_worker_restarts_total 1$/m.test(text) && /^mlops_workers 2$/m.test(text);
      },
      'the process to be started again',
      30_000,
    );
    for (let i = 0; i < 6; i++) {
      expect((await ask(`${server.url}/predict`, { model: 'm', x: [[1, 2]] })).status).toBe(200);
      expect((await ask(`${server.url}/predict`, { model: 'n', x: [[1, 2]] })).status).toBe(503);
    }
    expect(childrenOf(server.child.pid ?? 0)).not.toContain(victim);

    const answers: Asked[] = [];
    const broken: string[] = [];
    let stopped = false;
    const client = async (): Promise<void> => {
      while (!stopped) {
        await ask(`${server.url}/predict`, { model: 'm', x: [[1, 2]] }).then(
          (answer) => answers.push(answer),
          (error: NodeJS.ErrnoException) => {
            // Once the port is closed there is nobody to answer; a request that was taken must be answered.
            if (error.code === 'ECONNREFUSED') stopped = true;
            else broken.push(String(error.code));
          },
        );
      }
    };
    const clients = Array.from({ length: 8 }, client);
    await until(() => answers.length > 100, 'load', 30_000);
    server.child.kill('SIGTERM');
    expect(await server.ended).toEqual({ status: 0, signal: null });
    stopped = true;
    await Promise.all(clients);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    // A connection that the system had accepted and no process had taken yet is cut when the port closes.
    expect(broken.filter((code) => code !== 'ECONNRESET')).toEqual([]);
  });

  it('says once what is wrong when it cannot start', async () => {
    const project = freshProject();
    fs.writeFileSync(path.join(project, 'm.onnx'), 'garbage');
    const { ended, output } = startMlops(project, ['serve', 'm.onnx', '--workers', '2', '-p', '0']);
    expect((await ended).status).toBe(1);
    expect(output.stderr.match(/ERROR/g)).toHaveLength(1);
    expect(output.stderr).toContain('m.onnx');
    const other = startMlops(project, ['serve', 'm.onnx', '--workers', '0']);
    expect((await other.ended).status).toBe(2);
  });
});
