import {
  datasetDigest,
  evaluationDatasetRules,
  inputsHash,
  invalid,
  parseFilter,
  widenSchema,
  type EvaluationDataset,
  type Json,
  type NewRecord,
  type Tag,
} from '../../../mlflow/index.ts';
import { noDataset, noExperiment } from '../../rules/index.ts';
import type { EvaluationDatasetStore, EvaluationSearch } from '../../evaluation-store.ts';
import { experimentNumber, type Context } from '../context.ts';
import { pageOf, simpleSearch, type SearchTable } from '../search/simple-search.ts';
import { among, raw, sql } from '../sql.ts';
import { all, get, insertAll, one, run, type Insert, type Work } from '../work.ts';
import { newId, pageOfRows } from './rows.ts';

interface Row {
  readonly n: number;
  readonly id: string;
  readonly name: string;
  readonly digest: string;
  readonly schema: string | null;
  readonly profile: string | null;
  readonly created_time: number;
  readonly last_update_time: number;
  readonly created_by: string | null;
  readonly last_updated_by: string | null;
}

const searched: SearchTable = {
  table: 'evaluation_datasets',
  columns: {
    name: 't.name',
    created_time: 't.created_time',
    last_update_time: 't.last_update_time',
    created_by: 't.created_by',
    last_updated_by: 't.last_updated_by',
  },
  tags: { table: 'evaluation_dataset_tags', join: 'x.dataset = t.n' },
  tie: ['t.n DESC'],
};

const tagInsert: Insert = {
  table: 'evaluation_dataset_tags',
  columns: { dataset: 'bigint', key: 'text', value: 'text' },
  conflict: 'ON CONFLICT (dataset, key) DO UPDATE SET value = excluded.value',
};

const experimentInsert: Insert = {
  table: 'evaluation_dataset_experiments',
  columns: { dataset: 'bigint', experiment: 'text' },
  conflict: 'ON CONFLICT DO NOTHING',
};

export function evaluationDatasetsOf(c: Context): EvaluationDatasetStore {
  return {
    createDataset: ({ name, tags, experimentIds }) => c.write(() => create(name, tags, experimentIds)),
    getDataset: (id) =>
      c.read(function* () {
        return yield* toDataset(yield* need(id));
      }),
    deleteDataset: (id) =>
      c.write(function* () {
        yield* run(sql`DELETE FROM evaluation_datasets WHERE id = ${id}`);
      }),
    searchEvaluationDatasets: (search) => c.read(() => find(search)),
    setDatasetTags: (id, tags) =>
      c.write(function* () {
        yield* putTags((yield* need(id)).n, tags);
      }),
    deleteDatasetTag: (id, key) =>
      c.write(function* () {
        yield* run(
          sql`DELETE FROM evaluation_dataset_tags
            WHERE dataset = (SELECT n FROM evaluation_datasets WHERE id = ${id}) AND key = ${key}`,
        );
      }),
    datasetExperiments: (id) =>
      c.read(function* () {
        const rows = yield* all<{ experiment: string }>(
          sql`SELECT x.experiment FROM evaluation_dataset_experiments x JOIN evaluation_datasets d ON d.n = x.dataset
            WHERE d.id = ${id} ORDER BY length(x.experiment), x.experiment`,
        );
        return rows.map(({ experiment }) => experiment);
      }),
    addDatasetToExperiments: (id, experimentIds) =>
      c.write(function* () {
        const { n } = yield* need(id);
        for (const experiment of experimentIds) {
          if ((yield* experimentNumber(experiment)) === undefined) throw noExperiment(experiment);
        }
        yield* putExperiments(n, experimentIds);
        yield* touch(n);
        return yield* toDataset(yield* need(id));
      }),
    removeDatasetFromExperiments: (id, experimentIds) =>
      c.write(function* () {
        const { n } = yield* need(id);
        const gone = yield* run(
          sql`DELETE FROM evaluation_dataset_experiments WHERE dataset = ${n} AND ${among(sql`experiment`, experimentIds)}`,
        );
        if (gone > 0) yield* touch(n);
        return yield* toDataset(yield* need(id));
      }),
    putRecords: (id, records) => c.writeAlone(() => putRecords(id, records)),
    listRecords: (id, query) =>
      c.read(function* () {
        const { rows, nextPageToken } = yield* pageOfRows(['records', id], query, (limit, offset) =>
          all<{ body: string }>(
            sql`SELECT r.body FROM evaluation_records r JOIN evaluation_datasets d ON d.n = r.dataset
              WHERE d.id = ${id} ORDER BY r.n LIMIT ${limit} OFFSET ${offset}`,
          ),
        );
        return { items: rows.map(({ body }) => JSON.parse(body) as Json), nextPageToken };
      }),
    deleteRecords: (id, recordIds) =>
      c.write(function* () {
        const row = yield* get<Row>(sql`SELECT * FROM evaluation_datasets WHERE id = ${id}`);
        if (row === undefined) return 0;
        const gone = yield* run(
          sql`DELETE FROM evaluation_records WHERE dataset = ${row.n} AND ${among(sql`id`, recordIds)}`,
        );
        if (gone === 0) return 0;
        const profile = (yield* profileOf(row.n)) ?? 'null';
        yield* run(sql`UPDATE evaluation_datasets SET profile = ${profile} WHERE n = ${row.n}`);
        return gone;
      }),
  };
}

