import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { planModelFolder, writeModelFolder } from '../src/model/index.ts';
import { linearModel } from '../test/support/onnx.ts';
import { keepTable, mlopsCommand, root } from './measure.ts';
import { cnn, mlp, powers } from './serving/models.ts';

/**
 * `mlops serve` (validation, metrics and prediction log on) against onnxruntime alone in a loop, node:http +
 * onnxruntime (the floor), FastAPI + onnxruntime and `mlflow models serve`, in turn on the same machine, loaded by wrk.
 * Then how fast `/health` answers beside work. MLServer is left out: its current release does not start its workers
 * with the current versions of what it needs.
 *
 *   npm run bench serving [-- --seconds 4] [--connections 1,32,256] [--rivals loop,ours,floor,fastapi,mlflow]
 *                         [--cases 1x10,1x10-binary,...,health] [--workers N]
 */
const seconds = Number(option('seconds') ?? 3);
const connections = (option('connections') ?? '1,32,256').split(',').map(Number);
const rivals = option('rivals')?.split(',');
const workers = option('workers') ?? '1';
const wrk = toolPath('wrk', '');
const python = toolPath('mlflow', 'bin/python');

interface Case {
  readonly name: string;
  readonly model: () => Uint8Array;
  /** Of one request. */
  readonly dims: readonly number[];
  readonly binary?: boolean;
  /** Name of the input, where it is not `x`. */
  readonly input?: string;
  readonly rivals: readonly string[];
}

const all = ['loop', 'ours', 'floor', 'fastapi', 'mlflow'];
const cases: readonly Case[] = [
  { name: '1x10', model: () => linearModel(10, 3), dims: [1, 10], rivals: all },
  { name: '1x10-binary', model: () => linearModel(10, 3), dims: [1, 10], binary: true, rivals: ['ours', 'floor'] },
  { name: '1x1000', model: () => linearModel(1000, 10), dims: [1, 1000], rivals: all },
  {
    name: '1x1000-binary',
    model: () => linearModel(1000, 10),
    dims: [1, 1000],
    binary: true,
    rivals: ['ours', 'floor'],
  },
  {
    name: 'mlp',
    model: () => mlp([256, 1024, 1024, 384]),
    dims: [1, 256],
    rivals: ['loop', 'ours', 'floor', 'fastapi'],
  },
  { name: 'cnn', model: cnn, dims: [1, 3, 32, 32], binary: true, rivals: ['loop', 'ours', 'floor'] },
  { name: 'sklearn', model: pipeline, dims: [1, 30], input: 'X', rivals: ['ours', 'fastapi'] },
];
const chosen = option('cases')?.split(',') ?? [...cases.map(({ name }) => name), 'python', 'health'];

interface Result {
  readonly requests: number;
  readonly p50: string;
  readonly p99: string;
  readonly failed: string;
}

const header = [
  ...['case', 'server', 'ready ms', 'RSS MB', 'connections', 'requests/s', 'p50', 'p99', 'failed'],
  'logged / dropped / sampled out',
];
const rows: string[][] = [];

if (wrk === undefined) {
  console.error('serving: wrk is missing, `npm run tools -- wrk` installs it');
  process.exitCode = 1;
} else {
  await main(wrk);
}

/** Shown as soon as it is there: the whole takes minutes. */
function printRow(row: readonly unknown[]): void {
  rows.push(row.map(String));
  console.log(`| ${row.join(' | ')} |`);
}

async function main(program: string): Promise<void> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-serving-'));
  console.log(`| ${header.join(' | ')} |\n|${header.map(() => '---').join('|')}|`);
  try {
    for (const one of cases) if (chosen.includes(one.name)) await runCase(one, dir, program);
    if (chosen.includes('python')) await runPython(dir, program);
    keepTable('Serving', header, rows);
    if (chosen.includes('health')) await runHealth(dir, program);
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}

async function runCase(one: Case, dir: string, program: string): Promise<void> {
  const { name } = one;
  const file = path.join(dir, `${name}.onnx`);
  const model = one.model();
  if (model.length === 0) return;
  fs.writeFileSync(file, model);
  const folder = path.join(dir, name);
  writeModelFolder(await planModelFolder(file), folder);
  for (const rival of one.rivals.filter((each) => rivals?.includes(each) ?? true)) {
    if (rival === 'loop') {
      runLoop(one, file);
      continue;
    }
    const port = await freePort();
    const command = commandOf(rival, file, folder, port);
    if (command === undefined) continue;
    await measure({ name, rival, command, port, request: requestOf(one, rival, port, dir) }, dir, program);
  }
}

