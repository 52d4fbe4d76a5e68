// What goes wrong with a database server, done to a real one: acknowledged writes stay, halves are never seen.
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';

import type { Metric } from '../../../src/mlflow/index.ts';
import { openTracking, type OpenTrackingOptions, type TrackingStore } from '../../../src/tracking/index.ts';
import { databaseOf, PostgresServer } from '../../support/postgres.ts';
import { describeWithTool } from '../../tools.ts';

const artifacts = '/nowhere';
const kills = process.env['MLOPS_LONG'] === undefined ? 4 : 20;

/** Whether this user may mount a small file system. */
function canMount(): boolean {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0;
  if (mounted) spawnSync('umount', [folder]);
  fs.rmdirSync(folder);
  return mounted;
}

function point(key: string, i: number): Metric {
  return { key, value: i, step: i, timestamp: i };
}

describeWithTool('postgres', 'a store in PostgreSQL', ({ postgres }) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start(postgres, { sync: true });
  });
  afterAll(() => server.end());

  async function open(uri: string, options: OpenTrackingOptions = {}): Promise<TrackingStore> {
    const store = await openTracking(uri, { artifacts, ...options });
    onTestFinished(() => store.close());
    return store;
  }

  it('waits while the server is away, and answers 503 when that takes too long', async () => {
    const uri = await server.database();
    const store = await open(uri);
    const { info } = await store.createRun({ experimentId: '0' });
    await server.down();
    const short = openTracking(uri, { artifacts, patience: 300 });
    await expect(short).rejects.toMatchObject({ code: 'store_busy', httpStatus: 503, data: { retry_after: 1 } });
    const write = store.logBatch(info.id, { metrics: [point('m', 1)] });
    const read = store.getRun(info.id);
    const both = store.logBatch(info.id, { params: [{ key: 'p', value: '1' }], tags: [{ key: 't', value: '1' }] });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await server.up();
    await Promise.all([write, both]);
    expect((await read).info.id).toBe(info.id);
    expect(await store.getRun(info.id)).toMatchObject({ metrics: [{ value: 1 }], params: [{ value: '1' }] });
  });

  it('loses nothing that it acknowledged when the server is killed under load, again and again', async () => {
    const store = await open(await server.database(), { size: 6 });
    const { info } = await store.createRun({ experimentId: '0' });
    const acknowledged: string[] = [];
    let stop = false;
    const writers = Array.from({ length: 6 }, async (_, w) => {
      for (let i = 0; !stop; i++) {
        const name = `${w}-${i}`;
        // One batch through each way: points alone share a statement, a mixed one is a transaction.
        const batch =
          w % 2 === 0
            ? { metrics: [point(`a${w}`, i), point(`b${w}`, i)] }
            : {
                metrics: [point(`a${w}`, i)],
                params: [{ key: `p${name}`, value: name }],
                tags: [{ key: `t${name}`, value: name }],
              };
        try {
          await store.logBatch(info.id, batch);
          acknowledged.push(name);
        } catch (error) {
          expect(error).toMatchObject({ code: 'store_busy' });
        }
      }
    });
    for (let round = 0; round < kills; round++) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      await server.down(round % 2 === 0 ? 'SIGKILL' : 'SIGQUIT');
      await new Promise((resolve) => setTimeout(resolve, 200));
      await server.up();
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    stop = true;
    await Promise.all(writers);
    expect(acknowledged.length).toBeGreaterThan(50);
    const steps = new Map<string, Set<number>>();
    for (let w = 0; w < 6; w++) {
      for (const key of [`a${w}`, `b${w}`]) {
        const { items } = await store.metricHistory(info.id, key);
        steps.set(key, new Set(items.map(({ step }) => step)));
      }
      // Both points of a batch or none.
      if (w % 2 === 0) expect(steps.get(`a${w}`)).toEqual(steps.get(`b${w}`));
    }
    const run = await store.getRun(info.id);
    const params = new Set(run.params.map(({ key }) => key));
    const tags = new Set(run.tags.map(({ key }) => key));
    for (const name of acknowledged) {
      const [w = '', i = ''] = name.split('-');
      expect(steps.get(`a${w}`)?.has(Number(i)), name).toBe(true);
      if (Number(w) % 2 === 1) expect(params.has(`p${name}`), name).toBe(true);
    }
    for (const w of [1, 3, 5]) {
      for (const step of steps.get(`a${w}`) ?? []) {
        expect(params.has(`p${w}-${step}`)).toBe(true);
        expect(tags.has(`t${w}-${step}`)).toBe(true);
      }
    }
  }, 300_000);

  it('goes on when its connections are cut, also in the middle of work', async () => {
    const store = await open(await server.database());
    const { info } = await store.createRun({ experimentId: '0' });
    let stop = false;
    onTestFinished(() => void (stop = true));
    const cutting = (async () => {
      for (let cuts = 0; cuts < 25 && !stop; cuts++) {
        await server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mlops'`);
        await new Promise((resolve) => setTimeout(resolve, 120));
      }
    })();
    let acknowledged = 0;
    for (let i = 0; i < 60; i++) {
      // A cut while the server commits: nobody knows, so the caller is told to ask again.
      for (;;) {
        const outcome = await store.logBatch(info.id, { metrics: [point('m', i)] }).catch((error: unknown) => error);
        if (outcome === undefined) break;
        expect(outcome).toMatchObject({ code: 'store_busy' });
      }
      acknowledged++;
      expect((await store.getRun(info.id)).metrics).toMatchObject([{ step: i }]);
    }
    stop = true;
    await cutting;
    expect((await store.metricHistory(info.id, 'm')).items).toHaveLength(acknowledged);
  }, 120_000);

  it('finds the server at its other address', async () => {
    const uri = await server.database();
    const dead = net.createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await new Promise((resolve) => dead.once('listening', resolve));
    onTestFinished(() => void dead.close());
    const { port } = dead.address() as net.AddressInfo;
    const two = uri.replace(`127.0.0.1:${server.port}`, `127.0.0.1:${port},127.0.0.1:${server.port}`);
    const store = await open(two);
    expect(await store.createExperiment({ name: 'there' })).toBe('1');
  });

  it('waits for a connection of its pool, and is told 503 when none comes', async () => {
    const uri = await server.database();
    const store = await open(uri, { size: 1, patience: 400 });
    const { info } = await store.createRun({ experimentId: '0' });
    const holder = await open(uri);
    // Everything that writes to the run waits for this lock.
    const blocked = server.query(
      `BEGIN; LOCK TABLE mlops.tags IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(2); COMMIT`,
      databaseOf(uri),
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    const first = store.setTag(info.id, { key: 'a', value: '1' }).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(store.getExperiment('0')).rejects.toMatchObject({ code: 'store_busy', data: { retry_after: 1 } });
    await blocked;
    expect(await first).toBeUndefined();
    await store.setTag(info.id, { key: 'b', value: '2' });
    expect((await holder.getRun(info.id)).tags.map(({ key }) => key)).toEqual(expect.arrayContaining(['a', 'b']));
  });

  it('gives up a statement that takes too long, keeps its connection, and writes nothing of the request', async () => {
    const uri = await server.database();
    const store = await open(uri, { size: 1, statementTimeout: 300 });
    const { info } = await store.createRun({ experimentId: '0' });
    const blocked = server.query(
      `BEGIN; LOCK TABLE mlops.tags IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1.5); COMMIT`,
      databaseOf(uri),
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    const batch = { params: [{ key: 'p', value: '1' }], tags: [{ key: 't', value: '1' }] };
    const late = await store.logBatch(info.id, batch).catch((error: unknown) => error);
    expect(late).toMatchObject({ code: 'store_busy', httpStatus: 503, data: { retry_after: 1 } });
    await blocked;
    expect((await store.getRun(info.id)).params).toEqual([]);
    await store.logBatch(info.id, batch);
    expect(await store.getRun(info.id)).toMatchObject({ params: [{ key: 'p' }] });
  });

  it('begins again what was in a deadlock, until both are through', async () => {
    const uri = await server.database();
    const [a, b] = [await open(uri), await open(uri)];
    const runs = await Promise.all([a.createRun({ experimentId: '0' }), a.createRun({ experimentId: '0' })]);
    await Promise.all(runs.map(({ info }) => a.setTag(info.id, { key: 'k', value: '0' })));
    // Somebody else's transaction takes the rows in the other order, round after round.
    const numbers = `SELECT array_agg(n ORDER BY n) FROM mlops.runs`;
    const other = server.query(
      `DO $$ DECLARE ns bigint[] := (${numbers}); BEGIN FOR i IN 1..25 LOOP BEGIN
         UPDATE mlops.tags SET value = 'x' WHERE run = ns[2]; PERFORM pg_sleep(0.02); UPDATE mlops.tags SET value = 'x' WHERE run = ns[1];
       EXCEPTION WHEN deadlock_detected THEN NULL; END; END LOOP; END $$`,
      databaseOf(uri),
    );
    const many = Array.from({ length: 30 }, (_, i) =>
      (i % 2 === 0 ? a : b).logBatch(runs[i % 2]?.info.id ?? '', {
        tags: [
          { key: 'k', value: String(i) },
          { key: 'mlflow.runName', value: `name ${i}` },
        ],
      }),
    );
    await Promise.all([other, ...many]);
    expect((await b.getRun(runs[0]?.info.id ?? '')).info.name).toMatch(/^name /);
  });

  it.runIf(canMount())('answers 507 when the disk of the server is full, keeps what it had, and goes on', async () => {
    const disk = path.join(server.folder, 'small');
    fs.mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]);
    try {
      const { uid, gid } = fs.statSync(path.join(server.folder, 'data'));
      fs.chownSync(disk, uid, gid);
      await server.query(`CREATE TABLESPACE small LOCATION '${disk}'`);
      await server.query('CREATE DATABASE small TABLESPACE small');
      const store = await open(server.uri('small'), { size: 3 });
      const { info } = await store.createRun({ experimentId: '0' });
      let kept = 0;
      let refused: unknown;
      for (let i = 0; i < 400 && refused === undefined; i++) {
        const metrics = Array.from({ length: 1000 }, (_, j) => point('m', i * 1000 + j));
        refused = await store.logBatch(info.id, { metrics }).then(
          () => void kept++,
          (error: unknown) => error,
        );
      }
      expect(refused).toMatchObject({ code: 'disk_full', httpStatus: 507 });
      expect(kept).toBeGreaterThan(5);
      const { items } = await store.metricHistory(info.id, 'm');
      expect(items).toHaveLength(kept * 1000);
      execFileSync('mount', ['-o', 'remount,size=80m', disk]);
      await store.logBatch(info.id, { metrics: [point('after', 1)] });
      expect((await store.getRun(info.id)).metrics.map(({ key }) => key)).toEqual(['m', 'after']);
      await store.close();
      await server.query('DROP DATABASE small WITH (FORCE)');
      await server.query('DROP TABLESPACE small');
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });

  it('opens from many processes at once, one of which makes the tables', async () => {
    const uri = await server.database();
    const stores = await Promise.all(Array.from({ length: 6 }, () => open(uri, { size: 2 })));
    const ids = await Promise.all(stores.map((store, i) => store.createExperiment({ name: `e${i}` })));
    expect(new Set(ids).size).toBe(6);
  });

  it('shows what one writes to the other at once, page tokens too', async () => {
    const uri = await server.database();
    const [a, b] = [await open(uri), await open(uri)];
    for (let i = 0; i < 5; i++) {
      const { info } = await a.createRun({ experimentId: '0', startTime: i });
      await a.logBatch(info.id, { metrics: [point(`new${i}`, i)] });
      expect((await b.getRun(info.id)).metrics).toMatchObject([{ key: `new${i}` }]);
    }
    const first = await a.searchRuns({ experimentIds: ['0'], maxResults: 3 });
    const rest = await b.searchRuns({ experimentIds: ['0'], maxResults: 3, pageToken: first.nextPageToken });
    expect(rest.items).toHaveLength(2);
  });

  it('refuses in plain words, without the password', async () => {
    const uri = await server.database();
    const cases = [
      [uri.replace(/\/test\d+/, '/none'), 'store_refused'],
      [uri.replace('sslmode=disable', 'sslmode=require'), 'store_refused'],
      ['postgresql://mlops:secret@127.0.0.1:1/x', 'store_busy'],
      ['postgresql://mlops:secret@127.0.0.1:1/x?sslmode=no', 'invalid_value'],
      ['postgresql://mlops:secret@127.0.0.1:port/x', 'invalid_value'],
    ] as const;
    for (const [address, code] of cases) {
      const error = await openTracking(address, { artifacts, patience: 200 }).catch((one: unknown) => one);
      expect(error).toMatchObject({ code });
      expect(JSON.stringify(error) + String(error)).not.toMatch(/secret|p%40ss/);
    }
  });

  it('is not begun in a database that cannot keep every text', async () => {
    await server.query(`CREATE DATABASE narrow ENCODING 'LATIN1' TEMPLATE template0`);
    const opened = openTracking(server.uri('narrow'), { artifacts });
    await expect(opened).rejects.toMatchObject({ code: 'invalid_value', message: expect.stringContaining('LATIN1') });
  });

  it('keeps texts as SQLite does, but says which it cannot', async () => {
    const store = await open(await server.database());
    const { info } = await store.createRun({ experimentId: '0', name: 'é🎉' });
    await store.setTag(info.id, { key: 'long', value: 'x'.repeat(8000) });
    await expect(store.setTag(info.id, { key: 'nul', value: 'a\0b' })).rejects.toMatchObject({ code: 'invalid_value' });
    const found = await store.searchRuns({ experimentIds: ['0'], filter: `run_name LIKE 'é%' AND start_time < 0.5` });
    expect(found.items).toHaveLength(1);
  });
});