function* create(
  name: string,
  tags: Readonly<Record<string, unknown>>,
  experimentIds: readonly string[],
): Work<EvaluationDataset> {
  const id = newId('d-');
  const now = Date.now();
  const user = textOf(tags['mlflow.user']);
  yield* run(
    sql`INSERT INTO evaluation_datasets (id, name, digest, created_time, last_update_time, created_by, last_updated_by)
      VALUES (${id}, ${name}, ${datasetDigest(name, now)}, ${now}, ${now}, ${user}, ${user})`,
  );
  const row = yield* need(id);
  yield* putTags(row.n, tags);
  yield* putExperiments(row.n, experimentIds);
  return { ...(yield* toDataset(row)), experimentIds };
}

function* find(search: EvaluationSearch): ReturnType<typeof pageOf<Row, EvaluationDataset>> {
  const { maxResults = 1000, experimentIds, filter } = search;
  for (const { entity, key, value } of parseFilter(filter, evaluationDatasetRules)) {
    if (entity !== 'attribute' || typeof value !== 'number' || Number.isInteger(value)) continue;
    throw invalid(`Invalid value for numeric attribute '${key}': '${value}'`);
  }
  const where =
    experimentIds.length === 0
      ? sql`1 = 1`
      : sql`EXISTS (SELECT 1 FROM evaluation_dataset_experiments x WHERE x.dataset = t.n
          AND ${among(raw('x.experiment'), experimentIds)})`;
  const query = { ...search, maxResults, where, view: experimentIds };
  const found = yield* simpleSearch<Row>(searched, evaluationDatasetRules, query, ['t.created_time DESC', 't.n DESC']);
  return yield* pageOf(found, toDataset);
}

function* putRecords(id: string, records: readonly NewRecord[]): Work<{ inserted: number; updated: number }> {
  const row = yield* get<Row>(sql`SELECT * FROM evaluation_datasets WHERE id = ${id}`);
  if (row === undefined) return { inserted: 0, updated: 0 };
  const now = Date.now();
  const counts = { inserted: 0, updated: 0 };
  let user: string | undefined;
  for (const record of records) {
    const hash = inputsHash(record.inputs);
    user = textOf(record.tags?.['mlflow.user']) ?? user;
    const known = yield* get<{ n: number; body: string }>(
      sql`SELECT n, body FROM evaluation_records WHERE dataset = ${row.n} AND inputs_hash = ${hash}`,
    );
    if (known === undefined) {
      const made = newRecord(id, record, now);
      yield* run(
        sql`INSERT INTO evaluation_records (id, dataset, inputs_hash, body)
          VALUES (${made['dataset_record_id']}, ${row.n}, ${hash}, ${JSON.stringify(made)})`,
      );
      counts.inserted++;
    } else {
      const body = JSON.stringify(merged(JSON.parse(known.body) as Json, record, now));
      yield* run(sql`UPDATE evaluation_records SET body = ${body} WHERE n = ${known.n}`);
      counts.updated++;
    }
  }
  yield* run(
    sql`UPDATE evaluation_datasets SET last_update_time = ${now}, last_updated_by = ${user},
      digest = ${datasetDigest(row.name, now)}, schema = ${widenSchema(row.schema ?? undefined, records)},
      profile = ${(yield* profileOf(row.n)) ?? row.profile} WHERE n = ${row.n}`,
  );
  return counts;
}

