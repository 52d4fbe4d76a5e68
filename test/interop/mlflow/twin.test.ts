// A thousand questions by MLflow's client, whose answers by MLflow's own server are on record: ours are the same.
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

import { startTrackingServer } from '../../../src/app/endpoint/server.ts';
import { silentLogger } from '../../../src/base/index.ts';
import { temporaryFolder } from '../../cli.ts';
import { PostgresServer } from '../../support/postgres.ts';
import { describeWithTool } from '../../tools.ts';

const script = path.join(import.meta.dirname, 'mlflow_twin.py');
const record = path.join(import.meta.dirname, 'mlflow-twin.jsonl');

function answers(file: string): unknown[] {
  const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as unknown);
}

/** MLflow promises no order of a run's metrics; that of SQLite happens to be the recorded one. */
function byKey(answer: unknown): unknown {
  return JSON.parse(
    JSON.stringify(answer, (name, value: unknown) =>
      name === 'metric_objs' && Array.isArray(value)
        ? (value as { key: string }[]).toSorted((a, b) => (a.key < b.key ? -1 : 1))
        : value,
    ),
  ) as unknown;
}

/** @param backend the address of the store; undefined: the SQLite file of the folder. */
async function compare(mlflow: string, backend?: string): Promise<void> {
  const folder = temporaryFolder();
  const place = { uri: path.join(folder, 'mlops.db'), root: folder, given: false };
  const where = { place, cwd: folder, backend, host: '127.0.0.1', port: 0 };
  const server = await startTrackingServer({ ...where, log: silentLogger });
  onTestFinished(async () => void (await server.close(1000)));
  const report = path.join(folder, 'ours.jsonl');
  await promisify(execFile)(mlflow, [script, server.url, report], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, LANG: 'C.UTF-8', GIT_PYTHON_REFRESH: 'quiet' },
    maxBuffer: 1 << 26,
  });
  const theirs = answers(record);
  expect(theirs.length).toBeGreaterThan(900);
  const shown = backend === undefined ? (answer: unknown): unknown => answer : byKey;
  expect(answers(report).map(shown)).toEqual(theirs.map(shown));
}

describeWithTool('mlflow', "MLflow's client", ({ mlflow }) => {
  it("is answered what MLflow's server answered", () => compare(mlflow), 240_000);
});

describeWithTool(['mlflow', 'postgres'], "MLflow's client, with the store in PostgreSQL", ({ mlflow, postgres }) => {
  it("is answered what MLflow's server answered", async () => {
    const server = await PostgresServer.start(postgres);
    onTestFinished(() => server.end());
    await compare(mlflow, await server.database());
  }, 240_000);
});
