// The tracking server beside MLflow's own: the same requests over keep-alive connections, in one run.
//   npm run bench tracking                                 100,000 runs and a history of 1,000,000 points
//   npm run bench tracking --runs 2000 --points 20000      a smaller one
//   npm run bench tracking --mlflow-runs 500               MLflow's part: fewer runs, which its column says
//   npm run bench tracking --no-mlflow                     without MLflow
//   npm run bench tracking --scale 2                       fewer single requests
//   npm run bench tracking --kinds postgres                one kind of store; both servers on the same PostgreSQL
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';

import { PostgresServer } from '../test/support/postgres.ts';
import { machine, median, milliseconds, mlopsCommand, printTable, rival, scratch } from './measure.ts';
import { connect, type Client } from './tracking/load.ts';
import { memory, start, stop, type Server } from './tracking/servers.ts';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    points: { type: 'string', default: '1000000' },
    keys: { type: 'string', default: '12000' },
    'mlflow-runs': { type: 'string', default: '1000' },
    'no-mlflow': { type: 'boolean', default: false },
    scale: { type: 'string', default: '20' },
    kinds: { type: 'string', default: 'sqlite,postgres' },
  },
});

interface Size {
  readonly runs: number;
  readonly points: number;
  readonly keys: number;
  /** Multiplies the number of single requests. */
  readonly scale: number;
}

type Rows = Record<string, string>;

const folder = scratch('tracking');
const point = (i: number): object => ({ key: 'loss', value: i / 7, timestamp: 1_700_000_000_000 + i, step: i });

