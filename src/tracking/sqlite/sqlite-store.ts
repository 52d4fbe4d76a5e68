import type { OpenArtifacts } from '../artifacts/roots.ts';
import { governed } from '../rules/index.ts';
import type { TrackingStore } from '../store.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { experimentsOf } from './experiments.ts';
import { openKeys } from './keys.ts';
import { importerOf, type Importer } from './importer.ts';
import { loggedModelsOf } from './logged-models.ts';
import { modelVersionsOf } from './model-versions.ts';
import { registeredModelsOf } from './registered-models.ts';
import { runsOf } from './runs.ts';
import { tracesOf } from './traces.ts';
import { webhooksOf } from './webhooks.ts';

export interface SqliteStore extends TrackingStore {
  /** Takes over experiments, runs and models of another store with their ids. */
  readonly importer: Importer;
  /** Writes a consistent copy of the whole store to a new file while it is used. */
  backup(file: string): Promise<void>;
}

/** The SQLite kind; `:memory:` is the in-memory kind, gone when closed. */
export function sqliteStore(file: string, artifacts: OpenArtifacts, options: ConnectionOptions = {}): SqliteStore {
  const connection = new Connection(file, options);
  const keys = openKeys(connection);
  makeDefaultExperiment(connection);
  return governed<SqliteStore>({
    kind: file === ':memory:' ? 'memory' : 'sqlite',
    url: file,
    artifacts,
    ...experimentsOf(connection),
    ...runsOf(connection, keys),
    ...loggedModelsOf(connection),
    ...registeredModelsOf(connection),
    ...modelVersionsOf(connection),
    importer: importerOf(connection, keys),
    traces: tracesOf(connection),
    webhooks: webhooksOf(connection),
    backup: async (target) => void (await connection.db.backup(target)),
    close: () => connection.close(),
  });
}

/** Experiment 0 is there from the start. */
function makeDefaultExperiment({ db, artifactRoot }: Connection): void {
  if (db.prepare('SELECT 1 FROM experiments WHERE n = 0').get() !== undefined) return;
  const now = Date.now();
  db.prepare(
    `INSERT INTO experiments (n, id, name, artifact_location, creation_time, last_update_time)
     VALUES (0, '0', 'Default', ?, ?, ?) ON CONFLICT DO NOTHING`,
  ).run(artifactRoot === 'mlflow-artifacts:' ? 'mlflow-artifacts:/0' : `${artifactRoot}/0`, now, now);
}
