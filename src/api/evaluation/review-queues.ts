import type { Identity } from '../../http/index.ts';
import {
  checkedQueue,
  completerOf,
  customQueueName,
  invalid,
  listToJson,
  plainItemIds,
  plainSchemaIds,
  plainUser,
  plainUsers,
  queueOwner,
  queueTypes,
  reviewItemToJson,
  reviewQueueToJson,
  reviewStatuses,
  type Fields,
  type Json,
  type ReviewQueue,
  type ReviewStatus,
} from '../../mlflow/index.ts';
import { isMlopsError, MlopsError } from '../../base/index.ts';
import type { EvaluationStore } from '../../tracking/index.ts';
import { done } from '../experiments.ts';
import type { ApiRoute } from '../route.ts';
import { unspecified } from './label-schemas.ts';
import { readPage } from './pages.ts';
import { experimentOf } from './scorers.ts';

/** Queues of traces that people are asked about. */
export function reviewQueueRoutes(store: EvaluationStore): readonly ApiRoute[] {
  const version = '3.0';
  const queue = async (found: Promise<ReviewQueue>): Promise<Json> => ({
    review_queue: reviewQueueToJson(await found),
  });
  return [
    {
      ...{ method: 'POST', path: '/review-queues/create', version },
      answer: (fields, _, caller) => queue(create(store, fields, caller)),
    },
    {
      ...{ method: 'POST', path: '/review-queues/get-or-create-user', version },
      answer: (fields) => queue(queueOfUser(store, experimentOf(fields), fields.need('user'))),
    },
    {
      ...{ method: 'GET', path: '/review-queues/get', version },
      answer: (fields) => queue(store.getReviewQueue(fields.need('queue_id'))),
    },
    {
      ...{ method: 'GET', path: '/review-queues/get-by-name', version },
      answer: (fields) => queue(store.getReviewQueueByName(experimentOf(fields), fields.need('name'))),
    },
    {
      ...{ method: 'GET', path: '/review-queues/list', version },
      answer: async (fields) => {
        const user = fields.text('user');
        const page = await store.listReviewQueues(experimentOf(fields), {
          ...readPage(fields),
          user: user === undefined ? undefined : plainUser(user),
          itemId: fields.text('item_id'),
        });
        return { review_queues: listToJson(page.items, reviewQueueToJson), next_page_token: page.nextPageToken ?? '' };
      },
    },
    {
      ...{ method: 'POST', path: '/review-queues/update', version },
      answer: (fields) => queue(update(store, fields)),
    },
    {
      ...{ method: 'POST', path: '/review-queues/delete', version },
      answer: done((fields) => store.deleteReviewQueue(fields.need('queue_id'))),
    },
    ...itemRoutes(store),
  ];
}

function itemRoutes(store: EvaluationStore): readonly ApiRoute[] {
  const version = '3.0';
  return [
    {
      ...{ method: 'POST', path: '/review-queues/items/add', version },
      answer: async (fields) => {
        const queueId = fields.need('queue_id');
        const items = await store.addReviewItems(queueId, plainItemIds(fields.texts('item_ids')));
        return { items: listToJson(items, reviewItemToJson) };
      },
    },
    {
      ...{ method: 'POST', path: '/review-queues/items/remove', version },
      answer: done((fields) =>
        store.removeReviewItems(fields.need('queue_id'), plainItemIds(fields.texts('item_ids'))),
      ),
    },
    {
      ...{ method: 'GET', path: '/review-queues/items/list', version },
      answer: async (fields) => {
        const status = unspecified(fields, 'status') ? undefined : fields.choice('status', reviewStatuses);
        const page = await store.listReviewItems(fields.need('queue_id'), { ...readPage(fields), status });
        return { items: listToJson(page.items, reviewItemToJson), next_page_token: page.nextPageToken ?? '' };
      },
    },
    {
      ...{ method: 'POST', path: '/review-queues/items/set-status', version },
      answer: async (fields, _, caller) => ({ item: reviewItemToJson(await setStatus(store, fields, caller)) }),
    },
  ];
}

/** The owner is who asks, where that is known, and never who is named. */
function create(store: EvaluationStore, fields: Fields, caller: Identity | undefined): Promise<ReviewQueue> {
  const [experimentId, name] = [experimentOf(fields), fields.need('name')];
  const type = unspecified(fields, 'queue_type') ? undefined : fields.choice('queue_type', queueTypes);
  if (type === undefined) throw invalid('`queue_type` must be one of USER or CUSTOM.');
  const [users, schemaIds] = [fields.texts('users'), fields.texts('schema_ids')];
  return store.createReviewQueue(checkedQueue({ experimentId, name, type, users, schemaIds, createdBy: caller?.name }));
}

async function queueOfUser(store: EvaluationStore, experimentId: string, user: string): Promise<ReviewQueue> {
  const name = plainUser(user);
  const wanted = checkedQueue({ experimentId, name, type: 'USER', users: [], schemaIds: [], createdBy: name });
  try {
    return await store.createReviewQueue(wanted);
  } catch (error) {
    if (!isMlopsError(error, 'resource_exists')) throw error;
    const known = await store.getReviewQueueByName(experimentId, name);
    if (known.type === 'USER') return known;
    const why = `A non-user queue named '${name}' already exists; cannot get-or-create a user queue with that name.`;
    throw new MlopsError('resource_exists', why, { cause: error });
  }
}

function update(store: EvaluationStore, fields: Fields): Promise<ReviewQueue> {
  const [name, owner] = [fields.text('name'), fields.text('new_owner')];
  return store.updateReviewQueue(fields.need('queue_id'), {
    name: name === undefined ? undefined : customQueueName(name),
    owner: owner === undefined ? undefined : queueOwner(owner),
    users: fields.flag('update_users') === true ? plainUsers(fields.texts('users')) : undefined,
    schemaIds: fields.flag('update_schema_ids') === true ? plainSchemaIds(fields.texts('schema_ids')) : undefined,
  });
}

/** Who settles an item is who asks, where that is known. */
function setStatus(
  store: EvaluationStore,
  fields: Fields,
  caller: Identity | undefined,
): ReturnType<EvaluationStore['setReviewStatus']> {
  const [queueId, id] = [fields.need('queue_id'), fields.need('item_id').trim()];
  const status: ReviewStatus | undefined = unspecified(fields, 'status')
    ? undefined
    : fields.choice('status', reviewStatuses);
  if (status === undefined) throw invalid('`status` must be one of PENDING, COMPLETE or DECLINED.');
  const said = caller === undefined ? fields.text('completed_by') : status === 'PENDING' ? undefined : caller.name;
  return store.setReviewStatus(queueId, id, status, completerOf(status, said));
}
