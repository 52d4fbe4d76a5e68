import {
  invalid,
  type NewReviewQueue,
  type ReviewItem,
  type ReviewQueue,
  type ReviewStatus,
} from '../../../mlflow/index.ts';
import { noReviewItem, noReviewQueue, noTracesFor, queueTaken } from '../../rules/index.ts';
import type { ReviewStore } from '../../evaluation-store.ts';
import type { Context } from '../context.ts';
import { pageOf } from '../search/simple-search.ts';
import { among, either, raw, sql } from '../sql.ts';
import { all, get, insertAll, one, run, type Insert, type Work } from '../work.ts';
import { labelSchemasOf } from './label-schemas.ts';
import { newId, pageOfRows, presentExperiment } from './rows.ts';

interface Row {
  readonly n: number;
  readonly id: string;
  readonly experiment: number;
  readonly body: string;
}

type Body = Omit<ReviewQueue, 'id' | 'experimentId'>;

interface ItemRow {
  readonly item: string;
  readonly status: string;
  readonly completed_by: string | null;
  readonly completed_time: number | null;
  readonly created_time: number;
  readonly last_updated_time: number;
}

const itemInsert: Insert = {
  table: 'review_queue_items',
  columns: { queue: 'bigint', item: 'text', status: 'text', created_time: 'bigint', last_updated_time: 'bigint' },
  conflict: 'ON CONFLICT DO NOTHING',
};

export function reviewsOf(c: Context): ReviewStore {
  return {
    ...labelSchemasOf(c),
    createReviewQueue: (queue) => c.writeAlone(() => create(c, queue)),
    getReviewQueue: (id) =>
      c.read(function* () {
        return yield* toQueue(c, yield* need(id));
      }),
    getReviewQueueByName: (experimentId, name) =>
      c.read(function* () {
        const experiment = yield* presentExperiment(experimentId);
        const row = yield* named(experiment, name);
        if (row === undefined) throw noReviewQueue(name, experimentId);
        return yield* toQueue(c, row);
      }),
    listReviewQueues: (experimentId, query) =>
      c.read(function* () {
        const experiment = yield* presentExperiment(experimentId);
        const { user, itemId } = query;
        const users = either(
          raw(`json_each(t.body, '$.users') u`),
          raw(`json_array_elements_text(t.body::json -> 'users') u(value)`),
        );
        const mine = user === undefined ? sql`1 = 1` : sql`EXISTS (SELECT 1 FROM ${users} WHERE u.value = ${user})`;
        const holding =
          itemId === undefined ? sql`1 = 1` : sql`t.n IN (SELECT queue FROM review_queue_items WHERE item = ${itemId})`;
        const identity = ['review queues', experimentId, user, itemId];
        const found = yield* pageOfRows(identity, query, (limit, offset) =>
          all<Row>(
            sql`SELECT t.* FROM review_queues t WHERE t.experiment = ${experiment} AND ${mine} AND ${holding}
              ORDER BY t.n DESC LIMIT ${limit} OFFSET ${offset}`,
          ),
        );
        return yield* pageOf(found, (row) => toQueue(c, row));
      }),
    updateReviewQueue: (id, change) => c.writeAlone(() => update(c, id, change)),
    deleteReviewQueue: (id) =>
      c.write(function* () {
        yield* run(sql`DELETE FROM review_queues WHERE id = ${id}`);
      }),
    addReviewItems: (queueId, ids) => c.writeAlone(() => addItems(c, queueId, ids)),
    removeReviewItems: (queueId, ids) =>
      c.write(function* () {
        const { n } = yield* need(queueId);
        yield* run(sql`DELETE FROM review_queue_items WHERE queue = ${n} AND ${among(sql`item`, ids)}`);
      }),
    listReviewItems: (queueId, query) =>
      c.read(function* () {
        const { n } = yield* need(queueId);
        const { status } = query;
        const which = status === undefined ? sql`1 = 1` : sql`status = ${status}`;
        const found = yield* pageOfRows(['review items', queueId, status], query, (limit, offset) =>
          all<ItemRow>(
            sql`SELECT * FROM review_queue_items WHERE queue = ${n} AND ${which} ORDER BY created_time DESC, item
              LIMIT ${limit} OFFSET ${offset}`,
          ),
        );
        return { items: found.rows.map((row) => toItem(queueId, row)), nextPageToken: found.nextPageToken };
      }),
    setReviewStatus: (queueId, id, status, completedBy) =>
      c.write(function* () {
        const { n } = yield* need(queueId);
        const now = Date.now();
        const settled = status === 'PENDING' ? undefined : now;
        // The same status again must not take an answer over from who gave it.
        yield* run(
          sql`UPDATE review_queue_items SET status = ${status}, completed_by = ${completedBy}, completed_time = ${settled},
            last_updated_time = ${now} WHERE queue = ${n} AND item = ${id} AND status <> ${status}`,
        );
        const row = yield* get<ItemRow>(sql`SELECT * FROM review_queue_items WHERE queue = ${n} AND item = ${id}`);
        if (row === undefined) throw noReviewItem(queueId, id);
        return toItem(queueId, row);
      }),
  };
}

