import { experimentRules, type DatasetSummary, type Experiment, type Tag } from '../../mlflow/index.ts';
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
import { experimentNumber, experimentNumbers, type Context } from './context.ts';
import { pageOf, simpleSearch, type SearchTable } from './search/simple-search.ts';
import { among, either, raw, sql } from './sql.ts';
import { all, get, one, run, type Work } from './work.ts';

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
    name: 't.name',
    experiment_id: 't.id',
    creation_time: 't.creation_time',
    last_update_time: 't.last_update_time',
  },
  orderColumns: { experiment_id: 't.n' },
  tags: { table: 'experiment_tags', join: 'x.experiment = t.n' },
  tie: ['t.n DESC'],
};

/** The experiment half of the store. */
export function experimentsOf(c: Context): ExperimentStore {
  return {
    createExperiment: ({ name, tags = [], artifactLocation = '' }) =>
      c.write(() => insert(c, name, artifactLocation, tags)),
    getExperiment: (id) =>
      c.read(function* () {
        return yield* toExperiment(yield* needExperiment(id));
      }),
    getExperimentByName: (name) =>
      c.read(function* () {
        const row = yield* get<Row>(sql`SELECT * FROM experiments WHERE name = ${name}`);
        return row === undefined ? undefined : yield* toExperiment(row);
      }),
    searchExperiments: (search) =>
      c.read(function* () {
        const { maxResults = 1000, view = 'ACTIVE_ONLY' } = search;
        const where = view === 'ALL' ? sql`1 = 1` : sql`t.lifecycle = ${view === 'DELETED_ONLY' ? 1 : 0}`;
        const fallback = ['t.creation_time DESC', 't.n ASC'];
        const query = { ...search, maxResults, where, view };
        return yield* pageOf(yield* simpleSearch<Row>(searched, experimentRules, query, fallback), toExperiment);
      }),
    renameExperiment: (id, name) => c.write(() => rename(id, name)),
    deleteExperiment: (id) => c.write(() => setLifecycle(id, 0)),
    restoreExperiment: (id) => c.write(() => setLifecycle(id, 1)),
    setExperimentTag: (id, tag) =>
      c.write(function* () {
        yield* putTag((yield* activeExperiment(id)).n, tag);
      }),
    deleteExperimentTag: (id, key) =>
      c.write(function* () {
        const { n } = yield* activeExperiment(id);
        const gone = yield* run(sql`DELETE FROM experiment_tags WHERE experiment = ${n} AND key = ${key}`);
        if (gone === 0) throw noExperimentTag(id, key);
      }),
    searchDatasets: (ids) => c.read(() => datasetSummaries(c, ids)),
  };
}

/** The row of an experiment, deleted or not. */
export function* needExperiment(id: string): Work<Row> {
  const row = yield* get<Row>(sql`SELECT * FROM experiments WHERE id = ${id}`);
  if (row === undefined) throw noExperiment(id);
  return row;
}

/** The row of an experiment that may be written to. */
export function* activeExperiment(id: string): Work<Row> {
  const row = yield* needExperiment(id);
  if (row.lifecycle !== 0) throw inactiveExperiment(id);
  return row;
}

function* insert(c: Context, name: string, location: string, tags: readonly Tag[]): Work<string> {
  if ((yield* get(sql`SELECT 1 FROM experiments WHERE name = ${name}`)) !== undefined) throw experimentTaken(name);
  const now = Date.now();
  const n = yield* nextNumber();
  const id = String(n);
  const place = location === '' ? joinUri(c.artifactRoot, id) : location;
  yield* run(
    sql`INSERT INTO experiments (n, id, name, artifact_location, creation_time, last_update_time)
      VALUES (${n}, ${id}, ${name}, ${place}, ${now}, ${now})`,
  );
  for (const tag of tags) yield* putTag(n, tag);
  return id;
}

/** Numbers are ids too, except of experiments that came from elsewhere with ids of their own. */
export function* nextNumber(): Work<number> {
  const next = either(
    sql`SELECT max(COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'experiments'), 0),
      (SELECT COALESCE(max(n), 0) FROM experiments)) + 1 AS n`,
    sql`SELECT nextval('experiment_numbers') AS n`,
  );
  let { n } = yield* one<{ n: number }>(next);
  while ((yield* experimentNumber(String(n))) !== undefined) n++;
  return n;
}

function* putTag(experiment: number, { key, value }: Tag): Work<void> {
  yield* run(
    sql`INSERT INTO experiment_tags (experiment, key, value) VALUES (${experiment}, ${key}, ${value})
      ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value`,
  );
}

function* rename(id: string, name: string): Work<void> {
  const row = yield* needExperiment(id);
  if (row.lifecycle !== 0) throw renameOfDeleted();
  const taken = yield* get<{ id: string }>(sql`SELECT id FROM experiments WHERE name = ${name}`);
  if (taken !== undefined && taken.id !== row.id) throw newNameTaken(name);
  yield* run(sql`UPDATE experiments SET name = ${name}, last_update_time = ${Date.now()} WHERE n = ${row.n}`);
}

function* setLifecycle(id: string, expected: 0 | 1): Work<void> {
  const row = yield* needExperiment(id);
  if (row.lifecycle !== expected) throw noExperimentInState(id, expected === 0 ? 'active' : 'deleted');
  const now = Date.now();
  const next = 1 - expected;
  const deleted = expected === 0 ? now : null;
  yield* run(sql`UPDATE experiments SET lifecycle = ${next}, last_update_time = ${now} WHERE n = ${row.n}`);
  yield* run(sql`UPDATE runs SET lifecycle = ${next}, deleted_time = ${deleted} WHERE experiment = ${row.n}`);
}

function* toExperiment(row: Row): Work<Experiment> {
  return {
    id: row.id,
    name: row.name,
    artifactLocation: row.artifact_location,
    lifecycle: row.lifecycle === 0 ? 'active' : 'deleted',
    creationTime: row.creation_time,
    lastUpdateTime: row.last_update_time,
    tags: yield* all<Tag>(sql`SELECT key, value FROM experiment_tags WHERE experiment = ${row.n} ORDER BY key`),
  };
}

function* datasetSummaries(c: Context, ids: readonly string[]): Work<DatasetSummary[]> {
  const numbers = yield* experimentNumbers(ids);
  const rows = yield* all<{ experiment: number; name: string; digest: string; context: string | null }>(
    sql`SELECT DISTINCT d.experiment, d.name, d.digest, t.value AS context
      FROM datasets d JOIN run_datasets i ON i.dataset = d.id JOIN runs r ON r.n = i.run AND r.lifecycle = 0
      LEFT JOIN run_dataset_tags t ON t.input = i.id AND t.key = 'mlflow.data.context'
      WHERE ${among(raw('d.experiment'), numbers)} LIMIT 1000`,
  );
  const found: DatasetSummary[] = [];
  for (const { experiment, name, digest, context } of rows) {
    found.push({ experimentId: yield* c.experimentId(experiment), name, digest, context: context ?? undefined });
  }
  return found;
}
