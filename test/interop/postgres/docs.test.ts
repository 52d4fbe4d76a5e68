// docs/postgresql.md, command by command, against a real server that asks for a password.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import { openTracking } from '../../../src/tracking/index.ts';
import { mlops, root, temporaryFolder } from '../../cli.ts';
import { password, PostgresServer } from '../../support/postgres.ts';
import { describeWithTool } from '../../tools.ts';

const text = fs.readFileSync(path.join(root, 'docs/postgresql.md'), 'utf8');
const commands = [...text.matchAll(/^\$ mlops (.*)$/gm)].map((match) => match[1] ?? '');

describeWithTool('postgres', 'the page on PostgreSQL', ({ postgres }) => {
  it('can be followed to the end', async () => {
    const server = await PostgresServer.start(postgres, { auth: 'scram-sha-256' });
    onTestFinished(() => server.end());
    await server.query('CREATE DATABASE mlops');
    const folder = temporaryFolder();
    const store = await openTracking(path.join(folder, '.mlops/mlops.db'));
    const { info } = await store.createRun({ experimentId: '0', name: 'kept' });
    await store.logBatch(info.id, { metrics: [{ key: 'acc', value: 0.5, step: 1, timestamp: 2 }] });
    await store.close();
    const env = { PGPORT: String(server.port), MLOPS_POSTGRES_PASSWORD: password, PGSSLMODE: 'disable' };
    expect(commands.length).toBeGreaterThan(5);
    for (const command of commands) {
      const outcome = mlops(folder, command.split(' '), { env });
      expect(outcome.status, `${command}\n${outcome.stderr}`).toBe(0);
    }
    const before = await openTracking(path.join(folder, '.mlops/mlops.db'));
    for (const file of ['copy.db', 'monday.db']) {
      const copy = await openTracking(path.join(folder, file));
      expect(await copy.getRun(info.id)).toEqual(await before.getRun(info.id));
      expect((await copy.metricHistory(info.id, 'acc')).items).toHaveLength(1);
      await copy.close();
    }
    await before.close();
    const again = mlops(
      folder,
      ['server', 'import', 'copy.db', '--backend-store-uri', 'postgresql://mlops@127.0.0.1/mlops'],
      { env },
    );
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('something in')]);
    const wrong = mlops(
      folder,
      ['server', 'db', 'status', '--backend-store-uri', 'postgresql://mlops:wrong@127.0.0.1/mlops'],
      { env: { ...env, MLOPS_POSTGRES_PASSWORD: undefined } },
    );
    expect(wrong.status).toBe(1);
    expect(wrong.stdout + wrong.stderr).not.toContain('wrong@');
  }, 240_000);
});
