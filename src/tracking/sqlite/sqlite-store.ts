import type { OpenArtifacts } from '../artifacts/roots.ts';
import { governed } from '../rules/index.ts';
import { Context } from '../sql/context.ts';
import { problemsOf } from '../sql/checks.ts';
import { makeDefaultExperiment, sqlHalves } from '../sql/halves.ts';
import type { TrackingStore } from '../store.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { copyFrom } from './copy.ts';

export interface SqliteOptions extends ConnectionOptions {
  /** Where experiments without a location of their own keep artifacts. Default `mlflow-artifacts:`. */
  readonly artifactRoot?: string | undefined;
}

/** The SQLite kind; `:memory:` is the in-memory kind, gone when closed. */
export function sqliteStore(file: string, artifacts: OpenArtifacts, options: SqliteOptions = {}): TrackingStore {
  const connection = new Connection(file, options);
  const { artifactRoot = 'mlflow-artifacts:' } = options;
  connection.run(() => makeDefaultExperiment(artifactRoot));
  return governed({
    kind: file === ':memory:' ? 'memory' : 'sqlite',
    url: file,
    artifacts,
    ...sqlHalves(new Context(connection, artifactRoot)),
    checkHere: () => connection.checkHere(),
    backup: async (target) => void (await connection.db.backup(target)),
    restore: (source) => copyFrom(connection, source),
    problems: async () => connection.run(problemsOf),
    close: () => connection.close(),
  });
}
