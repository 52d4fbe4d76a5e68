// What the work of a tracking store costs as it grows: the same queries at 1,000 runs and at each tenfold, through the
// port, without HTTP. Rows are made by the database itself: 5 params, 5 tags, 5 metrics and 10 points a run.
//   npm run bench tracking-curve                           up to 1,000,000 runs and 10,000,000 points: some minutes
//   npm run bench tracking-curve --runs 10000              a smaller one
//   npm run bench tracking-curve --kinds sqlite            one kind of store
import * as path from 'node:path';
import { parseArgs } from 'node:util';

import { openDatabase } from '../src/base/index.ts';
import { openTracking, type RunSearch, type TrackingStore } from '../src/tracking/index.ts';
import { databaseOf, PostgresServer } from '../test/support/postgres.ts';
import { machine, median, milliseconds, printTable, rival, scratch } from './measure.ts';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000000' },
    kinds: { type: 'string', default: 'sqlite,postgres' },
  },
});

const names = [0, 1, 2, 3, 4];
const pointsOfRun = 10;

/** Runs of one experiment, the key of a metric being `m0`, of a param `p0`, of a tag `t0`. */
const searches: readonly (readonly [name: string, search: Partial<RunSearch>])[] = [
  ['newest 100', {}],
  ['a param, one hit', { filter: "params.p0 = '777'" }],
  ['a param of ten values', { filter: "params.p1 = '3'" }],
  ['a metric above, half of them', { filter: 'metrics.m0 > 50' }],
  ['a metric, 0.05% of them', { filter: 'metrics.m0 > 99.95' }],
  ['a metric and a tag', { filter: "metrics.m0 > 50 AND tags.t1 = '2'" }],
  ['a status', { filter: "status = 'FAILED'" }],
  ['best by a metric', { orderBy: ['metrics.m0 DESC'] }],
  ['best by a metric, of a param', { orderBy: ['metrics.m0 DESC'], filter: "params.p1 = '4'" }],
  ['page of 1,000', { maxResults: 1000 }],
  ['LIKE without a hit (reads all)', { filter: "params.p0 LIKE '%x%'" }],
];

