import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

import { migrateFromMlflow, type MigrationReport } from '../../migrate/from-mlflow.ts';
import type { MigrationSource } from '../../migrate/source.ts';
import { openPlace, ownPlace } from '../../app/places/tracking-home.ts';
import { MlopsError, plural, writeFileAtomic } from '../../base/index.ts';
import type { Command, Input, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';

const mlflow: Command = {
  name: 'migrate mlflow',
  owner: 'mlops',
  summary: "Bring an MLflow store into this project's store",
  description:
    'Reads an SQLite or PostgreSQL database of MLflow 2.9 to 3.17, an mlruns folder or a running server, and keeps ids, times, metric histories, the registry and artifacts. The source is only read. What is here already is left alone, so it can be stopped and run again.',
  examples: [
    ['mlops migrate mlflow sqlite:////srv/mlflow/mlflow.db --artifacts /srv/mlflow/mlartifacts', 'a database'],
    ['mlops migrate mlflow postgresql://mlflow@db.example/mlflow --artifacts /srv/mlflow/mlartifacts', 'in PostgreSQL'],
    ['mlops migrate mlflow ./mlruns', 'a file store'],
    ['mlops migrate mlflow http://mlflow.example:5000', 'a running server'],
  ],
  args: [{ name: 'source', summary: 'a database, an mlruns folder or the address of a server', completes: 'path' }],
  flags: [
    {
      name: 'artifacts',
      value: 'DIR',
      summary: "the old server's artifacts folder, for a database",
      completes: 'path',
    },
    {
      name: 'to',
      value: 'STORE',
      summary: "the store to fill, a file or postgresql://...; default: this project's own",
      completes: 'path',
    },
    { name: 'json', summary: 'print JSON' },
  ],
  async run(input, terminal) {
    const { openTracking } = await import('../../tracking/index.ts');
    const place = ownPlace(terminal.cwd, terminal.env);
    const to = input.text('to');
    const home = to === undefined ? place.uri : isPostgres(to) ? to : path.resolve(terminal.cwd, to);
    if (to === undefined) await (await openPlace(place)).close();
    const source = await openSource(input.args[0] ?? '', input.text('artifacts'), terminal);
    const target = await openTracking(home, { env: terminal.env });
    try {
      const report = await migrateFromMlflow(source, target, {
        signal: terminal.signal,
        onProgress: (done) =>
          terminal.progress({ name: 'migrating runs', done: done.runs + done.alreadyThere, unit: 'runs' }),
      });
      if (input.on('json')) terminal.json(report);
      else printReport(report, terminal);
      terminal.next('mlops server', 'mlops runs list');
    } finally {
      await target.close();
      await source.close();
    }
  },
};

async function openSource(text: string, artifacts: string | undefined, terminal: Terminal): Promise<MigrationSource> {
  if (/^https?:/i.test(text)) {
    const [{ serverSource }, { openTracking }] = await Promise.all([
      import('../../migrate/server.ts'),
      import('../../tracking/index.ts'),
    ]);
    return serverSource(await openTracking(text, { env: terminal.env, signal: terminal.signal }));
  }
  if (isPostgres(text)) return postgresSource(text, artifacts, terminal);
  const sqlite = /^sqlite:\/\/\/(.+)$/.exec(text)?.[1];
  const local = text.startsWith('file:') ? fileURLToPath(text) : path.resolve(terminal.cwd, sqlite ?? text);
  const stat = fs.statSync(local, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new MlopsError('bad_path', `there is nothing at '${text}'`, {
      hint: 'name sqlite:///PATH, an mlruns folder, or http://HOST:PORT; postgresql://USER@HOST/DATABASE; for MySQL the running server',
    });
  }
  if (stat.isDirectory()) {
    const { fileStoreSource } = await import('../../migrate/file-store.ts');
    return fileStoreSource(local);
  }
  const { databaseSource } = await import('../../migrate/database.ts');
  return databaseSource(local, artifacts === undefined ? undefined : path.resolve(terminal.cwd, artifacts));
}

const isPostgres = (text: string): boolean => /^postgres(?:ql)?(?:\+\w+)?:/i.test(text);

/** MLflow's tables as they are at one moment, read where they are read from SQLite. */
async function postgresSource(
  uri: string,
  artifacts: string | undefined,
  terminal: Terminal,
): Promise<MigrationSource> {
  const [{ databaseSource }, { snapshotDatabase }] = await Promise.all([
    import('../../migrate/database.ts'),
    import('../../tracking/index.ts'),
  ]);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-migrate-'));
  try {
    const file = path.join(folder, 'mlflow.db');
    await snapshotDatabase(uri, file, terminal.env);
    const source = databaseSource(file, path.resolve(terminal.cwd, artifacts ?? 'mlartifacts'));
    const close = async (): Promise<void> => {
      await source.close();
      fs.rmSync(folder, { recursive: true, force: true });
    };
    return { ...source, close };
  } catch (error) {
    fs.rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function printReport(report: MigrationReport, terminal: Terminal): void {
  const { experiments, runs, points, loggedModels, models, versions, traces, files, alreadyThere } = report;
  terminal.print(
    `${plural(experiments, 'experiment')}, ${plural(runs, 'run')} with ${plural(points, 'point')}, ${plural(loggedModels, 'logged model')}, ${plural(traces, 'trace')}`,
  );
  terminal.print(`${plural(models, 'registered model')} with ${plural(versions, 'version')}, ${plural(files, 'file')}`);
  if (alreadyThere > 0) terminal.print(`${alreadyThere} were here already`);
  for (const { from, to } of report.newIds) terminal.print(`experiment ${from} is ${to} here`);
  for (const problem of report.problems) terminal.warn(problem);
}

const toMlflow: Command = {
  name: 'migrate to-mlflow',
  owner: 'mlops',
  summary: "Copy this project's store into MLflow: an empty database or a running server",
  description:
    'An empty SQLite or PostgreSQL database that `mlflow db upgrade` made keeps ids, times and histories. A server gives ids of its own; --map writes which run became which, and runs that were copied before are left alone.',
  examples: [
    ['mlops migrate to-mlflow sqlite:////srv/mlflow/mlflow.db --artifacts /srv/mlflow/mlartifacts', 'a fresh database'],
    ['mlops migrate to-mlflow postgresql://mlflow@db/mlflow --artifacts /srv/mlflow/mlartifacts', 'in PostgreSQL'],
    ['mlops migrate to-mlflow http://mlflow.example:5000 --map ids.json', 'everything but what is deleted'],
  ],
  args: [{ name: 'target', summary: 'an empty database, or the address of a server', completes: 'path' }],
  flags: [
    {
      name: 'from',
      value: 'STORE',
      summary: "the store to copy, a file or postgresql://...; default: this project's own",
      completes: 'path',
    },
    {
      name: 'artifacts',
      value: 'DIR',
      summary: "the new server's artifacts folder, for a database (default: mlartifacts beside it)",
      completes: 'path',
    },
    {
      name: 'from-artifacts',
      value: 'DIR',
      summary: 'the artifacts folder of the store to copy (default: artifacts beside it)',
      completes: 'path',
    },
    { name: 'map', value: 'FILE', summary: "write a server's new ids here, as JSON", completes: 'path' },
    { name: 'json', summary: 'print JSON' },
  ],
  async run(input, terminal) {
    const { serverSource } = await import('../../migrate/server.ts');
    const place = ownPlace(terminal.cwd, terminal.env);
    const from = input.text('from');
    const { openTracking } = await import('../../tracking/index.ts');
    const kept = input.text('from-artifacts');
    const artifacts = kept === undefined ? undefined : path.resolve(terminal.cwd, kept);
    const isAddress = from !== undefined && /^[a-z][a-z0-9+.-]+:/i.test(from);
    const file = from === undefined ? place.uri : isAddress ? from : path.resolve(terminal.cwd, from);
    const store =
      from === undefined && artifacts === undefined
        ? await openPlace(place, { create: false })
        : await openTracking(file, { artifacts, env: terminal.env });
    const source = serverSource(store);
    try {
      if (/^https?:/i.test(input.args[0] ?? '')) await copyToServer(source, input, terminal);
      else await copyToDatabase(source, input, terminal);
    } finally {
      await source.close();
    }
  },
};

async function copyToServer(source: MigrationSource, input: Input, terminal: Terminal): Promise<void> {
  const [{ migrateToServer }, { openTracking }] = await Promise.all([
    import('../../migrate/to-server.ts'),
    import('../../tracking/index.ts'),
  ]);
  const target = await openTracking(input.args[0] ?? '', { env: terminal.env, signal: terminal.signal });
  const report = await migrateToServer(source, target, {
    signal: terminal.signal,
    onProgress: ({ runs, alreadyThere }) =>
      terminal.progress({ name: 'copying runs', done: runs + alreadyThere, unit: 'runs' }),
  });
  const map = input.text('map');
  if (map !== undefined) {
    const ids = { runs: report.runIds, logged_models: report.modelIds };
    writeFileAtomic(path.resolve(terminal.cwd, map), `${JSON.stringify(ids, undefined, 2)}\n`);
  }
  if (input.on('json')) {
    terminal.json(report);
    return;
  }
  const { runs, models, versions, files, alreadyThere, problems } = report;
  terminal.print(
    `${plural(runs, 'run')}, ${plural(models, 'registered model')} with ${plural(versions, 'version')}, ${plural(files, 'file')}`,
  );
  if (alreadyThere > 0) terminal.print(`${alreadyThere} were there already`);
  for (const problem of problems) terminal.warn(problem);
}

async function copyToDatabase(source: MigrationSource, input: Input, terminal: Terminal): Promise<void> {
  const [{ migrateToDatabase }, { migrateToPostgres }] = await Promise.all([
    import('../../migrate/to-database.ts'),
    import('../../migrate/to-postgres.ts'),
  ]);
  const target = input.args[0] ?? '';
  const file = /^sqlite:\/\/\/(.+)$/.exec(target)?.[1] ?? target;
  const postgres = isPostgres(target);
  if (!postgres && /^[a-z][a-z0-9+.-]+:/i.test(file)) {
    throw new MlopsError('usage', `'${target}' is neither a database of MLflow nor the address of a server`, {
      hint: 'name sqlite:///PATH, postgresql://USER@HOST/DATABASE or http://HOST:PORT; for MySQL start MLflow on it and name its address',
    });
  }
  const artifacts = input.text('artifacts');
  const options = {
    signal: terminal.signal,
    onProgress: ({ runs }: { readonly runs: number }) =>
      terminal.progress({ name: 'copying runs', done: runs, unit: 'runs' }),
  };
  // Where MLflow's server has them unless it is told otherwise: beside its database, or where it is started.
  const folder = path.resolve(
    terminal.cwd,
    artifacts ?? (postgres ? 'mlartifacts' : path.join(file, '../mlartifacts')),
  );
  const report = postgres
    ? await migrateToPostgres(source, target, { ...options, artifacts: folder, env: terminal.env })
    : await migrateToDatabase(source, path.resolve(terminal.cwd, file), { ...options, artifacts: folder });
  if (input.on('json')) {
    terminal.json(report);
    return;
  }
  const { experiments, runs, points, loggedModels, models, versions, traces, files } = report;
  terminal.print(
    `${plural(experiments, 'experiment')}, ${plural(runs, 'run')} with ${plural(points, 'point')}, ${plural(loggedModels, 'logged model')}, ${plural(traces, 'trace')}`,
  );
  terminal.print(`${plural(models, 'registered model')} with ${plural(versions, 'version')}, ${plural(files, 'file')}`);
  for (const problem of report.problems) terminal.warn(problem);
}

export const verb: Verb = {
  name: 'migrate',
  summary: 'Bring runs and models over from an MLflow store',
  commands: [mlflow, toMlflow],
};
