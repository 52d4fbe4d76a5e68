import { randomUUID } from 'node:crypto';

import { readOffset, writePageToken } from '../../../mlflow/index.ts';
import { noExperimentInState } from '../../rules/index.ts';
import type { PageQuery } from '../../evaluation-store.ts';
import type { Rows } from '../search/simple-search.ts';
import { sql } from '../sql.ts';
import { get, type Work } from '../work.ts';

/** An id as MLflow makes them: `d-` and 32 hexadecimal digits. */
export function newId(prefix: string): string {
  return `${prefix}${randomUUID().replaceAll('-', '')}`;
}

/** The number of an experiment that is there and not deleted; here MLflow calls a deleted one missing. */
export function* presentExperiment(id: string): Work<number> {
  const row = yield* get<{ n: number; lifecycle: number }>(sql`SELECT n, lifecycle FROM experiments WHERE id = ${id}`);
  if (row === undefined || row.lifecycle !== 0) throw noExperimentInState(id, 'active');
  return row.n;
}

/**
 * A page of rows that a query gives from an offset on.
 *
 * @param identity what the page tokens belong to.
 */
export function* pageOfRows<Row>(
  identity: unknown,
  { maxResults = 1000, pageToken }: PageQuery,
  query: (limit: number, offset: number) => Work<readonly Row[]>,
): Work<Rows<Row>> {
  const offset = readOffset(identity, pageToken) ?? 0;
  const rows = yield* query(maxResults + 1, offset);
  const more = rows.length > maxResults;
  const nextPageToken = more ? writePageToken(identity, offset + maxResults) : undefined;
  return { rows: more ? rows.slice(0, maxResults) : rows, nextPageToken };
}
