import type { PoolClient } from 'pg';

import { MlopsError, openDatabase, type Database as SqliteDatabase } from '../../base/index.ts';
import { readAddress } from './address.ts';
import { Database } from './database.ts';
import { explained } from './refusals.ts';

/** Rows in one statement. */
const chunk = 1000;

/**
 * Fills another program's empty PostgreSQL database from an SQLite file with the same tables, in one transaction:
 * tables that are empty there get the rows of the file, `replaced` ones their rows anew, all others stay. A column
 * that has no value in the file keeps the default that it has in PostgreSQL.
 *
 * @throws MlopsError `invalid_state` when somebody has filled it meanwhile.
 */
export async function fillDatabase(
  uri: string,
  file: string,
  replaced: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const db = new Database(readAddress(uri, env), { size: 1 });
  const source = openDatabase(file, { migrations: [], readonly: true, keepJournal: true });
  try {
    await db.withClient(async (client) => {
      await client.query('BEGIN');
      try {
        await client.query('SET LOCAL search_path TO public; SET LOCAL statement_timeout = 0');
        await client.query(`LOCK TABLE "${replaced}" IN EXCLUSIVE MODE`);
        const before = source.prepare<[], { n: number }>(`SELECT count(*) AS n FROM runs`).get()?.n ?? 0;
        if (before > 0 && (await isFilled(client, 'runs'))) {
          throw new MlopsError('invalid_state', `there are runs in '${db.shown}' by now`, {
            hint: 'nothing was written; name a fresh database',
          });
        }
        await client.query(`DELETE FROM "${replaced}"`);
        for (const table of await inOrder(client)) {
          if (!(await isFilled(client, table))) await fillTable(client, source, table);
        }
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        throw explained(error, db.shown);
      }
    });
  } finally {
    source.close();
    await db.close();
  }
}

async function isFilled(client: PoolClient, table: string): Promise<boolean> {
  const { rows } = await client.query(`SELECT EXISTS (SELECT 1 FROM "${table}") AS filled`);
  return (rows[0] as { filled: boolean }).filled;
}

/** The tables, those that others refer to first. */
async function inOrder(client: PoolClient): Promise<string[]> {
  const { rows } = await client.query(
    `SELECT c.relname AS name, array_remove(array_agg(DISTINCT r.relname::text), NULL) AS needs
     FROM pg_class c LEFT JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid <> c.oid
     LEFT JOIN pg_class r ON r.oid = f.confrelid
     WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname ORDER BY c.relname`,
  );
  const left = new Map((rows as { name: string; needs: string[] }[]).map(({ name, needs }) => [name, needs]));
  const order: string[] = [];
  while (left.size > 0) {
    // A circle of references has no order: its tables come as they are.
    const free = [...left.keys()].filter((name) => !left.get(name)?.some((need) => left.has(need)));
    for (const name of free.length > 0 ? free : [...left.keys()]) {
      order.push(name);
      left.delete(name);
    }
  }
  return order;
}

async function fillTable(client: PoolClient, source: SqliteDatabase, table: string): Promise<void> {
  const columns = await columnsToFill(client, source, table);
  if (columns.length === 0) return;
  const names = columns.map(({ name }) => `"${name}"`).join(', ');
  const given = columns.map((_, i) => `$${i + 1}::text[]`).join(', ');
  const values = columns.map(({ type }, i) => `c${i}::${type}`).join(', ');
  const aliases = columns.map((_, i) => `c${i}`).join(', ');
  const text = `INSERT INTO "${table}" (${names}) SELECT ${values} FROM unnest(${given}) AS given(${aliases})`;
  let some: unknown[][] = [];
  const send = async (): Promise<void> => {
    await client.query(
      text,
      columns.map((_, i) => some.map((row) => textOf(row[i]))),
    );
    some = [];
  };
  for (const row of source.prepare(`SELECT ${names} FROM "${table}"`).safeIntegers().raw().iterate()) {
    some.push(row as unknown[]);
    if (some.length >= chunk) await send();
  }
  if (some.length > 0) await send();
  for (const { name, counts } of columns) {
    if (!counts) continue;
    await client.query(
      `SELECT setval(pg_get_serial_sequence('"${table}"', '${name}'), GREATEST(max("${name}"), 1)) FROM "${table}"`,
    );
  }
}

interface Column {
  readonly name: string;
  readonly type: string;
  /** Numbers itself by a sequence. */
  readonly counts: boolean;
}

/** The columns of a table that have a value in the file. */
async function columnsToFill(client: PoolClient, source: SqliteDatabase, table: string): Promise<Column[]> {
  const { rows } = await client.query(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type,
       pg_get_serial_sequence(quote_ident($1), attname) IS NOT NULL AS counts
     FROM pg_attribute WHERE attrelid = quote_ident($1)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  const there = new Set((source.pragma(`table_info("${table}")`) as { name: string }[]).map(({ name }) => name));
  return (rows as Column[]).filter(
    ({ name }) =>
      there.has(name) &&
      source.prepare(`SELECT 1 FROM "${table}" WHERE "${name}" IS NOT NULL LIMIT 1`).get() !== undefined,
  );
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return `\\x${value.toString('hex')}`;
  return String(value);
}
