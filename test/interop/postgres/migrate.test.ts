// A database of MLflow's own server in PostgreSQL, filled by its own store, comes over into ours.
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

import { databaseSource } from '../../../src/migrate/database.ts';
import { migrateFromMlflow } from '../../../src/migrate/from-mlflow.ts';
import { openTracking, snapshotDatabase } from '../../../src/tracking/index.ts';
import { mlops, temporaryFolder } from '../../cli.ts';
import { databaseOf, PostgresServer } from '../../support/postgres.ts';
import { describeWithTool } from '../../tools.ts';

const script = `
import sys, mlflow, time
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.entities import Metric, Param, RunTag
store = SqlAlchemyStore(sys.argv[1], 'mlflow-artifacts:/')
e = store.create_experiment('old')
r = store.create_run(e, 'ann', 5, [RunTag('k', 'v')], 'first')
store.log_batch(r.info.run_id, [Metric('m', float('nan'), 1, 0), Metric('m', 0.25, 2, 1)], [Param('p', '1')], [])
store.delete_run(store.create_run(e, 'ann', 6, [], 'gone').info.run_id)
print(e, r.info.run_id)
`;

describeWithTool(['mlflow', 'postgres'], "MLflow's database in PostgreSQL", ({ mlflow, postgres }) => {
  it('comes over, and is not begun in by mistake', async () => {
    const server = await PostgresServer.start(postgres);
    onTestFinished(() => server.end());
    const uri = await server.database();
    const folder = temporaryFolder();
    // MLflow's own PostgreSQL driver is not among its requirements: its SQLite database is carried over table by table.
    const file = path.join(folder, 'mlflow.db');
    const { stdout } = await promisify(execFile)(mlflow, ['-c', script, `sqlite:///${file}`], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, GIT_PYTHON_REFRESH: 'quiet' },
    });
    const [experiment = '', run = ''] = stdout.trim().split('\n').at(-1)?.split(' ') ?? [];
    await carryOver(file, server, uri);
    await expect(openTracking(uri)).rejects.toMatchObject({
      code: 'invalid_value',
      hint: expect.stringContaining('migrate mlflow'),
    });
    const target = await server.database();
    const outcome = mlops(folder, ['migrate', 'mlflow', uri, '--artifacts', folder, '--to', target, '--json']);
    expect(outcome.status, outcome.stderr).toBe(0);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ runs: 2, points: 2, experiments: 2 });
    const store = await openTracking(target, { artifacts: folder });
    onTestFinished(() => store.close());
    const found = await store.getRun(run);
    expect(found).toMatchObject({
      info: { experimentId: experiment, userId: 'ann', startTime: 5, name: 'first' },
      params: [{ key: 'p', value: '1' }],
    });
    expect((await store.metricHistory(run, 'm')).items.map(({ value }) => value)).toEqual([NaN, 0.25]);
    // The same through a copy in SQLite, object by object.
    const copy = path.join(folder, 'copy.db');
    await snapshotDatabase(uri, copy, {});
    const plain = await openTracking(path.join(folder, 'ours.db'));
    onTestFinished(() => plain.close());
    const source = databaseSource(copy, folder);
    await migrateFromMlflow(source, plain, {});
    await source.close();
    expect(await plain.getRun(run)).toEqual(found);
    expect(fs.existsSync(copy)).toBe(true);
  }, 240_000);
});

const reader = `
import sys, json, math
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
from mlflow.entities import ViewType
store = SqlAlchemyStore(sys.argv[1], 'mlflow-artifacts:/')
registry = Registry(sys.argv[1])
out = {'experiments': [], 'runs': []}
for e in store.search_experiments(view_type=ViewType.ALL):
    out['experiments'].append([e.experiment_id, e.name, e.lifecycle_stage, dict(e.tags)])
    for r in store.search_runs([e.experiment_id], '', ViewType.ALL):
        history = {k: [['nan' if math.isnan(m.value) else m.value, m.step, m.timestamp] for m in store.get_metric_history(r.info.run_id, k)] for k in r.data.metrics}
        out['runs'].append([r.info.run_id, r.info.run_name, r.info.lifecycle_stage, r.data.params, r.data.tags.get('k'), history])
m = registry.get_registered_model('clf')
v = registry.get_model_version('clf', 1)
out['model'] = [m.name, m.description, m.aliases, v.source, v.run_id, v.tags]
out['new'] = store.create_experiment('after')
r = store.create_run(out['new'], 'bob', 1, [], 'next')
store.delete_run(r.info.run_id)
print(json.dumps(out, sort_keys=True))
`;

