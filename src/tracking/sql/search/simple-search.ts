import {
  parseFilter,
  parseOrderBy,
  readOffset,
  writePageToken,
  type Clause,
  type OrderTerm,
  type Page,
  type SearchRules,
} from '../../../mlflow/index.ts';
import { allOf, among, either, join, raw, sql, type Sql } from '../sql.ts';
import { all, type Work } from '../work.ts';

/** How the fields of a small table are searched: experiments, registered models, versions. */
export interface SearchTable {
  readonly table: string;
  /** Attribute to SQL expression over `t`. */
  readonly columns: Readonly<Record<string, string>>;
  /** Where ordering needs another expression than filtering. */
  readonly orderColumns?: Readonly<Record<string, string>>;
  readonly tags: { readonly table: string; readonly join: string };
  /** A second table of pairs, for the entity `param`. */
  readonly params?: { readonly table: string; readonly join: string };
  /** One condition of several clauses. */
  readonly together?: (clauses: readonly Clause[]) => Sql | undefined;
  /** Conditions of other kinds, 'said' for what `together` says already; undefined for what it does not know. */
  readonly special?: (clause: Clause) => Sql | 'said' | undefined;
  /** What breaks ties of a given order; default: the fallback order. */
  readonly tie?: readonly string[];
}

export interface SimpleQuery {
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
  readonly maxResults: number;
  readonly pageToken?: string | undefined;
  /** A condition that always holds. */
  readonly where: Sql;
  /** What `where` says, for page tokens. */
  readonly view?: unknown;
}

export interface Rows<Row> {
  readonly rows: readonly Row[];
  readonly nextPageToken: string | undefined;
}

/** Filter, order and page over one small table; pages by offset, which is cheap at this size. */
export function* simpleSearch<Row>(
  table: SearchTable,
  rules: SearchRules,
  query: SimpleQuery,
  fallback: readonly string[],
): Work<Rows<Row>> {
  const { maxResults } = query;
  const clauses = [query.where, ...conditionsOf(query.filter, table, rules)];
  const terms = parseOrderBy(query.orderBy, rules).map((term) => orderSql(term, table));
  const rest = (terms.length === 0 ? fallback : (table.tie ?? fallback)).map(raw);
  const identity = [table.table, query.filter, query.orderBy, query.view];
  const offset = readOffset(identity, query.pageToken) ?? 0;
  const rows = yield* all<Row>(
    sql`SELECT t.* FROM ${raw(table.table)} t WHERE ${allOf(clauses)}
      ORDER BY ${join([...terms, ...rest], ', ')} LIMIT ${maxResults + 1} OFFSET ${offset}`,
  );
  const more = rows.length > maxResults;
  return {
    rows: more ? rows.slice(0, maxResults) : rows,
    nextPageToken: more ? writePageToken(identity, offset + maxResults) : undefined,
  };
}

/** What a filter demands of a row `t`. */
export function conditionsOf(filter: string | undefined, table: SearchTable, rules: SearchRules): readonly Sql[] {
  const parsed = parseFilter(filter, rules);
  const joint = table.together?.(parsed);
  const clauses = joint === undefined ? [] : [joint];
  for (const clause of parsed) {
    const one = condition(clause, table);
    if (one !== 'said') clauses.push(one);
  }
  return clauses;
}

export function* pageOf<Row, Item>(found: Rows<Row>, convert: (row: Row) => Work<Item>): Work<Page<Item>> {
  const items: Item[] = [];
  for (const row of found.rows) items.push(yield* convert(row));
  return { items, nextPageToken: found.nextPageToken };
}

function condition(clause: Clause, table: SearchTable): Sql | 'said' {
  const special = table.special?.(clause);
  if (special !== undefined) return special;
  if (clause.entity === 'attribute') return comparison(raw(table.columns[clause.key] ?? 'NULL'), clause);
  const { table: pairs, join: joined } = (clause.entity === 'param' ? table.params : undefined) ?? table.tags;
  const rows = sql`SELECT 1 FROM ${raw(pairs)} x WHERE ${raw(joined)} AND x.key = ${clause.key}`;
  if (clause.comparator === 'IS NULL') return sql`NOT EXISTS (${rows})`;
  if (clause.comparator === 'IS NOT NULL') return sql`EXISTS (${rows})`;
  const fits = sql`EXISTS (${rows} AND ${comparison(raw('x.value'), clause)})`;
  // The prompt filter of MLflow's client: a model without the tag is not a prompt.
  const isNone =
    clause.comparator === '!=' ? clause.value === 'true' : clause.comparator === '=' && clause.value === 'false';
  if (isNone && clause.key === 'mlflow.prompt.is_prompt') {
    return sql`(${fits} OR NOT EXISTS (${rows}))`;
  }
  return fits;
}

/** `expression comparator value`. LIKE has no escape character, and ILIKE folds ASCII only, on both databases. */
export function comparison(expression: Sql, { comparator, value }: Clause): Sql {
  if (comparator === 'IN' || comparator === 'NOT IN') {
    return among(expression, Array.isArray(value) ? value : [value], comparator === 'NOT IN');
  }
  if (comparator === 'ILIKE') {
    return either(
      sql`lower(${expression}) LIKE lower(${value})`,
      sql`${expression} ILIKE ${value} COLLATE "C" ESCAPE ''`,
    );
  }
  if (comparator === 'LIKE') {
    return either(sql`${expression} LIKE ${value}`, sql`${expression} LIKE ${value} ESCAPE ''`);
  }
  if (comparator === 'RLIKE') return either(sql`regexp(${value}, ${expression})`, sql`${expression} ~ ${value}`);
  return sql`${expression} ${raw(comparator)} ${bound(value)}`;
}

/** A value to compare with; PostgreSQL has to be told that a fraction is none of the column's whole numbers. */
export function bound(value: unknown): Sql {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return sql`${value}`;
  return either(sql`${value}`, sql`${value}::float8`);
}

function orderSql({ entity, key, ascending }: OrderTerm, table: SearchTable): Sql {
  const direction = raw(`${ascending ? 'ASC' : 'DESC'} NULLS LAST`);
  if (entity === 'attribute') {
    return sql`${raw(table.orderColumns?.[key] ?? table.columns[key] ?? 't.n')} ${direction}`;
  }
  const { table: pairs, join: joined } = (entity === 'param' ? table.params : undefined) ?? table.tags;
  return sql`(SELECT x.value FROM ${raw(pairs)} x WHERE ${raw(joined)} AND x.key = ${key}) ${direction}`;
}
