import type { Sql } from './sql.ts';

/** One query. */
export type Single =
  | {
      readonly kind: 'rows' | 'arrays' | 'column' | 'count';
      readonly sql: Sql;
      /** Stays when the rest is undone, where the database can do so: names that are never removed. */
      readonly apart?: boolean;
    }
  | { readonly kind: 'packed'; readonly sql: Sql; readonly columns: Columns }
  | { readonly kind: 'insert'; readonly insert: Insert; readonly rows: readonly (readonly unknown[])[] };

/** What a piece of work asks its database. */
export type Query = Single | { readonly kind: 'together'; readonly queries: readonly Single[] };

/** The columns of a query, in their order. */
export type Columns = Readonly<Record<string, 'number' | 'text'>>;

/**
 * Work on a database: a generator that yields queries and is given their answers. SQLite runs it at once, within one
 * turn of the event loop; PostgreSQL awaits each answer. So what a method does is written once for both, and SQLite
 * keeps its speed, which a promise for each query would take away.
 */
export type Work<Value> = Generator<Query, Value, unknown>;

export function* all<Row>(sql: Sql): Work<readonly Row[]> {
  return (yield { kind: 'rows', sql }) as readonly Row[];
}

/** The first row. */
export function* get<Row>(sql: Sql): Work<Row | undefined> {
  return ((yield { kind: 'rows', sql }) as readonly Row[])[0];
}

/** The first row of a query that always has one. */
export function* one<Row>(sql: Sql): Work<Row> {
  const [row] = (yield { kind: 'rows', sql }) as readonly Row[];
  if (row === undefined) throw new Error(`no row for: ${sql.strings.join('?')}`);
  return row;
}

/** A query that is asked together with others. */
export interface Ask<Answer> {
  readonly query: Single;
  /** Only a type. */
  readonly answer?: Answer;
}

export function rowsOf<Row>(sql: Sql): Ask<readonly Row[]> {
  return { query: { kind: 'rows', sql } };
}

/** Rows as arrays. */
export function arraysOf<Row extends readonly unknown[]>(sql: Sql): Ask<readonly Row[]> {
  return { query: { kind: 'arrays', sql } };
}

/** As `arraysOf`, but PostgreSQL sends them packed, at a third of the price. No value is NULL; not for millions at once. */
export function packedOf<Row extends readonly (number | string)[]>(sql: Sql, columns: Columns): Ask<readonly Row[]> {
  return { query: { kind: 'packed', sql, columns } };
}

type Answers<Asks> = { readonly [Key in keyof Asks]: Asks[Key] extends Ask<infer Answer> ? Answer : never };

/** Queries that need nothing of each other: PostgreSQL is asked all at once. */
export function* together<Asks extends readonly Ask<unknown>[]>(...asks: Asks): Work<Answers<Asks>> {
  return (yield { kind: 'together', queries: asks.map(({ query }) => query) }) as Answers<Asks>;
}

/** Many rows; see `packedOf`. */
export function* packed<Row extends readonly (number | string)[]>(sql: Sql, columns: Columns): Work<readonly Row[]> {
  return (yield { kind: 'packed', sql, columns }) as readonly Row[];
}

/** Rows as arrays, however many. */
export function* arrays<Row extends readonly unknown[]>(sql: Sql): Work<readonly Row[]> {
  return (yield { kind: 'arrays', sql }) as readonly Row[];
}

/** The only column of a query, of numbers: without an array for each of thousands of rows. */
export function* column<Value extends number | null>(sql: Sql): Work<readonly Value[]> {
  return (yield { kind: 'column', sql }) as readonly Value[];
}

/** @returns how many rows were written. */
export function* run(sql: Sql): Work<number> {
  return (yield { kind: 'count', sql }) as number;
}

export function* runApart(sql: Sql): Work<number> {
  return (yield { kind: 'count', sql, apart: true }) as number;
}

export function* allApart<Row>(sql: Sql): Work<readonly Row[]> {
  return (yield { kind: 'rows', sql, apart: true }) as readonly Row[];
}

export type ColumnType = 'bigint' | 'double precision' | 'text';

/** An insertion of many rows: a loop over one statement in SQLite, one statement over arrays in PostgreSQL. */
export interface Insert {
  readonly table: string;
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** What follows, `ON CONFLICT ...`; the same key may come once only where it updates. */
  readonly conflict: string;
}

export function* insertAll(insert: Insert, rows: readonly (readonly unknown[])[]): Work<number> {
  if (rows.length === 0) return 0;
  return (yield { kind: 'insert', insert, rows }) as number;
}
