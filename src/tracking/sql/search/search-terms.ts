import { groupBy } from '../../../base/index.ts';
import type { Clause, Entity, OrderTerm } from '../../../mlflow/index.ts';
import { bound, comparison } from './simple-search.ts';
import { allOf, among, either, nothing, raw, sql, type Sql } from '../sql.ts';

/** The number of a key; -1, which none has, where it does not exist. */
export type Numbers = (key: string) => number;

/** One experiment in one state of life: each is a range of every index, so each is searched by itself. */
export interface Part {
  readonly experiment: number;
  readonly lifecycle: number;
}

/** Attribute to column of `runs r`. */
export const runColumns: Readonly<Record<string, string>> = {
  run_id: 'r.id',
  run_name: 'r.name',
  status: 'r.status',
  user_id: 'r.user_id',
  artifact_uri: 'r.artifact_uri',
  start_time: 'r.start_time',
  end_time: 'r.end_time',
};

type PairEntity = 'metric' | 'param' | 'tag';

export function isPair(entity: Entity): entity is PairEntity {
  return entity === 'metric' || entity === 'param' || entity === 'tag';
}

export const pairTables = { metric: 'latest', param: 'params', tag: 'tags' } as const;

/** Tells SQLite which index to take; PostgreSQL chooses by what it knows of the rows. */
export function indexedBy(index: string): Sql {
  return either(raw(`INDEXED BY ${index}`), raw(''));
}

/** Keeps SQLite from turning a join round; for PostgreSQL our connections set `join_collapse_limit` to 1. */
export const inThisOrder: Sql = either(raw('CROSS JOIN'), raw('JOIN'));

/** Keeps PostgreSQL from merging a subquery with what is around it, as SQLite does not by itself. */
export const apart: Sql = either(nothing, raw('OFFSET 0'));

/** Joins the run of each row of what is before, in its order, by its number. */
export function withRuns(number: string): Sql {
  return either(
    raw(`CROSS JOIN runs r ON r.n = ${number}`),
    raw(`CROSS JOIN LATERAL (SELECT * FROM runs WHERE n = ${number} OFFSET 0) r`),
  );
}

/** Looked up for each run by itself: a search that stops after a page must not begin with all that could be found. */
function exists(rows: Sql): Sql {
  return sql`EXISTS (${rows} ${apart})`;
}

/** A clause as a condition on `runs r`, looked up by the run: cheap for one run, no plan of its own. */
export function runCondition(clause: Clause, number: Numbers): Sql {
  const { entity, key, comparator } = clause;
  if (entity === 'attribute') return comparison(raw(runColumns[key] ?? 'NULL'), clause);
  if (entity === 'dataset') return datasetCondition(clause);
  if (!isPair(entity)) throw new Error(`runs have no '${entity}'`);
  const from = sql`SELECT 1 FROM ${raw(pairTables[entity])} x WHERE x.run = r.n AND x.key = ${number(key)}`;
  if (comparator === 'IS NULL') return sql`NOT ${exists(from)}`;
  if (comparator === 'IS NOT NULL') return exists(from);
  const test = comparison(raw('x.value'), clause);
  if (entity !== 'metric') return exists(sql`${from} AND ${test}`);
  if (comparator === '!=') return exists(sql`${from} AND (x.is_nan = 1 OR ${test})`);
  return exists(sql`${from} AND x.is_nan = 0 AND ${test}`);
}

function datasetCondition(clause: Clause): Sql {
  if (clause.key === 'context') {
    return exists(sql`SELECT 1 FROM run_datasets i JOIN run_dataset_tags c ON c.input = i.id AND c.key = 'mlflow.data.context'
      WHERE i.run = r.n AND ${comparison(raw('c.value'), clause)}`);
  }
  return exists(sql`SELECT 1 FROM run_datasets i JOIN datasets d ON d.id = i.dataset
    WHERE i.run = r.n AND ${comparison(raw(`d.${clause.key}`), clause)}`);
}

/** The rows of one index that a clause selects, as a FROM part; `run` is the column that names the run. */
export interface Range {
  readonly sql: Sql;
  readonly run: 'x.run' | 'x.n';
}

const indexedAttributes: Readonly<Record<string, string>> = {
  status: 'runs_by_status',
  run_name: 'runs_by_name',
  user_id: 'runs_by_user',
  end_time: 'runs_by_end',
};

/** The index ranges that clauses select in one experiment and state of life, one for all on the same metric. */
export function clauseRanges(clauses: readonly Clause[], number: Numbers, part: Part): Range[] {
  const ranges = clauses.flatMap((clause) => clauseRange(clause, number, part) ?? []);
  const metrics = groupBy(
    clauses.filter(({ entity, comparator }) => entity === 'metric' && /^[<>=]/.test(comparator)),
    ({ key }) => key,
  );
  for (const [key, own] of metrics) {
    const tests = allOf(own.map((clause) => comparison(raw('x.value'), clause)));
    ranges.push({
      sql: sql`FROM latest x ${indexedBy('latest_by_value')} WHERE x.experiment = ${part.experiment}
        AND x.key = ${number(key)} AND x.is_nan = 0 AND ${tests}`,
      run: 'x.run',
    });
  }
  return ranges;
}

