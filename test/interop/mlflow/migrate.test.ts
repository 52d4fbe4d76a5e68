// MLflow's own client dumps a store of MLflow, and our server after the migration of it: both must be equal.
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

import { databaseSource } from '../../../src/migrate/database.ts';
import { fileStoreSource } from '../../../src/migrate/file-store.ts';
import { migrateFromMlflow } from '../../../src/migrate/from-mlflow.ts';
import { serverSource } from '../../../src/migrate/server.ts';
import { migrateToDatabase } from '../../../src/migrate/to-database.ts';
import { migrateToServer } from '../../../src/migrate/to-server.ts';
import type { MigrationSource } from '../../../src/migrate/source.ts';
import { startTrackingServer } from '../../../src/app/endpoint/server.ts';
import { silentLogger } from '../../../src/base/index.ts';
import { openSqlite, openTracking } from '../../../src/tracking/index.ts';
import { describeWithTool } from '../../tools.ts';
import { serveMlflow } from './mlflow-server.ts';

const script = path.join(import.meta.dirname, 'mlflow_dump.py');
const run = promisify(execFile);

function temporary(): string {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-migrate-')));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function python(program: string, cwd: string, ...args: readonly string[]): Promise<void> {
  const env = {
    PATH: process.env['PATH'],
    HOME: cwd,
    GIT_PYTHON_REFRESH: 'quiet',
    MLFLOW_ALLOW_FILE_STORE: 'true',
    SETUPTOOLS_USE_DISTUTILS: 'stdlib',
  };
  await run(program, [script, ...args], { cwd, env, maxBuffer: 1 << 26 });
}

async function serve(folder: string, file: string): Promise<string> {
  const server = await startTrackingServer({
    place: { uri: file, root: folder, given: false },
    cwd: folder,
    backend: file,
    host: '127.0.0.1',
    port: 0,
    log: silentLogger,
  });
  onTestFinished(async () => void (await server.close(1000)));
  return server.url;
}

/** Migrates twice, the second time over the first, and gives the dumps of before and after. */
async function compare(
  program: string,
  uri: string,
  folder: string,
  open: () => Promise<MigrationSource>,
  traces = 0,
): Promise<void> {
  const before = path.join(folder, 'before.json');
  const after = path.join(folder, 'after.json');
  await python(program, folder, 'dump', uri, before);
  const file = path.join(folder, 'ours', 'mlops.db');
  const target = openSqlite(file);
  const source = await open();
  const first = await migrateFromMlflow(source, target);
  expect(first).toMatchObject({
    experiments: 3,
    runs: 2,
    models: 1,
    versions: 1,
    traces,
    alreadyThere: 0,
    problems: [],
    newIds: [],
  });
  const again = await migrateFromMlflow(source, target);
  expect(again).toMatchObject({ runs: 0, points: 0, loggedModels: 0, models: 0, files: 0 });
  await source.close();
  await target.close();
  await python(program, folder, 'dump', await serve(folder, file), after);
  expect(JSON.parse(fs.readFileSync(after, 'utf8'))).toEqual(JSON.parse(fs.readFileSync(before, 'utf8')));
}

for (const name of ['mlflow29', 'mlflow222', 'mlflow'] as const) {
  describeWithTool(name, `migrating a store of ${name}`, (programs) => {
    it('keeps all of its database', async () => {
      const folder = temporary();
      const uri = `sqlite:///${folder}/theirs.db`;
      await python(programs[name], folder, 'fill', uri);
      if (name === 'mlflow') await python(programs[name], folder, 'trace', uri);
      await compare(
        programs[name],
        uri,
        folder,
        async () => databaseSource(path.join(folder, 'theirs.db')),
        name === 'mlflow' ? 1 : 0,
      );
    }, 240_000);
  });
}

describeWithTool('mlflow222', 'migrating', ({ mlflow222 }) => {
  it('keeps all of a file store, with ids beyond 2^53', async () => {
    const folder = temporary();
    const uri = `file://${folder}/mlruns`;
    await python(mlflow222, folder, 'fill', uri);
    await compare(mlflow222, uri, folder, async () => fileStoreSource(path.join(folder, 'mlruns')));
  }, 240_000);
});

describeWithTool('mlflow', 'migrating', ({ mlflow }) => {
  it('takes over what a server has', async () => {
    const folder = temporary();
    const url = await serve(folder, path.join(folder, 'theirs', 'mlops.db'));
    await python(mlflow, folder, 'fill', url);
    await compare(mlflow, url, folder, async () => serverSource(await openTracking(url, { env: {} })));
  }, 240_000);
});

