import { compareCodePoints } from '../../../base/index.ts';
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
} from '../../../mlflow/index.ts';
import type { RunSearch } from '../../types.ts';
import { experimentNumbers, type Context } from '../context.ts';
import { toRuns, type RunRow } from '../run-rows.ts';
import { phasesOf, stepsOf, type Phase, type Plan, type Term } from './search-phases.ts';
import {
  after,
  apart,
  clauseRanges,
  indexedBy,
  inThisOrder,
  isPair,
  pairTables,
  runCondition,
  sortKey,
  withRuns,
  type Part,
  type Range,
  type SortKey,
} from './search-terms.ts';
import { valueRanges } from './search-values.ts';
import { allOf, either, join, raw, sql, type Sql } from '../sql.ts';
import { all, one, rowsOf, together, type Work } from '../work.ts';

type Found = RunRow & Readonly<Record<string, unknown>>;

/** Below this many candidates, fetching them all and sorting beats walking the order's index. */
const fewEnough = 3000;
/** Rows to look for in a scan of a key's values, by the size of the page. */
const worthScanning = 4;

/** Searches runs; pages continue after the last row's position in the order, so deep ones cost no more. */
export function* searchRuns(c: Context, search: RunSearch): Work<Page<Run>> {
  const { maxResults = 1000, view = 'ACTIVE_ONLY', experimentIds, filter, orderBy } = search;
  const order = parseOrderBy(orderBy, runRules);
  const clauses = parseFilter(filter, runRules);
  const identity = ['runs', experimentIds, filter, orderBy, view];
  yield* c.keys.find([...order, ...clauses].filter(({ entity }) => isPair(entity)).map(({ key }) => key));
  const number = (key: string): number => c.keys.number(key);
  const sortKeys = order.map((term, i) => sortKey(term, i, number));
  const terms = termsOf(sortKeys);
  const position = readPosition(identity, search.pageToken, terms.length);
  const plan: Plan = { number, clauses, order, sortKeys, terms, position, limit: maxResults + 1 };
  const lifecycles = view === 'ALL' ? [0, 1] : [view === 'DELETED_ONLY' ? 1 : 0];
  const found: Found[][] = [];
  for (const experiment of yield* experimentNumbers(experimentIds)) {
    for (const lifecycle of lifecycles) found.push(yield* searchPart(plan, { experiment, lifecycle }));
  }
  const rows = found.length === 1 ? (found[0] ?? []) : merge(found, plan.terms).slice(0, plan.limit);
  const page = rows.slice(0, maxResults);
  const last = page.at(-1);
  const items = page.length === 0 ? [] : yield* toRuns(c, page, search.only);
  if (rows.length <= maxResults || last === undefined) return { items };
  return { items, nextPageToken: writePageToken(identity, positionOf(last, plan.terms.length)) };
}

function termsOf(sortKeys: readonly SortKey[]): Term[] {
  return [
    ...sortKeys.flatMap(({ rank, value, descending, always = false, long = false }): Term[] => [
      { sql: rank, descending: false, constant: always },
      { sql: value, descending, long },
    ]),
    { sql: raw('r.start_time'), descending: true },
    { sql: raw('r.id'), descending: false },
  ];
}

function* searchPart(plan: Plan, part: Part): Work<Found[]> {
  for (const clause of plan.clauses) {
    if (clause.comparator === 'IS NULL' && (yield* allHaveIt(plan, part, clause))) return [];
  }
  const driver = yield* narrowest(plan, part);
  if (driver === 'nothing') return [];
  if (driver !== undefined) return [...(yield* select(plan, part, { driver }))];
  const found: Found[] = [];
  for (const phase of phasesOf(plan)) {
    if (phase.head !== undefined && phase.rank < Number(plan.position?.[0] ?? 0)) continue;
    if (found.length >= plan.limit) break;
    if (phase.missing !== undefined && (yield* allHaveIt(plan, part, phase.missing))) break;
    for (const step of yield* stepsOf(plan, part, phase)) {
      if (found.length >= plan.limit) break;
      found.push(...(yield* select(plan, part, { phase: step, limit: plan.limit - found.length })));
    }
  }
  return found;
}

