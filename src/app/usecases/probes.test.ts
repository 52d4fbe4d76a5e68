import * as net from 'node:net';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { openProjectWith } from '../../../test/support/repo.ts';
import { examine } from './probes.ts';

describe('the doctor', () => {
  it('asks each remote and the tracking server, and tells the dead ones with what to do', async () => {
    const repo = await openProjectWith({
      '.dvc/config': [
        '[\'remote "here"\']\n    url = ../store\n',
        '[\'remote "dead"\']\n    url = s3://bucket/x\n    endpointurl = http://127.0.0.1:9\n',
        '[\'remote "web"\']\n    url = http://me:secret@127.0.0.1:9/x\n',
        '[\'remote "odd"\']\n    url = gs://bucket\n',
      ].join(''),
    });
    repo.close();
    const { PATH } = process.env;
    const env = { PATH, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', MLFLOW_TRACKING_URI: 'http://127.0.0.1:9' };
    const { checks } = await examine(repo.root, '0', { env, signal: new AbortController().signal });
    const named = Object.fromEntries(checks.map((check) => [check.name, check]));
    expect(named['remote here']).toMatchObject({
      ok: true,
      found: `${path.resolve(repo.root, 'store')} (made at the first push)`,
    });
    for (const name of ['remote dead', 'remote web', 'remote odd', 'tracking']) {
      expect(named[name], name).toMatchObject({ ok: false });
      expect(named[name]?.hint, name).toMatch(/\w/);
    }
    expect(JSON.stringify(checks)).not.toContain('secret');
    expect(named['temporary files']?.ok).toBe(true);
    expect(named['Python']).toBeDefined();
  });

  it('says of a port that it is taken, and of a place without runs that it has none', async () => {
    const server = net.createServer();
    const port = await new Promise<number>((resolve) => {
      server.once('error', () => resolve(5000));
      server.listen(5000, '127.0.0.1', () => resolve(5000));
    });
    const repo = await openProjectWith({});
    repo.close();
    const { checks } = await examine(repo.root, '0', { env: {}, signal: new AbortController().signal });
    server.close();
    expect(checks.find(({ name }) => name === `port ${port}`)?.found).toMatch(/^taken/);
    expect(checks.find(({ name }) => name === 'tracking')).toMatchObject({ ok: true, found: 'nothing recorded yet' });
  });
});
