import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { planModelFolder, writeModelFolder } from '../src/model/index.ts';
import { buildOnnx, linearModel, type Node, type Weights } from '../test/support/onnx.ts';
import { mlopsCommand, root } from './measure.ts';

/**
 * `mlops serve` (validation, metrics and prediction log on) against node:http + onnxruntime, FastAPI + onnxruntime and
 * `mlflow models serve`, in turn on the same machine, loaded by wrk.
 *
 *   npm run bench serving [-- --seconds 4] [--connections 1,32,256] [--rivals ours,floor,fastapi,mlflow]
 */
const seconds = Number(option('seconds') ?? 3);
const connections = (option('connections') ?? '1,32,256').split(',').map(Number);
const rivals = (option('rivals') ?? 'ours,floor,fastapi,mlflow').split(',');
const wrk = toolPath('wrk', '');
const python = toolPath('mlflow', 'bin/python');

interface Case {
  readonly name: string;
  readonly model: Uint8Array;
  readonly width: number;
}

const cases: readonly Case[] = [
  { name: '1x10', model: linearModel(10, 3), width: 10 },
  { name: '1x1000', model: linearModel(1000, 10), width: 1000 },
  { name: 'MLP 256-1024-1024-384', model: mlp([256, 1024, 1024, 384]), width: 256 },
];

interface Result {
  readonly requests: number;
  readonly p50: string;
  readonly p99: string;
  readonly failed: string;
}

if (wrk === undefined) {
  console.error('serving: wrk is missing, `npm run tools -- wrk` installs it');
  process.exitCode = 1;
} else {
  await main(wrk);
}

async function main(program: string): Promise<void> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-serving-'));
  console.log('| model | server | ready ms | RSS MB | connections | requests/s | p50 | p99 | failed |');
  console.log('|---|---|---|---|---|---|---|---|---|');
  try {
    for (const one of cases) await runCase(one, dir, program);
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}

async function runCase({ name, model, width }: Case, dir: string, program: string): Promise<void> {
  const file = path.join(dir, `${width}.onnx`);
  fs.writeFileSync(file, model);
  const folder = path.join(dir, `${width}`);
  writeModelFolder(await planModelFolder(file), folder);
  const row = Array.from({ length: width }, (_, i) => (i % 100) / 100);
  const script = path.join(dir, `${width}.lua`);
  const body = JSON.stringify({ inputs: { x: [row] } });
  fs.writeFileSync(script, `wrk.method="POST"\nwrk.headers["content-type"]="application/json"\nwrk.body='${body}'\n`);
  for (const rival of rivals) {
    const port = await freePort();
    const command = commandOf(rival, file, folder, port);
    if (command === undefined) continue;
    const url = `http://127.0.0.1:${port}${rival === 'mlflow' ? '/invocations' : '/predict'}`;
    const started = performance.now();
    const child = spawn(command[0] ?? '', command.slice(1), {
      cwd: dir,
      stdio: 'ignore',
      detached: rival === 'mlflow',
    });
    try {
      const ready = await untilReady(url, body, started);
      load(program, script, url, 32, 1);
      for (const count of connections) {
        const { requests, p50, p99, failed } = load(program, script, url, count, seconds);
        const cells = [name, rival, ready, memory(child), count, requests, p50, p99, failed];
        console.log(`| ${cells.join(' | ')} |`);
      }
    } finally {
      await end(child, rival === 'mlflow');
    }
  }
}

function commandOf(rival: string, file: string, folder: string, port: number): string[] | undefined {
  if (rival === 'ours') return [...mlopsCommand, 'serve', file, '-p', String(port), '--log-predictions'];
  if (rival === 'floor') return [process.execPath, path.join(root, 'bench/serving/floor.mjs'), file, String(port)];
  if (python === undefined) return undefined;
  if (rival === 'fastapi') return [python, path.join(root, 'bench/serving/fastapi_server.py'), file, String(port)];
  const mlflow = path.join(path.dirname(python), 'mlflow');
  const environment = ['env', `PATH=${path.dirname(python)}:${process.env['PATH'] ?? ''}`];
  return [...environment, mlflow, 'models', 'serve', '-m', folder, '--env-manager', 'local', '-p', String(port)];
}

async function untilReady(url: string, body: string, started: number): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  for (let tries = 0; tries < 3_000; tries++) {
    try {
      const answer = await fetch(url, { method: 'POST', body, headers });
      await answer.arrayBuffer();
      if (answer.ok) return Math.round(performance.now() - started);
    } catch {
      // Not listening yet.
    }
    await delay(20);
  }
  throw new Error(`${url} did not come up`);
}

function load(program: string, script: string, url: string, count: number, time: number): Result {
  const argv = ['-t1', `-c${count}`, `-d${time}s`, '--latency', '-s', script, url];
  const text = spawnSync(program, argv, { encoding: 'utf8' }).stdout;
  const find = (form: RegExp): string => form.exec(text)?.[1] ?? '-';
  return {
    requests: Math.round(Number(find(/Requests\/sec:\s+([\d.]+)/))),
    p50: find(/50%\s+(\S+)/),
    p99: find(/99%\s+(\S+)/),
    failed: find(/Non-2xx or 3xx responses: (\d+)/).replace('-', '0'),
  };
}

function memory(child: ChildProcess): number {
  const status = fs.readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

async function end(child: ChildProcess, group: boolean): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  // mlflow starts uvicorn as a child of its own: the group that we made for it goes together.
  if (group && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  else child.kill('SIGTERM');
  await ended;
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function option(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

function toolPath(name: string, inside: string): string | undefined {
  const file = path.join(root, '.tools', name, inside);
  return fs.existsSync(file) ? file : undefined;
}

/** Dense layers with Relu between them, seeded weights. */
function mlp(sizes: readonly number[]): Uint8Array {
  const nodes: Node[] = [];
  const weights: Weights[] = [];
  let value = 'x';
  for (let i = 1; i < sizes.length; i++) {
    const [rows = 0, columns = 0] = [sizes[i - 1], sizes[i]];
    const data = Float32Array.from({ length: rows * columns }, (_, k) => Math.sin(k * 12.9898 + i) / 16);
    weights.push({ name: `w${i}`, type: 'float32', shape: [rows, columns], raw: new Uint8Array(data.buffer) });
    const last = i === sizes.length - 1;
    nodes.push({ op: 'MatMul', inputs: [value, `w${i}`], outputs: [last ? 'y' : `m${i}`] });
    if (!last) nodes.push({ op: 'Relu', inputs: [`m${i}`], outputs: [`r${i}`] });
    value = `r${i}`;
  }
  return buildOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: ['N', sizes[0] ?? 0] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['N', sizes.at(-1) ?? 0] }],
    nodes,
    weights,
  });
}
