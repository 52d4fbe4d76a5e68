import { experimentRules, type Experiment } from '../../mlflow/index.ts';
import { joinUri } from '../artifacts/location.ts';
import {
  experimentTaken,
  inactiveExperiment,
  newNameTaken,
  noExperiment,
  noExperimentInState,
  noExperimentTag,
  renameOfDeleted,
} from '../rules/index.ts';
import type { ExperimentStore } from '../store.ts';
import type { Connection } from './connection.ts';
import { pageOf, simpleSearch, type SearchTable } from './simple-search.ts';

interface Row {
  readonly n: number;
  readonly id: string;
  readonly name: string;
  readonly artifact_location: string;
  readonly lifecycle: number;
  readonly creation_time: number;
  readonly last_update_time: number;
}

const searched: SearchTable = {
  table: 'experiments',
  columns: {
    name: 'name',
    experiment_id: 't.id',
    creation_time: 'creation_time',
    last_update_time: 'last_update_time',
  },
  orderColumns: { experiment_id: 'n' },
  tags: { table: 'experiment_tags', join: 'x.experiment = t.n' },
};

/** The experiment half of the store over one connection. */
export function experimentsOf(c: Connection): ExperimentStore {
  return {
    createExperiment: ({ name, tags = [], artifactLocation = '' }) =>
      c.write(() => insert(c, name, artifactLocation, tags)),
    getExperiment: async (id) => toExperiment(c, needExperiment(c, id)),
    getExperimentByName: async (name) => {
      const row = c.sql<Row>('SELECT * FROM experiments WHERE name = ?').get(name);
      return row === undefined ? undefined : toExperiment(c, row);
    },
    searchExperiments: async (search) => {
      const { maxResults = 1000, view = 'ACTIVE_ONLY' } = search;
      const where = view === 'ALL' ? '1' : `t.lifecycle = ${view === 'DELETED_ONLY' ? 1 : 0}`;
      const rows = simpleSearch<Row>(c, searched, experimentRules, { ...search, maxResults, where, view }, [
        'creation_time DESC',
        'n ASC',
      ]);
      return pageOf(rows, (row) => toExperiment(c, row));
    },
    renameExperiment: (id, name) => c.write(() => rename(c, id, name)),
    deleteExperiment: (id) => c.write(() => setLifecycle(c, id, 0)),
    restoreExperiment: (id) => c.write(() => setLifecycle(c, id, 1)),
    setExperimentTag: (id, { key, value }) =>
      c.write(() => {
        const { n: experiment } = activeExperiment(c, id);
        putTag(c, experiment, key, value);
      }),
    deleteExperimentTag: (id, key) =>
      c.write(() => {
        const { n: experiment } = activeExperiment(c, id);
        const gone = c.sql('DELETE FROM experiment_tags WHERE experiment = ? AND key = ?').run(experiment, key);
        if (gone.changes === 0) throw noExperimentTag(id, key);
      }),
    searchDatasets: async (ids) => datasetSummaries(c, ids),
  };
}

/** The row of an experiment, deleted or not. */
export function needExperiment(c: Connection, id: string): Row {
  const row = c.sql<Row>('SELECT * FROM experiments WHERE id = ?').get(id);
  if (row === undefined) throw noExperiment(id);
  return row;
}

/** The row of an experiment that may be written to. */
export function activeExperiment(c: Connection, id: string): Row {
  const row = needExperiment(c, id);
  if (row.lifecycle !== 0) throw inactiveExperiment(id);
  return row;
}

function insert(
  c: Connection,
  name: string,
  location: string,
  tags: readonly { key: string; value: string }[],
): string {
  if (c.sql('SELECT 1 FROM experiments WHERE name = ?').get(name) !== undefined) throw experimentTaken(name);
  const now = Date.now();
  const n = nextNumber(c);
  const id = String(n);
  c.sql(
    `INSERT INTO experiments (n, id, name, artifact_location, creation_time, last_update_time) VALUES (?, ?, ?, ?, ?, ?)`,
  ).run(n, id, name, location === '' ? joinUri(c.artifactRoot, id) : location, now, now);
  for (const { key, value } of tags) putTag(c, n, key, value);
  return id;
}

/** Numbers are ids too, except of experiments that came from elsewhere with ids of their own. */
export function nextNumber(c: Connection): number {
  const row = c
    .sql<{ n: number }>(
      `SELECT max(COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'experiments'), 0), (SELECT COALESCE(max(n), 0) FROM experiments)) + 1 AS n`,
    )
    .get();
  let n = row?.n ?? 1;
  while (c.experimentNumber(String(n)) !== undefined) n++;
  return n;
}

function putTag(c: Connection, experiment: number, key: string, value: string): void {
  c.sql(
    'INSERT INTO experiment_tags (experiment, key, value) VALUES (?, ?, ?) ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value',
  ).run(experiment, key, value);
}

function rename(c: Connection, id: string, name: string): void {
  const row = needExperiment(c, id);
  if (row.lifecycle !== 0) throw renameOfDeleted();
  const taken = c.sql<{ id: string }>('SELECT id FROM experiments WHERE name = ?').get(name);
  if (taken !== undefined && taken.id !== row.id) throw newNameTaken(name);
  c.sql('UPDATE experiments SET name = ?, last_update_time = ? WHERE n = ?').run(name, Date.now(), row.n);
}

function setLifecycle(c: Connection, id: string, expected: 0 | 1): void {
  const row = needExperiment(c, id);
  if (row.lifecycle !== expected) throw noExperimentInState(id, expected === 0 ? 'active' : 'deleted');
  const now = Date.now();
  c.sql('UPDATE experiments SET lifecycle = ?, last_update_time = ? WHERE n = ?').run(1 - expected, now, row.n);
  c.sql('UPDATE runs SET lifecycle = ?, deleted_time = ? WHERE experiment = ?').run(
    1 - expected,
    expected === 0 ? now : null,
    row.n,
  );
}

function toExperiment(c: Connection, row: Row): Experiment {
  return {
    id: row.id,
    name: row.name,
    artifactLocation: row.artifact_location,
    lifecycle: row.lifecycle === 0 ? 'active' : 'deleted',
    creationTime: row.creation_time,
    lastUpdateTime: row.last_update_time,
    tags: c
      .sql<{ key: string; value: string }>('SELECT key, value FROM experiment_tags WHERE experiment = ? ORDER BY key')
      .all(row.n),
  };
}

function datasetSummaries(
  c: Connection,
  ids: readonly string[],
): Awaited<ReturnType<ExperimentStore['searchDatasets']>> {
  const rows = c
    .sql<{ experiment: number; name: string; digest: string; context: string | null }>(
      `SELECT DISTINCT d.experiment, d.name, d.digest, t.value AS context
       FROM datasets d JOIN run_datasets i ON i.dataset = d.id JOIN runs r ON r.n = i.run AND r.lifecycle = 0
       LEFT JOIN run_dataset_tags t ON t.input = i.id AND t.key = 'mlflow.data.context'
       WHERE d.experiment IN (SELECT value FROM json_each(?)) LIMIT 1000`,
    )
    .all(JSON.stringify(ids.map((id) => c.experimentNumber(id) ?? -1)));
  return rows.map(({ experiment, name, digest, context }) => ({
    experimentId: c.experimentId(experiment),
    name,
    digest,
    context: context ?? undefined,
  }));
}
