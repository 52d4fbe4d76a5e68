import {
  parseFilter,
  parseOrderBy,
  readOffset,
  writePageToken,
  type Clause,
  type OrderTerm,
  type Page,
  type SearchRules,
} from '../../mlflow/index.ts';
import type { Connection } from './connection.ts';

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
  /** One condition of several clauses, and which of them it stands for. */
  readonly together?: (clauses: readonly Clause[], values: unknown[]) => string | undefined;
  /** Conditions of other kinds, '' for what is said already; undefined for what it does not know. */
  readonly special?: (clause: Clause, values: unknown[]) => string | undefined;
}

export interface SimpleQuery {
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
  readonly maxResults: number;
  readonly pageToken?: string | undefined;
  /** A condition that always holds. */
  readonly where: string;
  readonly view?: string | undefined;
  /** The terms after the given ones; default: the `fallback` order. */
  readonly tieBreak?: readonly string[];
}

export interface Rows<Row> {
  readonly rows: readonly Row[];
  readonly nextPageToken: string | undefined;
}

/** Filter, order and page over one small table; pages by offset, which is cheap at this size. */
export function simpleSearch<Row>(
  c: Connection,
  table: SearchTable,
  rules: SearchRules,
  query: SimpleQuery,
  fallback: readonly string[],
): Rows<Row> {
  const values: unknown[] = [];
  const parsed = parseFilter(query.filter, rules);
  const joint = table.together?.(parsed, values);
  const single = parsed.map((clause) => condition(clause, table, values)).filter((one) => one !== '');
  const clauses = joint === undefined ? single : [joint, ...single];
  const terms = parseOrderBy(query.orderBy, rules);
  const orderValues: unknown[] = [];
  const order =
    terms.length === 0
      ? fallback
      : [...terms.map((term) => orderSql(term, table, orderValues)), ...(query.tieBreak ?? tie(table, fallback))];
  const identity = [table.table, query.filter, query.orderBy, query.where];
  const offset = readOffset(identity, query.pageToken) ?? 0;
  const sql = `SELECT t.* FROM ${table.table} t WHERE ${[query.where, ...clauses].join(' AND ')}
    ORDER BY ${order.join(', ')} LIMIT ${query.maxResults + 1} OFFSET ${offset}`;
  const rows = c.once<Row>(sql).all(...values, ...orderValues);
  const more = rows.length > query.maxResults;
  return {
    rows: more ? rows.slice(0, query.maxResults) : rows,
    nextPageToken: more ? writePageToken(identity, offset + query.maxResults) : undefined,
  };
}

export function pageOf<Row, Item>(found: Rows<Row>, convert: (row: Row) => Item): Page<Item> {
  return { items: found.rows.map(convert), nextPageToken: found.nextPageToken };
}

/** Experiments break ties by id, newest first; the others by their fallback order. */
function tie(table: SearchTable, fallback: readonly string[]): readonly string[] {
  return table.table === 'experiments' ? ['n DESC'] : fallback;
}

function condition(clause: Clause, table: SearchTable, values: unknown[]): string {
  const special = table.special?.(clause, values);
  if (special !== undefined) return special;
  if (clause.entity === 'attribute') return comparison(table.columns[clause.key] ?? 'NULL', clause, values);
  const { table: tags, join } = (clause.entity === 'param' ? table.params : undefined) ?? table.tags;
  values.push(clause.key);
  if (clause.comparator === 'IS NULL') return `NOT EXISTS (SELECT 1 FROM ${tags} x WHERE ${join} AND x.key = ?)`;
  if (clause.comparator === 'IS NOT NULL') return `EXISTS (SELECT 1 FROM ${tags} x WHERE ${join} AND x.key = ?)`;
  const test = comparison('x.value', clause, values);
  // The prompt filter of MLflow's client: a model without the tag is not a prompt.
  if (clause.comparator === '!=' && clause.key === 'mlflow.prompt.is_prompt') {
    values.push(clause.key);
    return `(EXISTS (SELECT 1 FROM ${tags} x WHERE ${join} AND x.key = ? AND ${test}) OR NOT EXISTS (SELECT 1 FROM ${tags} x WHERE ${join} AND x.key = ?))`;
  }
  return `EXISTS (SELECT 1 FROM ${tags} x WHERE ${join} AND x.key = ? AND ${test})`;
}

/** `expression comparator value` as SQL; pushes what it binds. */
export function comparison(expression: string, { comparator, value }: Clause, values: unknown[]): string {
  if (comparator === 'IN' || comparator === 'NOT IN') {
    values.push(JSON.stringify(value));
    return `${expression} ${comparator} (SELECT value FROM json_each(?))`;
  }
  values.push(value);
  if (comparator === 'ILIKE') return `lower(${expression}) LIKE lower(?)`;
  return `${expression} ${comparator} ?`;
}

function orderSql({ entity, key, ascending }: OrderTerm, table: SearchTable, values: unknown[]): string {
  const direction = `${ascending ? 'ASC' : 'DESC'} NULLS LAST`;
  if (entity === 'attribute') return `${table.orderColumns?.[key] ?? table.columns[key] ?? '1'} ${direction}`;
  const { table: pairs, join } = (entity === 'param' ? table.params : undefined) ?? table.tags;
  values.push(key);
  return `(SELECT x.value FROM ${pairs} x WHERE ${join} AND x.key = ?) ${direction}`;
}
