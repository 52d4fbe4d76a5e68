import { compareCodePoints } from '../../base/index.ts';
import {
  invalid,
  parseFilter,
  parseOrderBy,
  readPageToken,
  runRules,
  writePageToken,
  type Clause,
  type OrderTerm,
  type Page,
  type Run,
} from '../../mlflow/index.ts';
import type { RunSearch } from '../types.ts';
import type { Connection } from './connection.ts';
import type { Keys } from './keys.ts';
import { toRuns, type RunRow } from './run-rows.ts';
import { after, clauseRange, pairTables, runCondition, sortKey, type SortKey, type Sql } from './search-terms.ts';

type Found = RunRow & Readonly<Record<string, unknown>>;
type Term = { readonly sql: string; readonly descending: boolean };

/** One experiment in one state of life: each is a range of every index, so each is searched by itself. */
interface Part {
  readonly experiment: number;
  readonly lifecycle: number;
}

interface Plan {
  readonly c: Connection;
  readonly keys: Keys;
  readonly clauses: readonly Clause[];
  readonly order: readonly OrderTerm[];
  readonly sortKeys: readonly SortKey[];
  /** All expressions of the order with the tie-breakers, aligned with a position. */
  readonly terms: readonly Term[];
  readonly position: readonly unknown[] | undefined;
  readonly limit: number;
}

/** Below this many candidates, fetching them all and sorting beats walking the order's index. */
const fewEnough = 3000;

/** Searches runs; pages continue after the last row's position in the order, so deep ones cost no more. */
export function searchRuns(c: Connection, keys: Keys, search: RunSearch): Page<Run> {
  const { maxResults = 1000, view = 'ACTIVE_ONLY', experimentIds, filter, orderBy } = search;
  if (maxResults < 1 || maxResults > 50_000) {
    throw invalid(
      `Invalid value ${maxResults} for parameter 'max_results' supplied. It must be at least 1 and at most 50000`,
    );
  }
  const order = parseOrderBy(orderBy, runRules);
  const clauses = parseFilter(filter, runRules);
  const identity = ['runs', experimentIds, filter, orderBy, view];
  const sortKeys = order.map((term, i) => sortKey(term, i, keys));
  const plan: Plan = {
    c,
    keys,
    clauses,
    order,
    sortKeys,
    terms: termsOf(sortKeys),
    position: readPageToken(identity, search.pageToken) as readonly unknown[] | undefined,
    limit: maxResults + 1,
  };
  const lifecycles = view === 'ALL' ? [0, 1] : [view === 'DELETED_ONLY' ? 1 : 0];
  const parts = [...new Set(experimentIds)]
    .filter((id) => /^\d{1,15}$/.test(id))
    .flatMap((id) => lifecycles.map((lifecycle): Part => ({ experiment: Number(id), lifecycle })));
  const found = parts.map((part) => searchPart(plan, part));
  const rows = found.length === 1 ? (found[0] ?? []) : merge(found, plan.terms).slice(0, plan.limit);
  const page = rows.slice(0, maxResults);
  const last = page.at(-1);
  const items = page.length === 0 ? [] : toRuns(c, keys, page);
  if (rows.length <= maxResults || last === undefined) return { items };
  return { items, nextPageToken: writePageToken(identity, positionOf(last, plan.terms.length)) };
}

function termsOf(sortKeys: readonly SortKey[]): Term[] {
  return [
    ...sortKeys.flatMap(({ rank, value, descending }) => [
      { sql: rank, descending: false },
      { sql: value, descending },
    ]),
    { sql: 'r.start_time', descending: true },
    { sql: 'r.id', descending: false },
  ];
}

function searchPart(plan: Plan, part: Part): Found[] {
  const driver = narrowest(plan, part);
  if (driver !== undefined) return select(plan, part, { driver });
  const first = plan.order[0];
  if (first === undefined || first.entity === 'attribute' || first.entity === 'dataset') return select(plan, part, {});
  const rank = plan.position?.[0];
  const head = rank === undefined || rank === 0 ? select(plan, part, { walk: first }) : [];
  if (head.length >= plan.limit || allHaveIt(plan, part, first)) return head;
  return [...head, ...select(plan, part, { without: first, limit: plan.limit - head.length })];
}

/** The clause that leaves the fewest candidates, when those are few. */
function narrowest({ c, keys, clauses }: Plan, { experiment }: Part): Sql | undefined {
  let best: Sql | undefined;
  let bestCount = fewEnough;
  for (const clause of clauses) {
    const range = clauseRange(clause, keys, experiment);
    if (range === undefined) continue;
    const { count } = c
      .sql<{ count: number }>(`SELECT count(*) AS count FROM (SELECT 1 ${range.text} LIMIT ${fewEnough})`)
      .get(...range.values) ?? { count: fewEnough };
    if (count < bestCount) {
      best = range;
      bestCount = count;
    }
  }
  return best;
}

/** True when every run of the experiment has a value to order by, so that nothing comes after those. */
function allHaveIt({ c, keys }: Plan, { experiment }: Part, { entity, key }: OrderTerm): boolean {
  const table = entity === 'metric' ? pairTables.metric : entity === 'param' ? pairTables.param : pairTables.tag;
  const isValue = entity === 'metric' ? 'AND is_nan = 0' : '';
  const row = c
    .sql<{ valued: number; runs: number }>(
      `SELECT (SELECT count(*) FROM ${table} INDEXED BY ${table}_by_value WHERE experiment = ? AND key = ? ${isValue}) AS valued,
        (SELECT count(*) FROM runs WHERE experiment = ?) AS runs`,
    )
    .get(experiment, keys.find(key) ?? -1, experiment);
  return row !== undefined && row.valued === row.runs;
}

