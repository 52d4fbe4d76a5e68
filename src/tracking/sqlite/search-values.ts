import type { Clause } from '../../mlflow/index.ts';
import type { Connection } from './connection.ts';
import type { Keys } from './keys.ts';
import { pairTables, type Part, type Range } from './search-terms.ts';
import { comparison } from './simple-search.ts';

/** Columns with more values than this are treated as having many. */
const fewValues = 64;
/** What is indexed of a text: longer values cannot be told apart by the index alone. */
const headLength = 64;

type PairEntity = 'param' | 'tag';

/**
 * The values that a param or tag has in one experiment, found by jumping from each to the next in the index;
 * undefined when they are many or long. Ascending by bytes, as SQLite compares.
 */
export function distinctTexts(
  c: Connection,
  keys: Keys,
  entity: PairEntity,
  key: string,
  { experiment }: Part,
): readonly string[] | undefined {
  const table = pairTables[entity];
  const next = c.sql<{ head: string }>(
    `SELECT substr(value, 1, 64) AS head FROM ${table} INDEXED BY ${table}_by_value
     WHERE experiment = ? AND key = ? AND substr(value, 1, 64) > ? ORDER BY substr(value, 1, 64) LIMIT 1`,
  );
  const number = keys.find(key) ?? -1;
  const empty = c
    .sql(
      `SELECT 1 FROM ${table} INDEXED BY ${table}_by_value WHERE experiment = ? AND key = ? AND substr(value, 1, 64) = ''`,
    )
    .get(experiment, number);
  const found: string[] = empty === undefined ? [] : [''];
  for (let last = ''; found.length <= fewValues;) {
    const row = next.get(experiment, number, last);
    if (row === undefined) return found;
    // Characters beyond the 16-bit plane count as one in SQLite and as two here, so this errs on the safe side.
    if (row.head.length >= headLength) return undefined;
    found.push(row.head);
    last = row.head;
  }
  return undefined;
}

/** The numbers that a metric has as its latest in one experiment, ascending; undefined when they are many. */
export function distinctNumbers(
  c: Connection,
  keys: Keys,
  key: string,
  { experiment }: Part,
): readonly number[] | undefined {
  const next = c.sql<{ value: number }>(
    `SELECT value FROM latest INDEXED BY latest_by_value
     WHERE experiment = ? AND key = ? AND is_nan = 0 AND value > ? ORDER BY value LIMIT 1`,
  );
  const number = keys.find(key) ?? -1;
  const found: number[] = [];
  for (let last = -Infinity; found.length <= fewValues;) {
    const row = next.get(experiment, number, last);
    if (row === undefined) return found;
    found.push(row.value);
    last = row.value;
  }
  return undefined;
}

/**
 * The index ranges of params and tags that have few values in this experiment: all clauses on one key are tried
 * on its values instead of on its runs. A range of no values means that nothing can be found.
 */
export function valueRanges(c: Connection, keys: Keys, clauses: readonly Clause[], part: Part): Range[] {
  const byKey = new Map<string, Clause[]>();
  for (const clause of clauses) {
    const { entity, key, comparator } = clause;
    if ((entity !== 'param' && entity !== 'tag') || comparator === 'IS NULL' || comparator === '=') continue;
    const name = `${entity}.${key}`;
    byKey.set(name, [...(byKey.get(name) ?? []), clause]);
  }
  return [...byKey.values()].flatMap((own) => rangeOf(c, keys, own, part) ?? []);
}

function rangeOf(c: Connection, keys: Keys, clauses: readonly Clause[], part: Part): Range | undefined {
  const [first] = clauses;
  if (first === undefined || (first.entity !== 'param' && first.entity !== 'tag')) return undefined;
  const values = distinctTexts(c, keys, first.entity, first.key, part);
  if (values === undefined) return undefined;
  const bound: unknown[] = [JSON.stringify(values)];
  const tests = clauses
    .filter(({ comparator }) => comparator !== 'IS NOT NULL')
    .map((clause) => comparison('x.value', clause, bound));
  const allowed = c
    .once<{ value: string }>(`SELECT value FROM json_each(?) x WHERE ${['1', ...tests].join(' AND ')}`)
    .all(...bound)
    .map(({ value }) => value);
  const table = pairTables[first.entity];
  return {
    text: `FROM ${table} x INDEXED BY ${table}_by_value WHERE x.experiment = ? AND x.key = ?
      AND substr(x.value, 1, 64) IN (SELECT value FROM json_each(?))`,
    values: [part.experiment, keys.find(first.key) ?? -1, JSON.stringify(allowed)],
    run: 'x.run',
  };
}