/** A scikit-learn model as it was logged, run by Python behind both servers; `/invocations` with one row. */
async function runPython(dir: string, program: string): Promise<void> {
  if (python === undefined) return;
  const folder = path.join(dir, 'logged');
  const made = spawnSync(python, [path.join(root, 'bench/serving/logged.py'), folder], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  const environment = ['env', `PATH=${path.dirname(python)}:${process.env['PATH'] ?? ''}`];
  for (const rival of ['ours', 'mlflow'].filter((each) => rivals?.includes(each) ?? true)) {
    const port = await freePort();
    const ours = [...mlopsCommand, 'serve', folder, '--runtime', 'python', '--trust', '--log-predictions'];
    const theirs = [...environment, 'mlflow', 'models', 'serve', '-m', folder, '--env-manager', 'local'];
    const command = [...(rival === 'ours' ? [...ours, '--python', python] : theirs), '-p', String(port)];
    const script = path.join(dir, `logged.lua`);
    const body = Buffer.from(fs.readFileSync(path.join(folder, 'serving_input_example.json')));
    fs.writeFileSync(
      script,
      `wrk.method="POST"\nwrk.headers["content-type"]="application/json"\nwrk.body=[[${body.toString()}]]\n`,
    );
    const url = `http://127.0.0.1:${port}/invocations`;
    const request = { script, url, body, headers: { 'content-type': 'application/json' } };
    await measure({ name: 'python', rival, command, port, request }, dir, program);
  }
}

interface Measured {
  readonly name: string;
  readonly rival: string;
  readonly command: readonly string[];
  readonly port: number;
  readonly request: ReturnType<typeof requestOf>;
}

/** Starts a server, loads it with each number of connections, and ends it. */
async function measure({ name, rival, command, port, request }: Measured, dir: string, program: string): Promise<void> {
  const { script, url, body, headers } = request;
  const started = performance.now();
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: dir,
    stdio: 'ignore',
    detached: rival === 'mlflow',
  });
  try {
    const ready = await untilReady(url, body, headers, started);
    load(program, script, url, 32, 1);
    for (const count of connections) {
      const { requests, p50, p99, failed } = load(program, script, url, count, seconds);
      const log = rival === 'ours' ? await logCounts(port) : '';
      printRow([name, rival, ready, memory(child), count, requests, p50, p99, failed, log]);
    }
  } finally {
    await end(child, rival === 'mlflow');
  }
}

function runLoop({ name, dims }: Case, file: string): void {
  const argv = [path.join(root, 'bench/serving/loop.mjs'), file, String(seconds), dims.join()];
  const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', cwd: root });
  if (stdout === '') throw new Error(stderr);
  const { runs, p50, p99 } = JSON.parse(stdout) as { runs: number; p50: number; p99: number };
  const micro = (milliseconds: number): string => `${(milliseconds * 1000).toFixed(0)}us`;
  printRow([name, 'loop', '', '', 1, Math.round(runs), micro(p50), micro(p99), 0, '']);
}

/** The request as wrk's script, and once as we send it to see that the server is there. */
function requestOf({ name, dims, binary, input = 'x' }: Case, rival: string, port: number, dir: string) {
  const count = dims.reduce((product, size) => product * size, 1);
  const values = Array.from({ length: count }, (_, i) => (i % 100) / 100);
  const raw = Buffer.from(Float32Array.from(values).buffer);
  const base = `http://127.0.0.1:${port}`;
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  let body = Buffer.from(JSON.stringify({ inputs: { [input]: nested(values, dims) } }));
  let url = `${base}${rival === 'mlflow' ? '/invocations' : '/predict'}`;
  if (binary === true) headers['content-type'] = 'application/octet-stream';
  if (binary === true && rival === 'ours') {
    const tensor = { name: input, shape: dims, datatype: 'FP32', parameters: { binary_data_size: raw.length } };
    const head = Buffer.from(JSON.stringify({ inputs: [tensor], parameters: { binary_data_output: true } }));
    headers['inference-header-content-length'] = String(head.length);
    body = Buffer.concat([head, raw]);
    url = `${base}/v2/models/${name}/infer`;
  } else if (binary === true) body = raw;
  const script = path.join(dir, `${name}-${rival}.lua`);
  const set = Object.entries(headers).map(([key, value]) => `wrk.headers["${key}"]="${value}"\n`);
  const bytes = Array.from(body, (byte) => `\\${String(byte).padStart(3, '0')}`).join('');
  fs.writeFileSync(script, `wrk.method="POST"\n${set.join('')}wrk.body="${bytes}"\n`);
  return { script, url, body, headers };
}

function nested(values: readonly number[], [size = 1, ...inner]: readonly number[]): unknown[] {
  if (inner.length === 0) return values.slice(0, size);
  const width = values.length / size;
  return Array.from({ length: size }, (_, i) => nested(values.slice(i * width, (i + 1) * width), inner));
}

async function logCounts(port: number): Promise<string> {
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const find = (outcome: string): string =>
    new RegExp(`records_total\\{outcome="${outcome}"\\} (\\d+)`).exec(page)?.[1] ?? '-';
  return `${find('logged')} / ${find('dropped')} / ${find('sampled_out')}`;
}