async function newRun(client: Client, experiment: string, start = Date.now()): Promise<string> {
  const made = await client.post('runs/create', { experiment_id: experiment, start_time: start });
  return (made as { run: { info: { run_id: string } } }).run.info.run_id;
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

/** Requests a second of clients that each wait for their answers. */
async function throughput({ port, client }: Server, clients: number, requests: number): Promise<number> {
  const each = await Promise.all(
    Array.from({ length: clients }, async () => ({ client: await connect(port), run: await newClientRun() })),
  );
  async function newClientRun(): Promise<string> {
    const own = await connect(port);
    const run = await newRun(own, '0');
    own.close();
    return run;
  }
  await client.get('experiments/get?experiment_id=0');
  const count = Math.ceil(requests / clients);
  const begin = performance.now();
  await Promise.all(
    each.map(async (one) => {
      for (let i = 0; i < count; i++) await one.client.post('runs/log-metric', { run_id: one.run, ...point(i) });
    }),
  );
  const rate = (clients * count) / ((performance.now() - begin) / 1000);
  for (const one of each) one.client.close();
  return rate;
}

function quantile(taken: readonly number[], q: number): number {
  return taken.toSorted((a, b) => a - b)[Math.floor(taken.length * q)] ?? 0;
}

async function measure(server: Server, size: Size): Promise<Rows> {
  const rows: Rows = {};
  rows['start to /health'] = milliseconds(server.started);
  rows['memory after start'] = `${memory(server).toFixed(0)} MB`;
  await writes(server, size, rows);
  await histories(server, size, rows);
  await search(server, size, rows);
  await files(server, rows);
  rows['memory at the end'] = `${memory(server).toFixed(0)} MB`;
  return rows;
}

async function writes(server: Server, { scale }: Size, rows: Rows): Promise<void> {
  const { client } = server;
  const run = await newRun(client, '0');
  const metric = (i: number): Promise<unknown> => client.post('runs/log-metric', { run_id: run, ...point(i) });
  await times(100 * scale, (i) => metric(i));
  const single = await times(250 * scale, (i) => metric(100_000 + i));
  rows['log-metric p50'] = milliseconds(median(single));
  rows['log-metric p99'] = milliseconds(quantile(single, 0.99));
  for (const clients of [1, 8, 32]) {
    const rate = await throughput(server, clients, 400 * scale);
    rows[`log-metric a second, ${clients} client${clients === 1 ? '' : 's'}`] = rate.toFixed(0);
  }
  const batch = (i: number): unknown => ({
    run_id: run,
    metrics: Array.from({ length: 1000 }, (_, j) => ({ ...point(i * 1000 + j), key: 'batch' })),
  });
  const batches = await times(20, (i) => client.post('runs/log-batch', batch(i)));
  rows['log-batch of 1,000 p50'] = milliseconds(median(batches));
  rows['runs/create p50'] = milliseconds(median(await times(20 * scale, () => newRun(client, '0'))));
}

/** Histories of 10,000 and of very many points, read whole and as a chart reads them; very many metric names. */
async function histories({ client }: Server, { points, keys }: Size, rows: Rows): Promise<void> {
  for (const count of new Set([10_000, points])) {
    if (count === 0) continue;
    const run = await newRun(client, '0');
    for (let i = 0; i < count; i += 1000) {
      const metrics = Array.from({ length: 1000 }, (_, j) => point(i + j));
      await client.post('runs/log-batch', { run_id: run, metrics });
    }
    const name = count.toLocaleString('en');
    const all = `metrics/get-history?run_id=${run}&metric_key=loss`;
    const repeats = count > 100_000 ? 3 : 9;
    rows[`history of ${name} points`] = milliseconds(median(await times(repeats, () => client.get(all))));
    const pages = `${all}&max_results=25000`;
    rows[`its first 25,000 at most`] = milliseconds(median(await times(repeats, () => client.get(pages))));
    const chart = `metrics/get-history-bulk-interval?run_ids=${run}&metric_key=loss&max_results=2500`;
    rows[`chart of ${name} points`] = milliseconds(median(await times(repeats, () => client.get(chart))));
  }
  if (keys === 0) return;
  const { experiment_id: id } = (await client.post('experiments/create', { name: 'keys' })) as {
    experiment_id: string;
  };
  const run = await newRun(client, id);
  const begin = performance.now();
  for (let i = 0; i < keys; i += 1000) {
    const metrics = Array.from({ length: 1000 }, (_, j) => ({ ...point(0), key: `metric/${i + j}` }));
    await client.post('runs/log-batch', { run_id: run, metrics });
  }
  const name = keys.toLocaleString('en');
  rows[`${name} metric names: log`] = milliseconds(performance.now() - begin);
  const find = { experiment_ids: [id], order_by: [`metrics.\`metric/${keys - 1}\` DESC`] };
  rows[`${name} metric names: search`] = milliseconds(median(await times(5, () => client.post('runs/search', find))));
}

/** By eight clients, as one would take long. */
async function fill(port: number, experiment: string, count: number): Promise<void> {
  let next = 0;
  const filler = async (): Promise<void> => {
    const client = await connect(port);
    while (next < count) await fillOne(client, experiment, next++);
    client.close();
  };
  await Promise.all(Array.from({ length: 8 }, filler));
}

async function fillOne(client: Client, experiment: string, i: number): Promise<void> {
  await client.post('runs/log-batch', {
    run_id: await newRun(client, experiment, 1_700_000_000_000 + i),
    metrics: Array.from({ length: 5 }, (_, j) => ({
      ...{ key: `m${j}`, value: ((i * 7919 + j * 31) % 100_003) / 1000, timestamp: 1, step: 0 },
    })),
    params: Array.from({ length: 5 }, (_, j) => ({
      key: `p${j}`,
      value: j === 0 ? `${i}` : `${(i * (j + 2)) % 10}`,
    })),
    tags: Array.from({ length: 5 }, (_, j) => ({ key: `t${j}`, value: `${(i + j) % 5}` })),
  });
}

const queries: readonly (readonly [name: string, query: object])[] = [
  ['default', {}],
  ['filter by metric', { filter: 'metrics.m0 > 50' }],
  ['filter by metric, 50 runs', { filter: 'metrics.m0 > 99.95' }],
  ['filter by param', { filter: "params.p1 = '3'" }],
  ['filter by tag', { filter: "tags.t1 = '3'" }],
  ['filter by metric, param and tag', { filter: "metrics.m0 > 50 and params.p1 = '3' and tags.t1 = '2'" }],
  ['nothing fits together', { filter: "params.p1 = '3' and params.p2 = '3' and tags.t1 = '1'" }],
  ['LIKE of few values, no hit', { filter: "params.p1 LIKE '%x%'" }],
  ['LIKE of many values, no hit', { filter: "params.p0 LIKE '%x%'" }],
  ['order by metric', { order_by: ['metrics.m0 DESC'] }],
  ['order by metric, filter by param', { order_by: ['metrics.m0 ASC'], filter: "params.p1 = '4'" }],
  ['order by param of few values', { order_by: ['params.p1 ASC'] }],
  ['order by param of many values', { order_by: ['params.p0 ASC'] }],
  ['order by end, name', { order_by: ['attributes.end_time DESC', 'attributes.run_name'] }],
  ['page of 1,000', { max_results: 1000 }],
];

async function search({ client, port }: Server, { runs }: Size, rows: Rows): Promise<void> {
  const made = await client.post('experiments/create', { name: 'many' });
  const { experiment_id: id } = made as { experiment_id: string };
  const sizes = [1_000, 10_000, 100_000].filter((size) => size < runs);
  let there = 0;
  for (const size of [...sizes, runs]) {
    await fill(port, id, size - there);
    there = size;
    const find = (query: object): Promise<unknown> =>
      client.post('runs/search', { experiment_ids: [id], max_results: 100, ...query });
    const label = size.toLocaleString('en');
    // The smaller sizes only show how it grows.
    for (const [name, query] of size === runs ? queries : queries.slice(0, 1)) {
      rows[`${label} runs: ${name}`] = milliseconds(median(await times(7, () => find(query))));
    }
    rows[`${label} runs: page at the end`] = milliseconds(median(await lastPages(find)));
  }
}

/** The last three of 50 pages of 500, each continued from the one before. */
async function lastPages(find: (query: object) => Promise<unknown>): Promise<number[]> {
  let token: string | undefined;
  const taken: number[] = [];
  for (let page = 0; page < 50; page++) {
    const begin = performance.now();
    const answer = await find({ max_results: 500, order_by: ['metrics.m0 ASC'], page_token: token });
    taken.push(performance.now() - begin);
    token = (answer as { next_page_token?: string }).next_page_token;
    if (token === undefined) break;
  }
  return taken.slice(-3);
}

function findDriver(): string {
  const lib = rival('psycopg/lib');
  if (lib === undefined) return '';
  const python = fs.readdirSync(lib).find((name) => name.startsWith('python')) ?? '';
  return path.join(lib, python, 'site-packages');
}

async function files(server: Server, rows: Rows): Promise<void> {
  const content = Buffer.alloc(100_000_000, 'x');
  const target = '/api/2.0/mlflow-artifacts/artifacts/0/bench/big.bin';
  const before = memory(server);
  const client = await connect(server.port);
  rows['artifact of 100 MB up'] = milliseconds(median(await times(3, () => client.request('PUT', target, content))));
  rows['artifact of 100 MB down'] = milliseconds(median(await times(3, () => client.request('GET', target))));
  client.close();
  rows['memory that artifacts took'] = `${Math.max(0, memory(server) - before).toFixed(0)} MB`;
}

const mlops = (name: string, backend?: string, flags: readonly string[] = []): Promise<Server> => {
  const cwd = path.join(folder, name.replaceAll(/\W/g, '-'));
  fs.mkdirSync(cwd, { recursive: true });
  const store = backend ?? path.join(cwd, 'mlops.db');
  return start(
    name,
    (port) => [...mlopsCommand, 'server', '-p', String(port), '--backend-store-uri', store, ...flags],
    { cwd },
  );
};

/** Where MLflow's driver for PostgreSQL is. */
const driver = findDriver();

const mlflow = (name: string, python: string, backend = `sqlite:///${folder}/mlflow.db`): Promise<Server> =>
  start(
    name,
    (port) => [
      ...[python, '-m', 'mlflow', 'server', '--port', String(port), '--workers', '1'],
      ...['--backend-store-uri', backend, '--artifacts-destination', `${folder}/mlartifacts`],
    ],
    // Its job runners are eight more processes that this work does not need.
    { cwd: folder, env: { MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false', PYTHONPATH: driver } },
  );

const whole = {
  runs: Number(options.runs),
  points: Number(options.points),
  keys: Number(options.keys),
  scale: Number(options.scale),
};
const python = options['no-mlflow'] ? undefined : rival('mlflow/bin/python');
const mlflowRuns = Math.min(Number(options['mlflow-runs']), whole.runs);
const kinds = new Set(options.kinds.split(','));
// On disk, and synced: what is answered is kept.
const program = kinds.has('postgres') ? rival('postgres/bin/postgres') : undefined;
const postgres = program === undefined ? undefined : await PostgresServer.start(program, { sync: true });
process.on('exit', () => postgres?.kill());
const contestants: { name: string; size: Size; begin: (name: string) => Promise<Server> }[] = [
  { name: 'mlops, SQLite', size: whole, begin: (name) => mlops(name) },
];
if (kinds.has('sqlite')) {
  const begin = (name: string): Promise<Server> => mlops(name, undefined, ['--durability', 'full']);
  contestants.push({ name: 'mlops, SQLite, durability full', size: whole, begin });
}
if (postgres !== undefined) {
  const database = await postgres.database();
  contestants.push({ name: 'mlops, PostgreSQL', size: whole, begin: (name) => mlops(name, database) });
}
if (python !== undefined) {
  const size = { runs: mlflowRuns, points: 0, keys: 0, scale: 1 };
  if (kinds.has('sqlite')) {
    contestants.push({ name: `MLflow, SQLite, ${mlflowRuns} runs`, size, begin: (name) => mlflow(name, python) });
  }
  if (postgres !== undefined && driver !== '') {
    const database = await postgres.database();
    const begin = (name: string): Promise<Server> =>
      mlflow(name, python, database.replace('postgresql:', 'postgresql+psycopg2:'));
    contestants.push({ name: `MLflow, PostgreSQL, ${mlflowRuns} runs`, size, begin });
  }
}
const columns: { name: string; rows: Rows }[] = [];
for (const { name, size, begin } of contestants) {
  const server = await begin(name);
  try {
    columns.push({ name, rows: await measure(server, size) });
  } finally {
    await stop(server);
  }
}
await postgres?.end();
console.log(machine());
const names = [...new Set(columns.flatMap(({ rows }) => Object.keys(rows)))];
printTable(
  'Tracking server',
  ['', ...columns.map(({ name }) => name)],
  names.map((row) => [row, ...columns.map(({ rows }) => rows[row] ?? 'not measured')]),
);
if (options['no-mlflow']) console.log('\nMLflow was left out (--no-mlflow).');
else if (kinds.has('postgres') && postgres === undefined)
  console.log('\nPostgreSQL is not installed here (npm run tools).');
else if (python === undefined) console.log('\nMLflow is not installed here (npm run tools).');
else console.log(`\nMLflow has ${mlflowRuns} runs and no long histories: filling it with more takes hours.`);
