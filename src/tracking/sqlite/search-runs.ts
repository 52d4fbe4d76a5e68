import { compareCodePoints } from '../../base/index.ts';
import {
  parseFilter,
  parseOrderBy,
  readPosition,
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
import {
  after,
  clauseRanges,
  isPair,
  pairTables,
  runCondition,
  sortKey,
  type Part,
  type Range,
  type SortKey,
  type Sql,
} from './search-terms.ts';
import { phasesOf, stepsOf, type Phase, type Plan, type Term } from './search-phases.ts';
import { valueRanges } from './search-values.ts';

type Found = RunRow & Readonly<Record<string, unknown>>;

/** Below this many candidates, fetching them all and sorting beats walking the order's index. */
const fewEnough = 3000;

/** Searches runs; pages continue after the last row's position in the order, so deep ones cost no more. */
export function searchRuns(c: Connection, keys: Keys, search: RunSearch): Page<Run> {
  const { maxResults = 1000, view = 'ACTIVE_ONLY', experimentIds, filter, orderBy } = search;
  const order = parseOrderBy(orderBy, runRules);
  const clauses = parseFilter(filter, runRules);
  const identity = ['runs', experimentIds, filter, orderBy, view];
  const sortKeys = order.map((term, i) => sortKey(term, i, keys));
  const terms = termsOf(sortKeys);
  const plan: Plan = {
    c,
    keys,
    clauses,
    order,
    sortKeys,
    terms,
    position: readPosition(identity, search.pageToken, terms.length),
    limit: maxResults + 1,
  };
  const lifecycles = view === 'ALL' ? [0, 1] : [view === 'DELETED_ONLY' ? 1 : 0];
  const parts = [...new Set(experimentIds)]
    .flatMap((id) => c.experimentNumber(id) ?? [])
    .flatMap((experiment) => lifecycles.map((lifecycle): Part => ({ experiment, lifecycle })));
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
  const isFullyThere = (clause: Clause): boolean =>
    clause.comparator === 'IS NULL' && allHaveIt(plan, part, { ...clause, ascending: true });
  if (plan.clauses.some(isFullyThere)) return [];
  const driver = narrowest(plan, part);
  if (driver !== undefined) return select(plan, part, { driver });
  const phases = phasesOf(plan);
  const found: Found[] = [];
  for (const phase of phases) {
    if (phase.head !== undefined && phase.rank < Number(plan.position?.[0] ?? 0)) continue;
    if (found.length >= plan.limit) break;
    if (phase.missing !== undefined && allHaveIt(plan, part, phase.missing)) break;
    for (const step of stepsOf(plan, part, phase)) {
      if (found.length >= plan.limit) break;
      found.push(...select(plan, part, { phase: step, limit: plan.limit - found.length }));
    }
  }
  return found;
}

/** The clause, or the clauses on one key, that leave the fewest candidates, when those are few. */
function narrowest({ c, keys, clauses }: Plan, part: Part): Range | undefined {
  let best: Range | undefined;
  let bestCount = fewEnough;
  for (const range of [...clauseRanges(clauses, keys, part), ...valueRanges(c, keys, clauses, part)]) {
    const { count } = c
      .sql<{ count: number }>(`SELECT count(*) AS count FROM (SELECT 1 ${range.text} LIMIT ${fewEnough})`)
      .get(...range.values) ?? { count: fewEnough };
    if (count < bestCount) {
      best = range;
      bestCount = count;
    }
    if (count === 0) break;
  }
  return best;
}

/** True when every run of the experiment has this key, so that none is missing. */
function allHaveIt({ c, keys }: Plan, { experiment }: Part, { entity, key }: OrderTerm): boolean {
  if (!isPair(entity)) return false;
  const table = pairTables[entity];
  const row = c
    .sql<{ valued: number; runs: number }>(
      `SELECT (SELECT count(*) FROM ${table} INDEXED BY ${table}_by_value WHERE experiment = ? AND key = ?) AS valued,
        (SELECT count(*) FROM runs WHERE experiment = ?) AS runs`,
    )
    .get(experiment, keys.find(key) ?? -1, experiment);
  return row !== undefined && row.valued === row.runs;
}

interface Shape {
  /** Start from these rows, and sort. */
  readonly driver?: Range;
  readonly phase?: Phase;
  readonly limit?: number;
}

function select(plan: Plan, part: Part, shape: Shape): Found[] {
  const values: unknown[] = [];
  const use = ({ text, values: bound }: Sql): string => {
    values.push(...bound);
    return text;
  };
  const { phase } = shape;
  const terms = phase?.head === undefined ? plan.terms : [...phase.head, ...plan.terms.slice(2)];
  const columns = terms.map(({ sql }, i) => `${sql} AS k${i}`).join(', ');
  const from = use(source(plan, part, shape));
  const where = ['r.experiment = ? AND r.lifecycle = ?'];
  values.push(part.experiment, part.lifecycle);
  if (phase?.missing !== undefined) where.push(use(absence(plan, phase.missing)));
  if (phase?.only !== undefined) {
    const { term, value } = phase.only;
    where.push('o0.key = ? AND o0.value = ?');
    values.push(plan.keys.find(term.key) ?? -1, value);
    if (term.entity === 'metric') where.push('o0.is_nan = 0');
    // Where the last page ended within this value: without it the walk would begin at the newest run again.
    if (plan.position?.[0] === 0 && plan.position[1] === value) {
      where.push('r.start_time <= ?');
      values.push(plan.position[2]);
    }
  }
  if (phase?.head?.[1].sql === 'r.end_time') where.push('r.end_time IS NOT NULL');
  for (const clause of plan.clauses) where.push(use(runCondition(clause, plan.keys)));
  if (plan.position !== undefined) where.push(use(after(terms, plan.position)));
  values.push(shape.limit ?? plan.limit);
  const sql = `SELECT r.*, ${columns} ${from} WHERE ${where.join(' AND ')} ORDER BY ${orderOf(terms, phase)} LIMIT ?`;
  return plan.c.once<Found>(sql).all(...values);
}

function absence({ keys }: Plan, { entity, key }: OrderTerm): Sql {
  if (!isPair(entity)) return { text: 'r.end_time IS NULL', values: [] };
  return {
    text: `NOT EXISTS (SELECT 1 FROM ${pairTables[entity]} z WHERE z.run = r.n AND z.key = ?)`,
    values: [keys.find(key) ?? -1],
  };
}

/** The FROM part: which rows are visited, in which order. CROSS JOIN keeps SQLite from turning it round. */
function source(plan: Plan, part: Part, { driver, phase }: Shape): Sql {
  const { sortKeys, keys } = plan;
  const skipped = phase?.head === undefined ? 0 : 1;
  const joins = sortKeys.slice(skipped).flatMap(({ join }) => (join === undefined ? [] : [join]));
  const joined = joins.map((join) => join.text).join(' ');
  const joinValues = joins.flatMap((join) => join.values);
  if (driver !== undefined) {
    return {
      text: `FROM (SELECT ${driver.run} AS run ${driver.text}) d CROSS JOIN runs r ON r.n = d.run ${joined}`,
      values: [...driver.values, ...joinValues],
    };
  }
  if (phase?.only !== undefined) {
    const { entity } = phase.only.term;
    const table = isPair(entity) ? pairTables[entity] : 'params';
    return { text: `FROM runs r INDEXED BY runs_by_start CROSS JOIN ${table} o0 ON o0.run = r.n`, values: [] };
  }
  const walk = phase?.walk;
  if (walk === undefined || !isPair(walk.entity)) {
    return { text: `FROM runs r ${indexOf(plan, phase)} ${joined}`, values: joinValues };
  }
  const table = pairTables[walk.entity];
  const start = walkStart(plan, walk, phase?.rank ?? 0);
  return {
    text: `FROM (SELECT * FROM ${table} INDEXED BY ${table}_by_value WHERE experiment = ? AND key = ? ${start.text}) o0
      CROSS JOIN runs r ON r.n = o0.run ${joined}`,
    values: [part.experiment, keys.find(walk.key) ?? -1, ...start.values, ...joinValues],
  };
}

/** The index whose order is wanted, where SQLite might think otherwise. */
function indexOf({ order }: Plan, phase: Phase | undefined): string {
  if (phase?.head?.[1].sql === 'r.end_time') return 'INDEXED BY runs_by_end';
  const next = order[phase?.head === undefined ? 0 : 1];
  return next === undefined || (next.entity === 'attribute' && next.key === 'start_time')
    ? 'INDEXED BY runs_by_start'
    : '';
}

/** Where in its index the walk begins: after the position of the last page. */
function walkStart({ position }: Plan, { entity, ascending }: OrderTerm, rank: number): Sql {
  const kind = entity === 'metric' ? `AND is_nan = ${rank}` : '';
  if (position === undefined || position[0] !== rank || rank !== 0) return { text: kind, values: [] };
  const operator = ascending ? '>=' : '<=';
  if (entity === 'metric') return { text: `${kind} AND value ${operator} ?`, values: [position[1]] };
  return { text: `AND substr(value, 1, 64) ${operator} substr(?, 1, 64)`, values: [position[1]] };
}

/** The order without constants, which would only keep SQLite from using an index. */
function orderOf(terms: readonly Term[], phase: Phase | undefined): string {
  const text = phase?.walk !== undefined && phase.walk.entity !== 'metric';
  return terms
    .filter(({ sql }) => !/^(?:\d+|'')$/.test(sql) && !(phase?.only !== undefined && sql === 'o0.value'))
    .flatMap((term) => (text && term.sql === 'o0.value' ? [{ ...term, sql: 'substr(o0.value, 1, 64)' }, term] : [term]))
    .map(({ sql, descending }) => sql + (descending ? ' DESC' : ''))
    .join(', ');
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
