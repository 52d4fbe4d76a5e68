import { invalid } from '../limits.ts';
import type { Json } from '../wire-tracking.ts';

export const queueTypes = ['USER', 'CUSTOM'] as const;
export const reviewStatuses = ['PENDING', 'COMPLETE', 'DECLINED'] as const;
export type ReviewStatus = (typeof reviewStatuses)[number];

/** Traces that people are asked about. Times are milliseconds. */
export interface ReviewQueue {
  /** `rq-` and 32 hexadecimal digits. */
  readonly id: string;
  readonly experimentId: string;
  readonly name: string;
  readonly type: (typeof queueTypes)[number];
  readonly createdBy: string | undefined;
  readonly users: readonly string[];
  readonly schemaIds: readonly string[];
  readonly createdTime: number;
  readonly lastUpdatedTime: number;
}

export interface NewReviewQueue {
  readonly experimentId: string;
  readonly name: string;
  readonly type: (typeof queueTypes)[number];
  readonly users: readonly string[];
  readonly schemaIds: readonly string[];
  readonly createdBy?: string | undefined;
}

/** Absent fields stay. */
export interface QueueChange {
  readonly name?: string | undefined;
  readonly owner?: string | undefined;
  readonly users?: readonly string[] | undefined;
  readonly schemaIds?: readonly string[] | undefined;
}

export interface ReviewItem {
  readonly queueId: string;
  /** The id of a trace. */
  readonly id: string;
  readonly status: ReviewStatus;
  readonly completedBy: string | undefined;
  readonly completedTime: number | undefined;
  readonly createdTime: number;
  readonly lastUpdatedTime: number;
}

export function reviewQueueToJson(queue: ReviewQueue): Json {
  return {
    queue_id: queue.id,
    experiment_id: queue.experimentId,
    name: queue.name,
    queue_type: queue.type,
    created_by: queue.createdBy,
    creation_time_ms: queue.createdTime,
    last_update_time_ms: queue.lastUpdatedTime,
    users: queue.users.length === 0 ? undefined : queue.users,
    schema_ids: queue.schemaIds.length === 0 ? undefined : queue.schemaIds,
  };
}

export function reviewItemToJson(item: ReviewItem): Json {
  return {
    queue_id: item.queueId,
    item_type: 'TRACE',
    item_id: item.id,
    status: item.status,
    completed_by: item.completedBy,
    completed_time_ms: item.completedTime,
    creation_time_ms: item.createdTime,
    last_update_time_ms: item.lastUpdatedTime,
  };
}

const longest = 250;
const mostUsers = 10;

function checkText(value: string, field: string, length: number): void {
  if (value === '') throw invalid(`\`${field}\` must be a non-empty string; got ''.`);
  if (value.length > length) throw invalid(`\`${field}\` must be at most ${length} characters; got ${value.length}.`);
}

/** A user as reviews know them: names differ by more than their case. */
export function plainUser(user: string): string {
  return user.trim().toLowerCase();
}

export function plainUsers(users: readonly string[]): string[] {
  const plain = [...new Set(users.map(plainUser))];
  for (const user of plain) checkText(user, 'user', longest);
  if (plain.length <= mostUsers) return plain.toSorted();
  throw invalid(`A review queue can have at most ${mostUsers} assigned users; got ${plain.length}.`);
}

export function plainSchemaIds(ids: readonly string[]): string[] {
  const plain = [...new Set(ids.map((id) => id.trim()))];
  for (const id of plain) checkText(id, 'schema_id', 36);
  return plain.toSorted();
}

/** @throws MlopsError `invalid_value` for no items or ids that none can have. */
export function plainItemIds(ids: readonly string[]): string[] {
  if (ids.length === 0) throw invalid('`item_ids` must be a non-empty list; got [].');
  const plain = [...new Set(ids.map((id) => id.trim()))];
  for (const id of plain) checkText(id, 'item_id', 50);
  return plain;
}

export function customQueueName(name: string): string {
  const plain = name.trim();
  checkText(plain, 'name', longest);
  if (plain.toLowerCase() !== 'default') return plain;
  throw invalid(`\`${plain}\` is a reserved queue name and cannot be used for a custom queue.`);
}

/** A new queue in the form in which it is kept: the queue of a user is theirs alone and has all questions. */
export function checkedQueue(queue: NewReviewQueue): NewReviewQueue {
  const users = plainUsers(queue.users);
  const schemaIds = plainSchemaIds(queue.schemaIds);
  if (queue.type === 'CUSTOM') return { ...queue, name: customQueueName(queue.name), users, schemaIds };
  const name = plainUser(queue.name);
  checkText(name, 'name', longest);
  if (users.length > 0 && (users.length > 1 || users[0] !== name)) {
    throw invalid(`A user queue must have exactly one assigned user equal to its name; got name='${name}'.`);
  }
  if (schemaIds.length > 0) {
    throw invalid(
      "A user queue cannot have explicitly-attached schemas; it resolves to all of the experiment's label schemas.",
    );
  }
  return { ...queue, name, users: [name], schemaIds };
}

export function queueOwner(owner: string): string {
  const plain = owner.trim();
  checkText(plain, 'new_owner', longest);
  return plain;
}

/** Who settled an item. @throws MlopsError `invalid_value` where a status asks for it, or for none. */
export function completerOf(status: ReviewStatus, completedBy: string | undefined): string | undefined {
  const user = completedBy === undefined ? undefined : plainUser(completedBy);
  if (status === 'PENDING') {
    if (user === undefined) return undefined;
    throw invalid('`completed_by` must not be set when reopening an item to `pending`.');
  }
  if (user === undefined || user === '') {
    throw invalid(`\`completed_by\` is required when setting status to \`${status.toLowerCase()}\`.`);
  }
  checkText(user, 'completed_by', longest);
  return user;
}