describeWithTool(['mlflow', 'psycopg', 'postgres'], "MLflow's database in PostgreSQL, filled", (programs) => {
  it('is gone on with by its own server: ids, histories, registry', async () => {
    const server = await PostgresServer.start(programs.postgres);
    onTestFinished(() => server.end());
    const uri = await server.database();
    const theirs = uri.replace('postgresql:', 'postgresql+psycopg2:');
    const folder = temporaryFolder();
    const lib = path.join(path.dirname(path.dirname(programs.psycopg)), 'lib');
    const python = (code: readonly string[]): Promise<{ stdout: string }> =>
      promisify(execFile)(programs.mlflow, [...code], {
        cwd: folder,
        env: {
          ...{ PATH: process.env['PATH'], HOME: folder, GIT_PYTHON_REFRESH: 'quiet' },
          PYTHONPATH: path.join(lib, fs.readdirSync(lib)[0] ?? '', 'site-packages'),
        },
      });
    const ours = await server.database();
    const store = await openTracking(ours, { artifacts: path.join(folder, 'artifacts') });
    onTestFinished(() => store.close());
    const experiment = await store.createExperiment({ name: 'naïve 🎉', tags: [{ key: 'a', value: 'b' }] });
    const { info } = await store.createRun({
      ...{ experimentId: experiment, name: 'first', startTime: 2 ** 40, tags: [{ key: 'k', value: "it's\n" }] },
    });
    const point = { key: 'm', value: 0.1, step: 3, timestamp: 4 };
    await store.logBatch(info.id, {
      metrics: [point, { ...point, value: NaN, step: 4 }],
      params: [{ key: 'p', value: '1' }],
    });
    await store.deleteRun((await store.createRun({ experimentId: experiment, name: 'gone' })).info.id);
    await store.createRegisteredModel('clf', { description: 'd' });
    await store.createModelVersion({
      name: 'clf',
      source: 's3://b/m',
      runId: info.id,
      tags: [{ key: 't', value: 'u' }],
    });
    await store.setAlias('clf', 'best', '1');
    const words = [
      'migrate',
      'to-mlflow',
      uri,
      '--from',
      ours,
      '--from-artifacts',
      folder,
      '--artifacts',
      folder,
      '--json',
    ];
    const early = mlops(folder, words);
    expect([early.status, early.stderr]).toEqual([1, expect.stringContaining('is not a database of MLflow')]);
    await python(['-m', 'mlflow', 'db', 'upgrade', theirs]);
    const outcome = mlops(folder, words);
    expect(outcome.status, outcome.stderr).toBe(0);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ experiments: 2, runs: 2, points: 2, models: 1, versions: 1 });
    const seen = JSON.parse((await python(['-c', reader, theirs])).stdout.trim().split('\n').at(-1) ?? '') as {
      runs: unknown[][];
    };
    expect(seen).toMatchObject({
      experiments: expect.arrayContaining([[experiment, 'naïve 🎉', 'active', { a: 'b' }]]),
      model: ['clf', 'd', { best: 1 }, 's3://b/m', info.id, { t: 'u' }],
      new: String(Number(experiment) + 1),
    });
    const run = [
      info.id,
      'first',
      'active',
      { p: '1' },
      "it's\n",
      {
        m: [
          [0.1, 3, 4],
          ['nan', 4, 4],
        ],
      },
    ];
    expect(seen.runs.find(([id]) => id === info.id)).toEqual(run);
    expect(seen.runs).toHaveLength(2);
    const again = mlops(folder, words);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('already')]);
    expect(again.stdout + again.stderr).not.toMatch(/p%40ss/);
    // And back again.
    const back = await server.database();
    const home = mlops(folder, ['migrate', 'mlflow', uri, '--artifacts', folder, '--to', back, '--json']);
    expect(home.status, home.stderr).toBe(0);
    const returned = await openTracking(back, { artifacts: folder });
    onTestFinished(() => returned.close());
    const [one, two] = [await returned.getRun(info.id), await store.getRun(info.id)];
    const byKey = (run: typeof one): unknown => ({
      ...run,
      tags: run.tags.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    });
    expect(byKey(one)).toEqual(byKey(two));
    expect(await returned.metricHistory(info.id, 'm')).toEqual(await store.metricHistory(info.id, 'm'));
  }, 240_000);
});

/** The tables that MLflow made in SQLite, with the types that it gives them in PostgreSQL. */
async function carryOver(file: string, server: PostgresServer, uri: string): Promise<void> {
  const { openDatabase } = await import('../../../src/base/index.ts');
  const db = openDatabase(file, { migrations: [], readonly: true, keepJournal: true });
  const database = databaseOf(uri);
  const tables = db
    .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`)
    .all() as { name: string }[];
  for (const { name } of tables) {
    const columns = db.pragma(`table_info("${name}")`) as { name: string; type: string }[];
    const types = columns.map((column) => {
      if (/BOOL/.test(column.type)) return `"${column.name}" boolean`;
      if (/INT/.test(column.type)) return `"${column.name}" bigint`;
      return `"${column.name}" ${/FLOAT|DOUBLE/.test(column.type) ? 'double precision' : 'text'}`;
    });
    await server.query(`CREATE TABLE public."${name}" (${types.join(', ')})`, database);
    const literal = (value: unknown, type: string): string => {
      if (value === null) return 'NULL';
      if (/BOOL/.test(type)) return value === 1 ? 'true' : 'false';
      return typeof value === 'number' ? String(value) : `'${String(value).replaceAll("'", "''")}'`;
    };
    for (const row of db.prepare(`SELECT * FROM "${name}"`).raw().all() as unknown[][]) {
      const values = row.map((value, i) => literal(value, columns[i]?.type ?? ''));
      await server.query(`INSERT INTO public."${name}" VALUES (${values.join(', ')})`, database);
    }
  }
  db.close();
}