interface Shape {
  /** Start from these rows. */
  readonly driver?: Sql;
  /** Walk the index of this term, which only finds runs that have a value. */
  readonly walk?: OrderTerm;
  /** Only runs that the walk of this term does not find. */
  readonly without?: OrderTerm;
  readonly limit?: number;
}

function select(plan: Plan, part: Part, shape: Shape): Found[] {
  const values: unknown[] = [];
  const use = ({ text, values: bound }: Sql): string => {
    values.push(...bound);
    return text;
  };
  const columns = plan.terms.map(({ sql }, i) => `${sql} AS k${i}`).join(', ');
  const from = use(source(plan, part, shape));
  const where = [
    'r.experiment = ? AND r.lifecycle = ?',
    ...(shape.without === undefined ? [] : [`NOT (${presence(plan, shape.without)})`]),
  ];
  values.push(part.experiment, part.lifecycle);
  for (const clause of plan.clauses) where.push(use(runCondition(clause, plan.keys)));
  if (plan.position !== undefined) where.push(use(after(plan.terms, plan.position)));
  const order = orderOf(plan, shape);
  values.push(shape.limit ?? plan.limit);
  const sql = `SELECT r.*, ${columns} ${from} WHERE ${where.join(' AND ')} ORDER BY ${order} LIMIT ?`;
  return plan.c.once<Found>(sql).all(...values);
}

/** The FROM part: which rows are visited, in which order. CROSS JOIN keeps SQLite from turning it round. */
function source(plan: Plan, part: Part, { driver, walk }: Shape): Sql {
  const { sortKeys, order, keys } = plan;
  const joins = sortKeys.flatMap(({ join }, i) =>
    join === undefined || (i === 0 && walk !== undefined) ? [] : [join],
  );
  const joined = joins.map((join) => join.text).join(' ');
  const joinValues = joins.flatMap((join) => join.values);
  if (driver !== undefined) {
    return {
      text: `FROM (SELECT x.run AS run ${driver.text}) d CROSS JOIN runs r ON r.n = d.run ${joined}`,
      values: [...driver.values, ...joinValues],
    };
  }
  if (walk === undefined) return { text: `FROM runs r ${startIndex(order)} ${joined}`, values: joinValues };
  const table = walk.entity === 'metric' ? 'latest' : walk.entity === 'param' ? 'params' : 'tags';
  const start = walkStart(plan, walk);
  return {
    text: `FROM (SELECT * FROM ${table} INDEXED BY ${table}_by_value WHERE experiment = ? AND key = ? ${start.text}) o0
      CROSS JOIN runs r ON r.n = o0.run ${joined}`,
    values: [part.experiment, keys.find(walk.key) ?? -1, ...start.values, ...joinValues],
  };
}

function startIndex(order: readonly OrderTerm[]): string {
  return order.length === 0 || order[0]?.key === 'start_time' ? 'INDEXED BY runs_by_start' : '';
}

/** Where in its index the walk begins: after the position of the last page. */
function walkStart({ position }: Plan, { entity, ascending }: OrderTerm): Sql {
  const kind = entity === 'metric' ? 'AND is_nan = 0' : '';
  if (position === undefined) return { text: kind, values: [] };
  const operator = ascending ? '>=' : '<=';
  if (entity === 'metric') return { text: `${kind} AND value ${operator} ?`, values: [position[1]] };
  return { text: `AND substr(value, 1, 64) ${operator} substr(?, 1, 64)`, values: [position[1]] };
}

function orderOf({ terms, order }: Plan, { walk }: Shape): string {
  const direction = (descending: boolean): string => (descending ? ' DESC' : '');
  if (walk === undefined) {
    // A rank that is always 0 would only keep SQLite from using an index.
    return terms
      .filter(({ sql }) => sql !== '0')
      .map(({ sql, descending }) => sql + direction(descending))
      .join(', ');
  }
  const rest = terms.slice(2).filter(({ sql }) => sql !== '0');
  const head = direction(order[0]?.ascending === false);
  const own = walk.entity === 'metric' ? [`o0.value${head}`] : [`substr(o0.value, 1, 64)${head}`, `o0.value${head}`];
  return [...own, ...rest.map(({ sql, descending }) => sql + direction(descending))].join(', ');
}

function presence({ sortKeys }: Plan, { entity }: OrderTerm): string {
  const rank = sortKeys[0]?.rank ?? '0';
  return entity === 'metric' ? `(${rank}) = 0` : `NOT (${rank})`;
}

function positionOf(row: Found, length: number): unknown[] {
  return Array.from({ length }, (_, i) => row[`k${i}`]);
}

/** Merges sorted lists into one. */
function merge(lists: readonly (readonly Found[])[], terms: readonly Term[]): Found[] {
  const compare = (a: Found, b: Found): number => {
    for (const [i, { descending }] of terms.entries()) {
      const difference = compareValues(a[`k${i}`], b[`k${i}`]);
      if (difference !== 0) return descending ? -difference : difference;
    }
    return 0;
  };
  return lists.flat().sort(compare);
}

function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return compareCodePoints(String(a), String(b));
}
