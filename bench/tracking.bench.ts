// The tracking server beside MLflow's own, on the same requests over keep-alive connections.
import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as path from 'node:path';

import { machine, median, milliseconds, mlopsCommand, printTable, rival, scratch } from './measure.ts';

interface Server {
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess;
  readonly started: number;
  readonly agent: http.Agent;
}

const folder = scratch('tracking');
const runsWanted = Number(process.env['MLOPS_BENCH_RUNS'] ?? 2_000);

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function start(
  name: string,
  argv: (port: number) => readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Server> {
  const port = await freePort();
  const [program = '', ...args] = argv(port);
  const begin = performance.now();
  const child = spawn(program, args, { cwd: folder, env: { ...process.env, ...env }, stdio: 'ignore', detached: true });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const server = { name, port, child, agent, started: 0 };
  for (let attempt = 0; attempt < 6_000; attempt++) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    const healthy = await send(server, 'GET', '/health').then(
      ({ status }) => status === 200,
      () => false,
    );
    if (healthy) return { ...server, started: performance.now() - begin };
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${name} did not start`);
}

/** Ends a server with all processes that it has started. */
function stop({ child, agent }: Server): Promise<void> {
  agent.destroy();
  return new Promise((resolve) => {
    child.on('exit', () => resolve());
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    setTimeout(
      () => child.pid !== undefined && child.exitCode === null && process.kill(-child.pid, 'SIGKILL'),
      5_000,
    ).unref();
  });
}

function send(
  { port, agent }: Pick<Server, 'port' | 'agent'>,
  method: string,
  target: string,
  body?: Buffer | string,
): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers: http.OutgoingHttpHeaders =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const request = http.request({ host: '127.0.0.1', port, agent, method, path: target, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function post(server: Server, url: string, body: unknown): Promise<Record<string, never>> {
  const answer = await send(server, 'POST', `/api/2.0/mlflow/${url}`, JSON.stringify(body));
  if (answer.status !== 200)
    throw new Error(`${server.name} ${url}: ${answer.status} ${answer.body.toString().slice(0, 300)}`);
  return JSON.parse(answer.body.toString()) as Record<string, never>;
}

async function get(server: Server, url: string): Promise<void> {
  const answer = await send(server, 'GET', `/api/2.0/mlflow/${url}`);
  if (answer.status !== 200) throw new Error(`${server.name} ${url}: ${answer.status}`);
}

async function newRun(server: Server, experiment: string): Promise<string> {
  const made = await post(server, 'runs/create', { experiment_id: experiment, start_time: Date.now() });
  return (made as unknown as { run: { info: { run_id: string } } }).run.info.run_id;
}

async function times(count: number, work: (i: number) => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const begin = performance.now();
    await work(i);
    taken.push(performance.now() - begin);
  }
  return taken;
}

/** Requests a second of `clients` that each wait for their answers. */
async function throughput(
  clients: number,
  each: number,
  work: (client: number, i: number) => Promise<unknown>,
): Promise<number> {
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let i = 0; i < each; i++) await work(client, i);
    }),
  );
  return (clients * each) / ((performance.now() - begin) / 1000);
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] ?? 0;
}

/** Resident memory of a process and all below it, in MB. */
function memory(pid: number): number {
  let total = 0;
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = fs.readFileSync(`/proc/${entry}/stat`, 'utf8');
      const group = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
      if (group !== pid) continue;
      total += Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      // A process that ended meanwhile.
    }
  }
  return total / 1000;
}

const point = (i: number): object => ({ key: 'loss', value: i / 7, timestamp: 1_700_000_000_000 + i, step: i });

async function measure(server: Server, scale: number): Promise<Record<string, string>> {
  const rows: Record<string, string> = {};
  rows['start to /health'] = milliseconds(server.started);
  rows['memory after start'] = `${memory(server.child.pid ?? 0).toFixed(0)} MB`;
  const run = await newRun(server, '0');
  const metric = (id: string, i: number): Promise<unknown> =>
    post(server, 'runs/log-metric', { run_id: id, ...point(i) });
  await times(50, (i) => metric(run, i));
  const single = await times(500 * scale, (i) => metric(run, 100 + i));
  rows['log-metric p50'] = milliseconds(median(single));
  rows['log-metric p99'] = milliseconds(quantile(single, 0.99));
  for (const clients of [8, 32]) {
    const ids = await Promise.all(Array.from({ length: clients }, () => newRun(server, '0')));
    const rate = await throughput(clients, (scale * 400) / clients, (client, i) => metric(ids[client] ?? '', i));
    rows[`log-metric a second, ${clients} clients`] = rate.toFixed(0);
  }
  const batch = (i: number): unknown => ({
    run_id: run,
    metrics: Array.from({ length: 1000 }, (_, j) => ({ ...point(i * 1000 + j), key: 'batch' })),
  });
  rows['log-batch of 1000 p50'] = milliseconds(
    median(await times(10, (i) => post(server, 'runs/log-batch', batch(i)))),
  );
  rows['runs/create p50'] = milliseconds(median(await times(50, () => newRun(server, '0'))));
  const history = `metrics/get-history?run_id=${run}&metric_key=batch`;
  rows['history of 10,000 points p50'] = milliseconds(median(await times(3, () => get(server, history))));
  await search(server, rows);
  await files(server, rows);
  rows['memory at the end'] = `${memory(server.child.pid ?? 0).toFixed(0)} MB`;
  return rows;
}

async function search(server: Server, rows: Record<string, string>): Promise<void> {
  const { experiment_id: id } = (await post(server, 'experiments/create', { name: 'many' })) as unknown as {
    experiment_id: string;
  };
  for (let i = 0; i < runsWanted; i++) {
    await post(server, 'runs/log-batch', {
      run_id: await newRun(server, id),
      metrics: Array.from({ length: 5 }, (_, j) => ({ key: `m${j}`, value: (i * 7919) % 1000, timestamp: 1, step: 0 })),
      params: Array.from({ length: 5 }, (_, j) => ({ key: `p${j}`, value: String(i % 10) })),
      tags: Array.from({ length: 5 }, (_, j) => ({ key: `t${j}`, value: String(i % 5) })),
    });
  }
  const find = (query: object): Promise<unknown> =>
    post(server, 'runs/search', { experiment_ids: [id], max_results: 100, ...query });
  const queries: readonly (readonly [string, object])[] = [
    ['default', {}],
    ['filter metric and param', { filter: "metrics.m0 > 500 and params.p1 = '3'" }],
    ['order by metric', { order_by: ['metrics.m0 DESC'] }],
    ['page of 1000', { max_results: 1000 }],
  ];
  for (const [name, query] of queries) {
    rows[`search ${runsWanted} runs: ${name}`] = milliseconds(median(await times(5, () => find(query))));
  }
}

async function files(server: Server, rows: Record<string, string>): Promise<void> {
  const content = Buffer.alloc(100_000_000, 'x');
  const target = '/api/2.0/mlflow-artifacts/artifacts/0/bench/big.bin';
  rows['artifact of 100 MB up'] = milliseconds(median(await times(3, () => send(server, 'PUT', target, content))));
  rows['artifact of 100 MB down'] = milliseconds(median(await times(3, () => send(server, 'GET', target))));
}

const mlops = (name: string, flags: readonly string[] = []) =>
  start(name, (port) => {
    const store = path.join(folder, name.replaceAll(/\W/g, '-'), 'mlops.db');
    fs.mkdirSync(path.dirname(store), { recursive: true });
    return [...mlopsCommand, 'server', '-p', String(port), '--backend-store-uri', store, ...flags];
  });

const python = rival('mlflow/bin/python');
const columns: { name: string; rows: Record<string, string> }[] = [];
const contestants: readonly (readonly [name: string, scale: number, begin: () => Promise<Server>])[] = [
  ['mlops', 20, () => mlops('mlops')],
  ['mlops, durability full', 20, () => mlops('mlops, durability full', ['--durability', 'full'])],
  ...(python === undefined
    ? []
    : [
        [
          'MLflow',
          1,
          () =>
            start(
              'MLflow',
              (port) => [
                ...[python, '-m', 'mlflow', 'server', '--port', String(port), '--workers', '1'],
                ...[
                  '--backend-store-uri',
                  `sqlite:///${folder}/mlflow.db`,
                  '--artifacts-destination',
                  `${folder}/mlartifacts`,
                ],
              ],
              // Its job runners are eight more processes that this work does not need.
              { MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false' },
            ),
        ] as const,
      ]),
];
for (const [name, scale, begin] of contestants) {
  const server = await begin();
  try {
    columns.push({ name, rows: await measure(server, scale) });
  } finally {
    await stop(server);
  }
}
console.log(machine());
printTable(
  'Tracking server',
  ['', ...columns.map(({ name }) => name)],
  Object.keys(columns[0]?.rows ?? {}).map((row) => [row, ...columns.map(({ rows }) => rows[row] ?? '')]),
);
