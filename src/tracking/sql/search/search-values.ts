import { groupBy } from '../../../base/index.ts';
import type { Clause } from '../../../mlflow/index.ts';
import { indexedBy, pairTables, type Numbers, type Part, type Range } from './search-terms.ts';
import { comparison } from './simple-search.ts';
import { allOf, among, either, raw, sql, type Sql } from '../sql.ts';
import { all, type Work } from '../work.ts';

/** Columns with more values than this are treated as having many. */
const fewValues = 64;
/** What is indexed of a text: longer values cannot be told apart by the index alone. */
const headLength = 64;

type PairEntity = 'param' | 'tag';

/**
 * The values that a param or tag has in one experiment, found by jumping from each to the next in the index;
 * undefined when they are many or long. Ascending by bytes, as both databases compare.
 */
export function* distinctTexts(
  entity: PairEntity,
  number: number,
  { experiment }: Part,
): Work<readonly string[] | undefined> {
  const table = pairTables[entity];
  const head = raw('substr(value, 1, 64)');
  const from = sql`FROM ${raw(table)} ${indexedBy(`${table}_by_value`)} WHERE experiment = ${experiment} AND key = ${number}`;
  const rows = yield* all<{ head: string }>(
    sql`WITH RECURSIVE seen(head, depth) AS (
        SELECT (SELECT ${head} ${from} ORDER BY ${head} LIMIT 1), 0
        UNION ALL
        SELECT (SELECT ${head} ${from} AND ${head} > seen.head ORDER BY ${head} LIMIT 1), depth + 1
        FROM seen WHERE seen.head IS NOT NULL AND depth < ${fewValues})
      SELECT head FROM seen WHERE head IS NOT NULL`,
  );
  // Characters beyond the 16-bit plane count as one in the database and as two here: this errs on the safe side.
  if (rows.length > fewValues || rows.some((row) => row.head.length >= headLength)) return undefined;
  return rows.map((row) => row.head);
}

/** The numbers that a metric has as its latest in one experiment, ascending; undefined when they are many. */
export function* distinctNumbers(number: number, { experiment }: Part): Work<readonly number[] | undefined> {
  const from = sql`FROM latest ${indexedBy('latest_by_value')}
    WHERE experiment = ${experiment} AND key = ${number} AND is_nan = 0`;
  const rows = yield* all<{ value: number }>(
    sql`WITH RECURSIVE seen(value, depth) AS (
        SELECT (SELECT value ${from} ORDER BY value LIMIT 1), 0
        UNION ALL
        SELECT (SELECT value ${from} AND value > seen.value ORDER BY value LIMIT 1), depth + 1
        FROM seen WHERE seen.value IS NOT NULL AND depth < ${fewValues})
      SELECT value FROM seen WHERE value IS NOT NULL`,
  );
  return rows.length > fewValues ? undefined : rows.map((row) => row.value);
}

/** How the clauses on params and tags other than `=` can drive a search. */
export interface ValueRanges {
  /** Of those that have few values in this experiment: a range of no values means that nothing can be found. */
  readonly few: readonly Range[];
  /** Of those that have many: each row of the key has to be read, which is a sixth of looking it up for each run. */
  readonly many: readonly Range[];
}

/** All clauses on one key are tried on its values instead of on its runs. */
export function* valueRanges(number: Numbers, clauses: readonly Clause[], part: Part): Work<ValueRanges> {
  const [few, many]: [Range[], Range[]] = [[], []];
  const own = clauses.filter(
    ({ entity, comparator }) =>
      (entity === 'param' || entity === 'tag') && comparator !== 'IS NULL' && comparator !== '=',
  );
  for (const group of groupBy(own, ({ entity, key }) => `${entity}.${key}`).values()) {
    const [first] = group;
    if (first === undefined || (first.entity !== 'param' && first.entity !== 'tag')) continue;
    const { entity, key } = first;
    const values = yield* distinctTexts(entity, number(key), part);
    const table = pairTables[entity];
    const rows = sql`FROM ${raw(table)} x ${indexedBy(`${table}_by_value`)} WHERE x.experiment = ${part.experiment}
      AND x.key = ${number(key)}`;
    if (values === undefined) many.push({ sql: sql`${rows} AND ${allOf(testsOf(group))}`, run: 'x.run' });
    else few.push({ sql: sql`${rows} AND ${yield* oneOf(values, group)}`, run: 'x.run' });
  }
  return { few, many };
}

function testsOf(clauses: readonly Clause[]): Sql[] {
  return clauses
    .filter(({ comparator }) => comparator !== 'IS NOT NULL')
    .map((clause) => comparison(raw('x.value'), clause));
}

/** That the indexed value is one of those that fit all clauses. */
function* oneOf(values: readonly string[], clauses: readonly Clause[]): Work<Sql> {
  const list = either(
    sql`json_each(${JSON.stringify(values)}) x`,
    sql`(SELECT unnest(${values}::text[]) COLLATE "C" AS value) x`,
  );
  const allowed = yield* all<{ value: string }>(sql`SELECT value FROM ${list} WHERE ${allOf(testsOf(clauses))}`);
  return among(
    raw('substr(x.value, 1, 64)'),
    allowed.map(({ value }) => value),
  );
}
