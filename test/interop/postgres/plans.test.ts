// How PostgreSQL answers the searches that matter on many runs: by its own log of plans, none reads a whole table.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import type { RunSearch } from '../../../src/tracking/index.ts';
import { openTracking } from '../../../src/tracking/index.ts';
import { databaseOf, PostgresServer } from '../../support/postgres.ts';
import { describeWithTool } from '../../tools.ts';

const searches: Readonly<Record<string, Partial<RunSearch>>> = {
  newest: {},
  'a metric above': { filter: 'metrics.loss > 0.999' },
  'a metric in a range': { filter: 'metrics.loss > 0.5 AND metrics.loss < 0.501' },
  'a param': { filter: `params.id = '77'` },
  'a rare text among many': { filter: `params.id LIKE '%1777%'` },
  'a tag and a metric': { filter: `tags.id = '77' AND metrics.loss < 1` },
  'a status': { filter: `status = 'FAILED'` },
  'a name': { filter: `run_name = 'r77'` },
  'best by a metric': { orderBy: ['metrics.loss ASC'] },
  'ordered by a param of few values': { orderBy: ['params.kind ASC'] },
  'ordered by the end': { orderBy: ['end_time DESC'] },
};

describeWithTool('postgres', 'searches in PostgreSQL', ({ postgres }) => {
  it('walk indexes', async () => {
    const settings = ['session_preload_libraries=auto_explain', 'auto_explain.log_min_duration=0'];
    const server = await PostgresServer.start(postgres, { settings });
    onTestFinished(() => server.end());
    const uri = await server.database();
    const store = await openTracking(uri, { artifacts: '/nowhere' });
    onTestFinished(() => store.close());
    const database = databaseOf(uri);
    // One run by the port makes the names; the others are rows like it.
    const { info } = await store.createRun({ experimentId: '0', name: 'r0' });
    await store.logBatch(info.id, {
      metrics: [{ key: 'loss', value: 0, step: 0, timestamp: 0 }],
      params: [
        { key: 'id', value: '0' },
        { key: 'kind', value: 'a' },
      ],
      tags: [{ key: 'id', value: '0' }],
    });
    await server.query(
      `SET search_path TO mlops;
       INSERT INTO runs (id, experiment, name, user_id, status, start_time, end_time, artifact_uri)
         SELECT md5(i::text), 0, 'r' || i, 'u', CASE WHEN i % 1000 = 0 THEN 'FAILED' ELSE 'FINISHED' END, i, i + 5, 'x'
         FROM generate_series(1, 20000) i;
       INSERT INTO latest SELECT n, (SELECT id FROM keys WHERE name = 'loss'), 0, n / 20000.0, 0, 0, 0 FROM runs WHERE n > 1;
       INSERT INTO params SELECT n, (SELECT id FROM keys WHERE name = 'id'), 0, n::text FROM runs WHERE n > 1;
       INSERT INTO params SELECT n, (SELECT id FROM keys WHERE name = 'kind'), 0, chr(97 + (n % 3)::int) FROM runs WHERE n > 1;
       INSERT INTO tags SELECT n, (SELECT id FROM keys WHERE name = 'id'), 0, n::text FROM runs WHERE n > 1;
       ANALYZE`,
      database,
    );
    const log = path.join(server.folder, 'log');
    for (const [name, search] of Object.entries(searches)) {
      const before = fs.statSync(log).size;
      const { items } = await store.searchRuns({ experimentIds: ['0'], maxResults: 20, ...search });
      expect(items.length, name).toBeGreaterThan(0);
      const plans = fs.readFileSync(log, 'utf8').slice(before);
      expect(plans, name).toContain('Query Text');
      expect(plans.match(/Seq Scan on (?:runs|latest|params|tags|metrics)\b.*/g) ?? [], `${name}\n${plans}`).toEqual(
        [],
      );
      // Looked up for each run it takes six times as long.
      if (name.startsWith('a rare text')) expect(plans).not.toContain('runs_by_start');
    }
  }, 240_000);
});