describeWithTool('mlflow', 'migrating', ({ mlflow }) => {
  it('takes prompts along, which servers keep apart from models', async () => {
    const folder = temporary();
    const url = await serve(folder, path.join(folder, 'theirs', 'mlops.db'));
    const code = `
import mlflow
mlflow.genai.register_prompt("greet", "Hello {{name}}")
mlflow.genai.register_prompt("greet", "Hi {{name}}")
mlflow.genai.set_prompt_alias("greet", "best", 1)
`;
    const env = { PATH: process.env['PATH'], HOME: folder, MLFLOW_TRACKING_URI: url, GIT_PYTHON_REFRESH: 'quiet' };
    await run(mlflow, ['-c', code], { cwd: folder, env });
    const target = openSqlite(path.join(folder, 'ours', 'mlops.db'));
    onTestFinished(() => target.close());
    const report = await migrateFromMlflow(serverSource(await openTracking(url, { env: {} })), target);
    expect(report).toMatchObject({ models: 1, versions: 2, problems: [] });
    const prompt = await target.getVersionByAlias('greet', 'best');
    expect(prompt.tags).toContainEqual({ key: 'mlflow.prompt.text', value: 'Hello {{name}}' });
    // Out of a local store they go the same way, into another and into a server.
    const next = openSqlite(path.join(folder, 'next', 'mlops.db'));
    onTestFinished(() => next.close());
    expect(await migrateFromMlflow(serverSource(target), next)).toMatchObject({ models: 1, versions: 2, problems: [] });
    const server = await openTracking(await serve(folder, path.join(folder, 'last', 'mlops.db')), { env: {} });
    expect(await migrateToServer(serverSource(target), server)).toMatchObject({ versions: 2, problems: [] });
  }, 240_000);
});

describeWithTool('mlflow', 'going back', ({ mlflow }) => {
  it("fills MLflow's own server, and leaves alone what it has", async () => {
    const folder = temporary();
    const file = path.join(folder, 'ours', 'mlops.db');
    await python(mlflow, folder, 'fill', await serve(folder, file));
    const url = await serveMlflow(mlflow, folder);
    const target = await openTracking(url, { env: {} });
    const source = serverSource(await openTracking(file));
    const first = await migrateToServer(source, target);
    expect(first).toMatchObject({ runs: 2, alreadyThere: 0, models: 1, versions: 1 });
    expect(first.problems).toEqual([expect.stringContaining(`'dropped' is deleted`)]);
    expect(await migrateToServer(source, target)).toMatchObject({ runs: 0, models: 0, alreadyThere: 3 });
    const [run] = Object.entries(first.runIds).filter(([id]) => id.length === 32);
    expect(run).toBeDefined();
    const there = path.join(folder, 'there.json');
    await python(mlflow, folder, 'dump', url, there);
    const dumped = JSON.parse(fs.readFileSync(there, 'utf8')) as { runs: unknown[][]; models: unknown[][] };
    expect(dumped.runs).toHaveLength(2);
    expect(dumped.models[0]?.[1]).toEqual([1, 2]);
    await source.close();
  }, 300_000);

  it('keeps everything in an empty database that MLflow made', async () => {
    const folder = temporary();
    const file = path.join(folder, 'ours', 'mlops.db');
    const url = await serve(folder, file);
    await python(mlflow, folder, 'fill', url);
    await python(mlflow, folder, 'trace', url);
    const before = path.join(folder, 'before.json');
    await python(mlflow, folder, 'dump', url, before);
    const database = path.join(folder, 'real.db');
    await run(mlflow, ['-m', 'mlflow', 'db', 'upgrade', `sqlite:///${database}`], { cwd: folder });
    const source = serverSource(await openTracking(file));
    const report = await migrateToDatabase(source, database, { artifacts: path.join(folder, 'real') });
    expect(report).toMatchObject({ experiments: 3, runs: 2, models: 1, versions: 1, traces: 1, problems: [] });
    await expect(migrateToDatabase(source, database)).rejects.toThrow('has runs, models or experiments already');
    await source.close();
    const after = path.join(folder, 'after.json');
    await python(mlflow, folder, 'dump', await serveMlflow(mlflow, folder), after);
    expect(JSON.parse(fs.readFileSync(after, 'utf8'))).toEqual(JSON.parse(fs.readFileSync(before, 'utf8')));
  }, 300_000);
});
