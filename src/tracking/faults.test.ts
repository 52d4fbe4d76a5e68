import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import { openDatabase } from '../base/index.ts';
import { openSqlite, openTracking } from './index.ts';
import { migrations } from './sqlite/schema.ts';

function file(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-faults-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, 'mlops.db');
}

it('writes of several stores on one file at once are all kept', async () => {
  const db = file();
  const stores = [openSqlite(db), openSqlite(db), openSqlite(db)];
  const { info } = await stores[0]!.createRun({ experimentId: '0' });
  const writes = stores.flatMap((store, s) =>
    Array.from({ length: 200 }, (_, i) =>
      store.logBatch(info.id, { metrics: [{ key: `m${s}`, value: i, step: i, timestamp: i }] }),
    ),
  );
  await Promise.all(writes);
  for (const s of [0, 1, 2]) expect((await stores[2]!.metricHistory(info.id, `m${s}`)).items).toHaveLength(200);
  await Promise.all(stores.map((store) => store.close()));
});

it('a failing write does not touch those that share its transaction, nor the names they made', async () => {
  const store = openSqlite(file());
  const { info } = await store.createRun({ experimentId: '0' });
  await store.logBatch(info.id, { params: [{ key: 'p', value: '1' }] });
  const results = await Promise.allSettled([
    store.logBatch(info.id, { metrics: [{ key: 'a', value: 1, step: 0, timestamp: 0 }] }),
    store.logBatch(info.id, {
      params: [
        { key: 'new', value: '1' },
        { key: 'p', value: '2' },
      ],
    }),
    store.logBatch('none', { params: [{ key: 'b', value: '1' }] }),
    store.setTag(info.id, { key: 'new', value: 't' }),
  ]);
  expect(results.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
  const run = await store.getRun(info.id);
  expect(run.params).toEqual([{ key: 'p', value: '1' }]);
  expect(run.metrics.map((one) => one.key)).toEqual(['a']);
  expect(run.tags).toContainEqual({ key: 'new', value: 't' });
  await store.close();
});

it('a store that a newer program has changed is not written to, nor shown a second later', async () => {
  const db = file();
  const store = openSqlite(db);
  const raw = openDatabase(db, { migrations });
  raw.pragma(`user_version = ${migrations.length + 1}`);
  await expect(store.createRun({ experimentId: '0' })).rejects.toMatchObject({
    code: 'store_version',
    httpStatus: 503,
  });
  await expect
    .poll(() => {
      try {
        store.checkHere?.();
        return '';
      } catch (error) {
        return (error as { code: string }).code;
      }
    })
    .toBe('store_version');
  raw.pragma(`user_version = ${migrations.length}`);
  expect(() => store.checkHere?.()).not.toThrow();
  await store.createRun({ experimentId: '0' });
  raw.close();
  await store.close();
});

it('reads go on while another process holds the file, and writes give up in time and work again', async () => {
  const db = file();
  const store = openSqlite(db, { busyTimeout: 150 });
  const { info } = await store.createRun({ experimentId: '0' });
  const holder = openSqlite(db);
  const raw = openDatabase(db, { migrations });
  raw.exec('BEGIN IMMEDIATE');
  const started = Date.now();
  const write = store.setTag(info.id, { key: 'a', value: 'b' });
  expect((await store.getRun(info.id)).info.id).toBe(info.id);
  await expect(write).rejects.toMatchObject({ code: 'store_busy', httpStatus: 503 });
  expect(Date.now() - started).toBeLessThan(2000);
  const waiting = holder.setTag(info.id, { key: 'a', value: 'c' });
  setTimeout(() => raw.exec('ROLLBACK'), 100);
  await waiting;
  await store.setTag(info.id, { key: 'd', value: 'e' });
  await Promise.all([store.close(), holder.close()]);
  raw.close();
});

it('refuses what is no store of ours, and leaves it as it is', async () => {
  const db = file();
  const mlflow = openDatabase(db, { migrations: [] });
  mlflow.exec('CREATE TABLE alembic_version (version_num TEXT)');
  mlflow.pragma('journal_mode = DELETE');
  mlflow.close();
  const before = fs.readFileSync(db);
  await expect(openTracking(db)).rejects.toMatchObject({
    code: 'invalid_value',
    hint: expect.stringContaining('mlops migrate mlflow'),
  });
  expect(fs.readFileSync(db)).toEqual(before);
  await expect(openTracking('file:///tmp/mlruns')).rejects.toMatchObject({
    hint: expect.stringContaining('mlops migrate mlflow'),
  });
  await expect(openTracking('postgresql://me:secret@host/db')).rejects.toThrow(/postgresql:\/\/host/);
  const garbage = file();
  fs.writeFileSync(garbage, 'garbage '.repeat(1000));
  await expect(openTracking(garbage)).rejects.toMatchObject({ code: 'store_broken' });
});

it('copies itself whole while it is written', async () => {
  const db = file();
  const store = openSqlite(db);
  const { info } = await store.createRun({ experimentId: '0' });
  const writes = Array.from({ length: 50 }, (_, i) => store.setTag(info.id, { key: `k${i}`, value: 'v' }));
  await store.backup(`${db}.copy`);
  await Promise.all(writes);
  const copy = openSqlite(`${db}.copy`);
  expect((await copy.getRun(info.id)).info.id).toBe(info.id);
  await Promise.all([store.close(), copy.close()]);
});