function* create(c: Context, queue: NewReviewQueue): Work<ReviewQueue> {
  const experiment = yield* presentExperiment(queue.experimentId);
  yield* checkSchemas(experiment, queue.experimentId, queue.schemaIds);
  if ((yield* named(experiment, queue.name)) !== undefined) throw queueTaken(queue.name);
  const now = Date.now();
  const { experimentId: _, createdBy, ...rest } = queue;
  const body: Body = { ...rest, createdBy, createdTime: now, lastUpdatedTime: now };
  const id = newId('rq-');
  yield* run(
    sql`INSERT INTO review_queues (id, experiment, name_key, body)
      VALUES (${id}, ${experiment}, ${queue.name.toLowerCase()}, ${JSON.stringify(body)})`,
  );
  return yield* toQueue(c, yield* need(id));
}

function* update(c: Context, id: string, change: Parameters<ReviewStore['updateReviewQueue']>[1]): Work<ReviewQueue> {
  const row = yield* need(id);
  const before = yield* toQueue(c, row);
  if (before.type === 'USER') {
    throw invalid(`Review queue '${id}' is a user queue; its users and questions are fixed and cannot be updated.`);
  }
  const { name = before.name, owner = before.createdBy, users = before.users, schemaIds } = change;
  if (Object.values(change).every((value) => value === undefined)) return before;
  const other = yield* named(row.experiment, name);
  if (other !== undefined && other.n !== row.n) throw queueTaken(name);
  if (schemaIds !== undefined) {
    const { count } = yield* one<{ count: number }>(
      sql`SELECT count(*) AS count FROM review_queue_items WHERE queue = ${row.n}`,
    );
    if (count > 0) {
      throw invalid(
        "A review queue's questions are locked once items are assigned to it. Remove the items before changing its questions.",
      );
    }
    yield* checkSchemas(row.experiment, before.experimentId, schemaIds);
  }
  const body: Body = {
    ...(JSON.parse(row.body) as Body),
    ...{ name, createdBy: owner, users, schemaIds: schemaIds ?? before.schemaIds, lastUpdatedTime: Date.now() },
  };
  yield* run(
    sql`UPDATE review_queues SET name_key = ${name.toLowerCase()}, body = ${JSON.stringify(body)} WHERE n = ${row.n}`,
  );
  return yield* toQueue(c, yield* need(id));
}

function* addItems(c: Context, queueId: string, ids: readonly string[]): Work<ReviewItem[]> {
  const { n, experiment } = yield* need(queueId);
  const known = yield* all<{ id: string }>(
    sql`SELECT id FROM traces WHERE experiment = ${experiment} AND ${among(sql`id`, ids)}`,
  );
  const there = new Set(known.map(({ id }) => id));
  const missing = ids.filter((id) => !there.has(id));
  if (missing.length > 0) throw noTracesFor(queueId, missing, yield* c.experimentId(experiment));
  const now = Date.now();
  yield* insertAll(
    itemInsert,
    ids.map((id) => [n, id, 'PENDING', now, now]),
  );
  const rows = yield* all<ItemRow>(
    sql`SELECT * FROM review_queue_items WHERE queue = ${n} AND ${among(sql`item`, ids)}`,
  );
  const byId = new Map(rows.map((row) => [row.item, row]));
  return ids.flatMap((id) => {
    const row = byId.get(id);
    return row === undefined ? [] : [toItem(queueId, row)];
  });
}

function* checkSchemas(experiment: number, experimentId: string, ids: readonly string[]): Work<void> {
  const rows = yield* all<{ id: string }>(
    sql`SELECT id FROM label_schemas WHERE experiment = ${experiment} AND ${among(sql`id`, ids)}`,
  );
  const known = new Set(rows.map(({ id }) => id));
  const missing = ids.filter((id) => !known.has(id));
  if (missing.length === 0) return;
  const shown = missing.map((id) => `'${id}'`).join(', ');
  throw invalid(`Label schema id(s) [${shown}] not found for experiment '${experimentId}'.`);
}

function named(experiment: number, name: string): Work<Row | undefined> {
  return get<Row>(
    sql`SELECT * FROM review_queues WHERE experiment = ${experiment} AND name_key = ${name.toLowerCase()}`,
  );
}

function* need(id: string): Work<Row> {
  const row = yield* get<Row>(sql`SELECT * FROM review_queues WHERE id = ${id}`);
  if (row === undefined) throw noReviewQueue(id);
  return row;
}

function* toQueue(c: Context, { id, experiment, body }: Row): Work<ReviewQueue> {
  const { createdBy, ...rest } = JSON.parse(body) as Body;
  return { id, experimentId: yield* c.experimentId(experiment), createdBy, ...rest };
}

function toItem(queueId: string, row: ItemRow): ReviewItem {
  return {
    queueId,
    id: row.item,
    status: row.status as ReviewStatus,
    completedBy: row.completed_by ?? undefined,
    completedTime: row.completed_time ?? undefined,
    createdTime: row.created_time,
    lastUpdatedTime: row.last_updated_time,
  };
}
