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
import { PostgresServer } from '../../support/postgres.ts';
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

/** The tables that MLflow made in SQLite, with the types that it gives them in PostgreSQL. */
async function carryOver(file: string, server: PostgresServer, uri: string): Promise<void> {
  const { openDatabase } = await import('../../../src/base/index.ts');
  const db = openDatabase(file, { migrations: [], readonly: true, keepJournal: true });
  const database = /\/(\w+)\?/.exec(uri)?.[1] ?? '';
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
