// What MLflow's own server answers about evaluation datasets, scorers, issues, label schemas, review queues and metrics
// of traces is on record; ours answers the same, in both kinds of store.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import { startTrackingServer } from '../../../src/app/endpoint/server.ts';
import { silentLogger } from '../../../src/base/index.ts';
import { temporaryFolder } from '../../cli.ts';
import { PostgresServer } from '../../support/postgres.ts';
import { describeWithTool } from '../../tools.ts';
import { askAll, calls, type Line } from './genai-calls.ts';

const record = path.join(import.meta.dirname, 'genai-twin.jsonl');

async function compare(backend?: string): Promise<void> {
  const folder = temporaryFolder();
  const place = { uri: path.join(folder, 'mlops.db'), root: folder, given: false };
  const where = { place, cwd: folder, backend, host: '127.0.0.1', port: 0 };
  const server = await startTrackingServer({ ...where, log: silentLogger });
  onTestFinished(async () => void (await server.close(1000)));
  const theirs = fs.readFileSync(record, 'utf8').trimEnd().split('\n');
  const ours = await askAll(server.url);
  expect(theirs.length).toBe(calls.length);
  expect(ours).toEqual(theirs.map((line) => JSON.parse(line) as Line));
}

it("answers about evaluation what MLflow's server answered", () => compare(), 60_000);

describeWithTool('postgres', 'evaluation, with the store in PostgreSQL', ({ postgres }) => {
  it("answers what MLflow's server answered", async () => {
    const server = await PostgresServer.start(postgres);
    onTestFinished(() => server.end());
    await compare(await server.database());
  }, 120_000);
});