interface Contestant {
  readonly name: string;
  readonly store: TrackingStore;
  /** Makes the runs after the first `from`, up to `to`. */
  readonly fill: (from: number, to: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The statements of a filling, in which `series` gives the rows `i` of the new runs. */
function filling(series: (from: number, to: number) => string, real: string): (from: number, to: number) => string[] {
  const key = (name: string): string => `(SELECT id FROM keys WHERE name = '${name}')`;
  const values = `((i * 7919 + 31) % 100003) / 1000.0`;
  return (from, to) => {
    const rows = series(from, to);
    // In this order: SQLite would make the rows anew for each run.
    const chosen = `FROM (${rows}) s CROSS JOIN runs r WHERE r.start_time = i AND r.experiment = 1 AND r.lifecycle = 0`;
    return [
      `INSERT INTO runs (id, experiment, name, user_id, status, start_time, end_time, artifact_uri)
        SELECT 'run' || i, 1, 'r' || i, 'u', CASE WHEN i % 1000 = 0 THEN 'FAILED' ELSE 'FINISHED' END, i, i + 5, 'x' FROM (${rows}) s`,
      ...names.flatMap((k) => [
        `INSERT INTO latest (run, key, experiment, value, is_nan, step, timestamp)
          SELECT n, ${key(`m${k}`)}, 1, ${values}, 0, ${pointsOfRun - 1}, 0 ${chosen}`,
        `INSERT INTO params (run, key, experiment, value)
          SELECT n, ${key(`p${k}`)}, 1, CAST(${k === 0 ? 'i' : `(i * ${k + 2}) % 10`} AS ${real}) ${chosen}`,
        `INSERT INTO tags (run, key, experiment, value)
          SELECT n, ${key(`t${k}`)}, 1, CAST((i + ${k}) % 5 AS ${real}) ${chosen}`,
      ]),
      ...Array.from(
        { length: pointsOfRun },
        (_, step) => `INSERT INTO metrics (run, key, timestamp, step, value, is_nan)
          SELECT n, ${key('m0')}, 0, ${step}, ${values}, 0 ${chosen}`,
      ),
    ];
  };
}

/** The experiment, and one run with all keys so that their names are there. */
async function begin(store: TrackingStore): Promise<void> {
  const experimentId = await store.createExperiment({ name: 'many' });
  const { info } = await store.createRun({ experimentId, startTime: -1 });
  await store.logBatch(info.id, {
    metrics: names.map((k) => ({ key: `m${k}`, value: 0, step: 0, timestamp: 0 })),
    params: names.map((k) => ({ key: `p${k}`, value: '0' })),
    tags: names.map((k) => ({ key: `t${k}`, value: '0' })),
  });
}

async function sqlite(): Promise<Contestant> {
  const file = path.join(scratch('tracking-curve'), 'mlops.db');
  const store = await openTracking(file);
  await begin(store);
  const series = (from: number, to: number): string =>
    `WITH RECURSIVE s(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM s WHERE i < ${to - 1}) SELECT i FROM s`;
  const statements = filling(series, 'TEXT');
  return {
    name: 'SQLite',
    store,
    fill: async (from, to) => {
      const db = openDatabase(file, { migrations: [], anyVersion: true });
      db.transaction(() => {
        for (const statement of statements(from, to)) db.exec(statement);
      }).immediate();
      db.close();
    },
    close: () => store.close(),
  };
}

async function postgres(program: string): Promise<Contestant> {
  const server = await PostgresServer.start(program, { sync: true, settings: ['max_wal_size=4GB'] });
  process.on('exit', () => server.kill());
  const uri = await server.database();
  const store = await openTracking(uri, { artifacts: '/nowhere' });
  await begin(store);
  const database = databaseOf(uri);
  const statements = filling((from, to) => `SELECT generate_series(${from}::bigint, ${to - 1}) AS i`, 'text');
  return {
    name: 'PostgreSQL',
    store,
    fill: async (from, to) => {
      await server.query(`SET search_path TO mlops; ${statements(from, to).join('; ')}`, database);
      // What autovacuum does in the minutes after such a load.
      for (const table of ['runs', 'latest', 'params', 'tags', 'metrics']) {
        await server.query(`VACUUM ANALYZE mlops.${table}`, database);
      }
    },
    close: async () => {
      await store.close();
      await server.end();
    },
  };
}

async function timed(count: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await work(i);
    taken.push(performance.now() - start);
  }
  return median(taken);
}

async function measure(store: TrackingStore, size: number): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const { info } = await store.createRun({ experimentId: '1', startTime: -2 });
  const some = `run${size >> 1}`;
  found.set('create a run', await timed(50, () => store.createRun({ experimentId: '1', startTime: -2 })));
  const log = (i: number): Promise<void> =>
    store.logBatch(info.id, { metrics: [{ key: 'm0', value: i, step: i, timestamp: i }] });
  found.set('log a point', await timed(200, log));
  found.set('get a run', await timed(50, () => store.getRun(some)));
  found.set('a history', await timed(50, () => store.metricHistory(some, 'm0')));
  for (const [name, search] of searches) {
    const run = (): Promise<unknown> => store.searchRuns({ experimentIds: ['1'], maxResults: 100, ...search });
    // Prepared and in memory, as for all but the first that ask.
    await timed(3, run);
    found.set(name, await timed(7, run));
  }
  return found;
}

const most = Number(options.runs);
const sizes = [1_000, 10_000, 100_000, 1_000_000].filter((size) => size < most);
sizes.push(most);
const kinds = new Set(options.kinds.split(','));
const program = kinds.has('postgres') ? rival('postgres/bin/postgres') : undefined;
const open = [...(kinds.has('sqlite') ? [sqlite] : []), ...(program === undefined ? [] : [() => postgres(program)])];
console.log(machine());
for (const one of open) {
  const { name, store, fill, close } = await one();
  const columns: Map<string, number>[] = [];
  let there = 0;
  for (const size of sizes) {
    await fill(there, size);
    there = size;
    columns.push(await measure(store, size));
  }
  await close();
  const rows = [...(columns[0]?.keys() ?? [])].map((row) => {
    const times = columns.map((column) => column.get(row) ?? Number.NaN);
    const tenfolds = Math.log10(most / (sizes[0] ?? most));
    const growth = ((times.at(-1) ?? 0) / (times[0] ?? 1)) ** (1 / Math.max(tenfolds, 1));
    return [row, ...times.map(milliseconds), `×${growth.toFixed(2)}`];
  });
  const header = sizes.map((size) => `${size.toLocaleString('en')} runs`);
  printTable(`Cost curve, ${name}`, ['', ...header, 'a tenfold'], rows);
}
if (kinds.has('postgres') && program === undefined) {
  console.log('\nPostgreSQL is not installed here (npm run tools).');
}