/** How long `/health` takes beside work that fills the inference threads, or beside a flood of JSON. */
async function runHealth(dir: string, program: string): Promise<void> {
  console.log('\n| beside | server | /health p50 | p99 |\n|---|---|---|---|');
  const slow = path.join(dir, 'slow.onnx');
  fs.writeFileSync(slow, slowModel(dir));
  const wide = path.join(dir, 'wide.onnx');
  fs.writeFileSync(wide, linearModel(1000, 10));
  const flood: Case = { name: 'wide', model: () => linearModel(1000, 10), dims: [1, 1000], rivals: [] };
  const heavy: Case = { name: 'slow', model: () => powers(1), dims: [1, 512], rivals: [] };
  for (const [what, one, file, rival] of [
    ['an 80 ms model, 8 clients', heavy, slow, 'ours'],
    ['a JSON flood, 32 clients', flood, wide, 'ours'],
    ['a JSON flood, 32 clients', flood, wide, 'floor'],
  ] as const) {
    const port = await freePort();
    const command = commandOf(rival, file, '', port) ?? [];
    const child = spawn(command[0] ?? '', command.slice(1), { cwd: dir, stdio: 'ignore' });
    try {
      const { script, url, body, headers } = requestOf(one, rival, port, dir);
      await untilReady(url, body, headers, 0);
      const clients = one === heavy ? 8 : 32;
      const argv = ['-t1', `-c${clients}`, `-d${seconds + 1}s`, '-s', script, url];
      const other = spawn(program, argv, { stdio: 'ignore' });
      const over = new Promise((resolve) => other.once('exit', resolve));
      await delay(500);
      const { p50, p99 } = load(program, undefined, `http://127.0.0.1:${port}/health`, 1, seconds);
      console.log(`| ${[what, rival, p50, p99].join(' | ')} |`);
      await over;
    } finally {
      await end(child, false);
    }
  }
}

/** A model that takes about 80 ms on this machine. */
function slowModel(dir: string): Uint8Array {
  const file = path.join(dir, 'try.onnx');
  fs.writeFileSync(file, powers(10));
  const argv = [path.join(root, 'bench/serving/loop.mjs'), file, '1', '1,512'];
  const { p50 } = JSON.parse(spawnSync(process.execPath, argv, { encoding: 'utf8', cwd: root }).stdout) as {
    p50: number;
  };
  return powers(Math.max(1, Math.round((80 / p50) * 10)));
}

/** A scikit-learn pipeline, where there is a Python to make it; else nothing. */
function pipeline(): Uint8Array {
  if (python === undefined) return new Uint8Array(0);
  const file = path.join(os.tmpdir(), `pipeline-${process.pid}.onnx`);
  const made = spawnSync(python, [path.join(root, 'bench/serving/pipeline.py'), file, 'plain'], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  const bytes = fs.readFileSync(file);
  fs.rmSync(file);
  return bytes;
}

function commandOf(rival: string, file: string, folder: string, port: number): string[] | undefined {
  if (rival === 'ours')
    return [...mlopsCommand, 'serve', file, '-p', String(port), '--log-predictions', '--workers', workers];
  if (rival === 'floor') return [process.execPath, path.join(root, 'bench/serving/floor.mjs'), file, String(port)];
  if (python === undefined) return undefined;
  if (rival === 'fastapi') return [python, path.join(root, 'bench/serving/fastapi_server.py'), file, String(port)];
  const mlflow = path.join(path.dirname(python), 'mlflow');
  const environment = ['env', `PATH=${path.dirname(python)}:${process.env['PATH'] ?? ''}`];
  return [...environment, mlflow, 'models', 'serve', '-m', folder, '--env-manager', 'local', '-p', String(port)];
}

async function untilReady(
  url: string,
  body: Buffer,
  headers: Record<string, string>,
  started: number,
): Promise<number> {
  for (let tries = 0; tries < 3_000; tries++) {
    try {
      const answer = await fetch(url, { method: 'POST', body: new Uint8Array(body), headers });
      await answer.arrayBuffer();
      if (answer.ok) return Math.round(performance.now() - started);
    } catch {
      // Not listening yet.
    }
    await delay(20);
  }
  throw new Error(`${url} did not come up`);
}

function load(program: string, script: string | undefined, url: string, count: number, time: number): Result {
  const argv = ['-t1', `-c${count}`, `-d${time}s`, '--latency', ...(script === undefined ? [] : ['-s', script]), url];
  const text = spawnSync(program, argv, { encoding: 'utf8' }).stdout;
  const find = (form: RegExp): string => form.exec(text)?.[1] ?? '-';
  return {
    requests: Math.round(Number(find(/Requests\/sec:\s+([\d.]+)/))),
    p50: find(/^\s+50%\s+(\S+)/m),
    p99: find(/^\s+99%\s+(\S+)/m),
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