/** The clause, or the clauses on one key, that leave the fewest candidates, when those are few. */
function* narrowest({ number, clauses, limit }: Plan, part: Part): Work<Range | 'nothing' | undefined> {
  const { few, many } = yield* valueRanges(number, clauses, part);
  const found = yield* fewestOf([...clauseRanges(clauses, number, part), ...few], fewEnough);
  // A short page of what is found often is filled by the walk before the scan would know how often.
  return found ?? (yield* fewestOf(many, Math.min(fewEnough, worthScanning * limit)));
}

/** The range of the fewest rows, when those are fewer than `most`. */
function* fewestOf(ranges: readonly Range[], most: number): Work<Range | 'nothing' | undefined> {
  if (ranges.length === 0) return undefined;
  const counts = yield* together(
    ...ranges.map((range) =>
      rowsOf<{ count: number }>(sql`SELECT count(*) AS count FROM (SELECT 1 ${range.sql} LIMIT ${most}) few`),
    ),
  );
  let best: Range | undefined;
  let bestCount = most;
  for (const [i, range] of ranges.entries()) {
    const count = counts[i]?.[0]?.count ?? most;
    if (count === 0) return 'nothing';
    if (count >= bestCount) continue;
    best = range;
    bestCount = count;
  }
  return best;
}

/** True when every run of the experiment has this key, so that none is missing. */
function* allHaveIt(
  { number }: Plan,
  { experiment }: Part,
  { entity, key }: Pick<Clause, 'entity' | 'key'>,
): Work<boolean> {
  if (!isPair(entity)) return false;
  const table = pairTables[entity];
  const row = yield* one<{ valued: number; runs: number }>(
    sql`SELECT (SELECT count(*) FROM ${raw(table)} ${indexedBy(`${table}_by_value`)}
        WHERE experiment = ${experiment} AND key = ${number(key)}) AS valued,
      (SELECT count(*) FROM runs WHERE experiment = ${experiment}) AS runs`,
  );
  return row.valued === row.runs;
}

interface Shape {
  /** Start from these rows, and sort. */
  readonly driver?: Range;
  readonly phase?: Phase;
  readonly limit?: number;
}

function select(plan: Plan, part: Part, shape: Shape): Work<readonly Found[]> {
  return all<Found>(selection(plan, part, shape));
}

function selection(plan: Plan, part: Part, shape: Shape): Sql {
  const { phase } = shape;
  const { position } = plan;
  const terms = phase?.head === undefined ? plan.terms : [...phase.head, ...plan.terms.slice(2)];
  const columns = terms.map((term, i) => sql`${term.sql} AS ${raw(`k${i}`)}`);
  const where = [sql`r.experiment = ${part.experiment} AND r.lifecycle = ${part.lifecycle}`];
  if (phase?.missing !== undefined) where.push(absence(plan, phase.missing));
  if (phase?.only !== undefined) {
    const { term, value } = phase.only;
    where.push(sql`o0.key = ${plan.number(term.key)} AND o0.value = ${value}`);
    if (term.entity === 'metric') where.push(raw('o0.is_nan = 0'));
    // Where the last page ended within this value: without it the walk would begin at the newest run again.
    if (position?.[0] === 0 && position[1] === value) where.push(sql`r.start_time <= ${position[2]}`);
  }
  if (phase?.byEnd === true) where.push(raw('r.end_time IS NOT NULL'));
  for (const clause of plan.clauses) where.push(runCondition(clause, plan.number));
  if (position !== undefined) where.push(after(terms, position));
  const rows = sql`SELECT r.*, ${join(columns, ', ')} ${source(plan, part, shape)} WHERE ${allOf(where)}`;
  const limit = shape.limit ?? plan.limit;
  if (shape.driver === undefined) return sql`${rows} ORDER BY ${join(orderOf(terms, phase), ', ')} LIMIT ${limit}`;
  // Few: all are found before they are sorted.
  const order = terms.map(({ descending }, i) => raw(`k${i}${descending ? ' DESC' : ''}`));
  return sql`SELECT * FROM (${rows} ${apart}) found ORDER BY ${join(order, ', ')} LIMIT ${limit}`;
}

