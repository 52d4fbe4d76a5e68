import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import { silentLogger } from '../../base/index.ts';
import { openTracking } from '../../tracking/index.ts';
import { startTrackingServer, type TrackingServerOptions } from './server.ts';
import { startTrackingEndpoint } from './tracking-endpoint.ts';

function folder(): string {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-server-'));
  onTestFinished(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}

const headers = { 'content-type': 'application/json' };

it('answers holders of a token only, and makes their runs children of the run that the token names', async () => {
  const store = await openTracking('memory:', { artifacts: folder() });
  const endpoint = await startTrackingEndpoint({ store });
  onTestFinished(async () => {
    await endpoint.close();
    await store.close();
  });
  const parent = await store.createRun({ experimentId: '0' });
  const token = endpoint.issue(parent.info.id);
  const create = async (bearer: string, tags: object[] = []) => {
    const response = await fetch(`${endpoint.url}/api/2.0/mlflow/runs/create`, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${bearer}` },
      body: JSON.stringify({ experiment_id: '0', tags }),
    });
    return { status: response.status, body: (await response.json()) as { run?: { info: { run_id: string } } } };
  };
  const made = await create(token);
  const parentOf = async (id = ''): Promise<string | undefined> =>
    (await store.getRun(id)).tags.find((tag) => tag.key === 'mlflow.parentRunId')?.value;
  expect(await parentOf(made.body.run?.info.run_id)).toBe(parent.info.id);
  const nested = await create(token, [{ key: 'mlflow.parentRunId', value: made.body.run?.info.run_id }]);
  expect(await parentOf(nested.body.run?.info.run_id)).toBe(made.body.run?.info.run_id);
  expect((await create('wrong')).status).toBe(401);
  expect((await fetch(`${endpoint.url}/api/2.0/mlflow/experiments/get?experiment_id=0`)).status).toBe(401);
  const proxy = `${endpoint.url}/api/2.0/mlflow-artifacts/artifacts/x`;
  expect((await fetch(proxy, { method: 'PUT', body: 'x' })).status).toBe(401);
  expect((await fetch(`${endpoint.url}/health`)).status).toBe(200);
  endpoint.revoke(token);
  expect((await create(token)).status).toBe(401);
});

it('serves a store below a prefix, and says what it will not do', async () => {
  const cwd = folder();
  const options: TrackingServerOptions = {
    place: { uri: path.join(cwd, '.mlops', 'mlops.db'), root: cwd, given: false },
    cwd,
    host: '127.0.0.1',
    port: 0,
    prefix: '/ml',
    log: silentLogger,
  };
  const server = await startTrackingServer(options);
  expect((await fetch(`${server.url}/api/2.0/mlflow/experiments/get?experiment_id=0`)).status).toBe(200);
  expect((await fetch(`${server.listening.url}/api/2.0/mlflow-artifacts/artifacts?path=`)).status).toBe(200);
  expect(await (await fetch(`${server.url}/`)).text()).toMatch(/"\/ml\/static\/ui\/style-\w+\.css"/);
  expect(await server.close(1_000)).toBe(true);
  expect(fs.readFileSync(path.join(cwd, '.mlops', '.gitignore'), 'utf8')).toBe('*\n');
  await expect(startTrackingServer({ ...options, host: '0.0.0.0' })).rejects.toMatchObject({ code: 'usage' });
  await expect(startTrackingServer({ ...options, prefix: 'ml/' })).rejects.toMatchObject({ code: 'usage' });
  await expect(startTrackingServer({ ...options, backend: 'file:///tmp/mlruns' })).rejects.toMatchObject({
    code: 'invalid_value',
  });
});

it('keeps no artifacts when told so', async () => {
  const cwd = folder();
  const server = await startTrackingServer({
    place: { uri: path.join(cwd, 'x.db'), root: cwd, given: false },
    cwd,
    backend: path.join(cwd, 'mlops.db'),
    host: '127.0.0.1',
    port: 0,
    serveArtifacts: false,
    defaultArtifactRoot: 's3://bucket/root',
    log: silentLogger,
  });
  onTestFinished(async () => void (await server.close(100)));
  const proxy = `${server.url}/api/2.0/mlflow-artifacts/artifacts`;
  expect((await fetch(`${proxy}?path=`)).status).toBe(501);
  expect((await fetch(`${proxy}/x`, { method: 'PUT', body: 'x' })).status).toBe(501);
  expect((await server.store.getExperiment('0')).artifactLocation).toBe('s3://bucket/root/0');
});