function* profileOf(n: number): Work<string | undefined> {
  const { count } = yield* one<{ count: number }>(
    sql`SELECT count(*) AS count FROM evaluation_records WHERE dataset = ${n}`,
  );
  return count === 0 ? undefined : JSON.stringify({ num_records: count });
}

/** A record as MLflow's clients read it. */
function newRecord(dataset: string, record: NewRecord, now: number): Json {
  const { inputs, outputs, expectations, tags = {}, source } = record;
  const user = textOf(tags['mlflow.user']);
  const sourceId = source?.source_data[source.source_type === 'TRACE' ? 'trace_id' : 'source_id'];
  return {
    dataset_record_id: newId('dr-'),
    dataset_id: dataset,
    inputs,
    outputs: Object.hasOwn(record, 'outputs') ? (outputs ?? undefined) : {},
    expectations,
    tags,
    source,
    source_id: textOf(sourceId),
    source_type: source?.source_type,
    created_time: now,
    last_update_time: now,
    created_by: user,
    last_updated_by: user,
  };
}

function merged(before: Json, record: NewRecord, now: number): Json {
  const { outputs, expectations, tags } = record;
  const user = textOf(tags?.['mlflow.user']);
  return {
    ...before,
    ...(Object.hasOwn(record, 'outputs') ? { outputs: outputs ?? undefined } : {}),
    expectations: joined(before['expectations'], expectations),
    tags: joined(before['tags'], tags),
    last_update_time: now,
    ...(user === undefined ? {} : { last_updated_by: user }),
  };
}

function joined(before: unknown, more: Readonly<Record<string, unknown>> | undefined): unknown {
  if (more === undefined || Object.keys(more).length === 0) return before;
  return { ...(before as object | undefined), ...more };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function* putTags(n: number, tags: Readonly<Record<string, unknown>>): Work<void> {
  const set = Object.entries(tags).filter(([, value]) => value !== null && value !== undefined);
  yield* insertAll(
    tagInsert,
    set.map(([key, value]) => [n, key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

function* putExperiments(n: number, experimentIds: readonly string[]): Work<void> {
  yield* insertAll(
    experimentInsert,
    [...new Set(experimentIds)].map((id) => [n, id]),
  );
}

function* touch(n: number): Work<void> {
  yield* run(sql`UPDATE evaluation_datasets SET last_update_time = ${Date.now()} WHERE n = ${n}`);
}

function* need(id: string): Work<Row> {
  const row = yield* get<Row>(sql`SELECT * FROM evaluation_datasets WHERE id = ${id}`);
  if (row === undefined) throw noDataset(id);
  return row;
}

function* toDataset(row: Row): Work<EvaluationDataset> {
  const tags = yield* all<Tag>(
    sql`SELECT key, value FROM evaluation_dataset_tags WHERE dataset = ${row.n} ORDER BY key`,
  );
  return {
    id: row.id,
    name: row.name,
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    schema: row.schema ?? undefined,
    profile: row.profile ?? undefined,
    digest: row.digest,
    createdTime: row.created_time,
    lastUpdateTime: row.last_update_time,
    createdBy: row.created_by ?? undefined,
    lastUpdatedBy: row.last_updated_by ?? undefined,
  };
}