function absence({ number }: Plan, { entity, key }: OrderTerm): Sql {
  if (!isPair(entity)) return raw('r.end_time IS NULL');
  return sql`NOT EXISTS (SELECT 1 FROM ${raw(pairTables[entity])} z
    WHERE z.run = r.n AND z.key = ${number(key)} ${apart})`;
}

/** The FROM part: which rows are visited, in which order. */
function source(plan: Plan, part: Part, { driver, phase }: Shape): Sql {
  const { sortKeys, number } = plan;
  const skipped = phase?.head === undefined ? 0 : 1;
  const joined = join(
    sortKeys.slice(skipped).flatMap((key) => key.join ?? []),
    ' ',
  );
  if (driver !== undefined) {
    return sql`FROM (SELECT ${raw(driver.run)} AS run ${driver.sql}) d ${withRuns('d.run')} ${joined}`;
  }
  if (phase?.only !== undefined) {
    const { entity } = phase.only.term;
    const table = raw(isPair(entity) ? pairTables[entity] : 'params');
    return sql`FROM runs r ${indexedBy('runs_by_start')} ${inThisOrder} ${table} o0 ON o0.run = r.n`;
  }
  const walk = phase?.walk;
  if (walk === undefined || !isPair(walk.entity)) return sql`FROM runs r ${indexOf(plan, phase)} ${joined}`;
  const table = pairTables[walk.entity];
  return sql`FROM (SELECT * FROM ${raw(table)} ${indexedBy(`${table}_by_value`)} WHERE experiment = ${part.experiment}
      AND key = ${number(walk.key)} ${walkStart(plan, walk, phase?.rank ?? 0)}) o0
    ${withRuns('o0.run')} ${joined}`;
}

/** The index whose order is wanted, where SQLite might think otherwise. */
function indexOf({ order }: Plan, phase: Phase | undefined): Sql {
  if (phase?.byEnd === true) return indexedBy('runs_by_end');
  const next = order[phase?.head === undefined ? 0 : 1];
  const byStart = next === undefined || (next.entity === 'attribute' && next.key === 'start_time');
  return byStart ? indexedBy('runs_by_start') : sql``;
}

/** Where in its index the walk begins: after the position of the last page. */
function walkStart({ position }: Plan, { entity, ascending }: OrderTerm, rank: number): Sql {
  const kind = entity === 'metric' ? sql`AND is_nan = ${rank}` : sql``;
  if (position === undefined || position[0] !== rank || rank !== 0) return kind;
  const operator = raw(ascending ? '>=' : '<=');
  if (entity === 'metric') return sql`${kind} AND value ${operator} ${position[1]}`;
  return sql`AND substr(value, 1, 64) ${operator} substr(${position[1]}, 1, 64)`;
}

/** The order without constants, which would only keep the database from using an index. */
function orderOf(terms: readonly Term[], phase: Phase | undefined): Sql[] {
  const text = phase?.walk !== undefined && phase.walk.entity !== 'metric';
  return terms
    .filter(({ constant = false, walked = false }) => !constant && !(phase?.only !== undefined && walked))
    .flatMap((term) => {
      const direction = raw(term.descending ? ' DESC' : '');
      const whole = sql`${term.sql}${direction}`;
      if (term.long === true) return [either(whole, sql`substr(${term.sql}, 1, 64)${direction}, ${whole}`)];
      return text && term.walked === true ? [sql`substr(o0.value, 1, 64)${direction}`, whole] : [whole];
    });
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