function clauseRange(clause: Clause, number: Numbers, { experiment, lifecycle }: Part): Range | undefined {
  const { entity, key, comparator, value } = clause;
  if ((entity === 'param' || entity === 'tag') && comparator === '=') {
    const table = pairTables[entity];
    return {
      sql: sql`FROM ${raw(table)} x ${indexedBy(`${table}_by_value`)} WHERE x.experiment = ${experiment}
        AND x.key = ${number(key)} AND substr(x.value, 1, 64) = substr(${value}, 1, 64) AND x.value = ${value}`,
      run: 'x.run',
    };
  }
  if (entity === 'dataset' && key !== 'context' && comparator === '=') {
    return {
      sql: sql`FROM (SELECT DISTINCT i.run FROM datasets d ${inThisOrder} run_datasets i ON i.dataset = d.id
        WHERE d.experiment = ${experiment} AND d.${raw(key)} = ${value}) x`,
      run: 'x.run',
    };
  }
  if (entity !== 'attribute') return undefined;
  if (key === 'run_id' && (comparator === '=' || comparator === 'IN')) {
    const ids = Array.isArray(value) ? value : [value];
    return { sql: sql`FROM runs x WHERE ${among(raw('x.id'), ids)}`, run: 'x.n' };
  }
  const index = indexedAttributes[key];
  const isText = key === 'run_name' || key === 'user_id';
  const ranged = comparator === '=' || (key === 'end_time' && comparator !== '!=') || (isText && comparator !== '!=');
  if (index === undefined || !ranged) return undefined;
  const column = raw(`x.${key === 'run_name' ? 'name' : key}`);
  const test = sql`${comparison(column, clause)}${isText && comparator === '=' ? byHead(column, value) : nothing}`;
  return {
    sql: sql`FROM runs x ${indexedBy(index)} WHERE x.experiment = ${experiment} AND x.lifecycle = ${lifecycle} AND ${test}`,
    run: 'x.n',
  };
}

/** PostgreSQL has the first 64 characters of names in its indexes. */
function byHead(column: Sql, value: unknown): Sql {
  return either(nothing, sql` AND substr(${column}, 1, 64) = substr(${value}, 1, 64)`);
}

/** One key of the order as two expressions: what has a value comes first, then NaN, then what is missing. */
export interface SortKey {
  readonly rank: Sql;
  readonly value: Sql;
  readonly descending: boolean;
  /** The rank is the same for all. */
  readonly always?: boolean;
  /** A text of which PostgreSQL has only the head in its index. */
  readonly long?: boolean;
  /** The join that the expressions need. */
  readonly join?: Sql;
}

export function sortKey(term: OrderTerm, index: number, number: Numbers): SortKey {
  const descending = !term.ascending;
  if (term.entity === 'attribute') {
    const column = runColumns[term.key] ?? 'r.id';
    const long = term.key === 'run_name' || term.key === 'user_id';
    if (term.key !== 'end_time') return { rank: raw('0'), value: raw(column), descending, always: true, long };
    return {
      rank: raw('CASE WHEN r.end_time IS NULL THEN 1 ELSE 0 END'),
      value: raw('COALESCE(r.end_time, 0)'),
      descending,
    };
  }
  const table = isPair(term.entity) ? pairTables[term.entity] : 'tags';
  const o = `o${index}`;
  const join = sql`LEFT JOIN ${raw(`${table} ${o} ON ${o}.run = r.n AND ${o}.key`)} = ${number(term.key)}`;
  if (term.entity !== 'metric') {
    return {
      rank: raw(`CASE WHEN ${o}.run IS NULL THEN 1 ELSE 0 END`),
      value: raw(`COALESCE(${o}.value, '')`),
      descending,
      join,
    };
  }
  return {
    rank: raw(`CASE WHEN ${o}.run IS NULL THEN 2 ELSE ${o}.is_nan END`),
    value: raw(`COALESCE(${o}.value, 0)`),
    descending,
    join,
  };
}

/** `(a, b, c)` comes after `position`, each in its own direction. */
export function after(
  terms: readonly { readonly sql: Sql; readonly descending: boolean }[],
  position: readonly unknown[],
): Sql {
  const from = (i: number): Sql => {
    const term = terms[i];
    if (term === undefined) return raw('1 = 0');
    const operator = raw(term.descending ? '<' : '>');
    // Compared also with constants, which PostgreSQL takes for whole numbers.
    const value = bound(position[i]);
    const beyond = sql`${term.sql} ${operator} ${value}`;
    if (i === terms.length - 1) return beyond;
    return sql`(${beyond} OR (${term.sql} = ${value} AND ${from(i + 1)}))`;
  };
  return from(0);
}
