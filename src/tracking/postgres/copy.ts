import type { PoolClient } from 'pg';

import { MlopsError, openDatabase, type Database as SqliteDatabase } from '../../base/index.ts';
import { ordered, tables } from '../sql/tables.ts';
import { migrations } from '../sqlite/schema.ts';
import type { Database } from './database.ts';

/** Rows in one step of a copy. */
const chunk = 2000;

/**
 * Writes the whole store, as it is at one moment, to a new SQLite file that is a store itself. Others go on reading
 * and writing meanwhile.
 */
export async function copyToSqlite(db: Database, file: string): Promise<void> {
  const target = openDatabase(file, { migrations });
  try {
    await db.withClient(async (client) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await client.query('SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0');
      for (const { name } of tables) await copyTable(client, target, name);
      await client.query('COMMIT');
    });
  } finally {
    target.close();
  }
}

async function copyTable(client: PoolClient, target: SqliteDatabase, table: string): Promise<void> {
  const columns = columnsOf(target, table);
  const names = columns.map((column) => `"${column}"`).join(', ');
  const insert = target.prepare(`INSERT INTO ${table} (${names}) VALUES (${columns.map(() => '?').join(', ')})`);
  const insertAll = target.transaction((rows: readonly unknown[][]) => {
    for (const row of rows) insert.run(...row);
  });
  const order = ordered.has(table) ? 'ORDER BY rowid' : '';
  await client.query(`DECLARE rows_of_${table} NO SCROLL CURSOR FOR SELECT ${names} FROM ${table} ${order}`);
  for (;;) {
    const fetch = { text: `FETCH ${chunk} FROM rows_of_${table}`, rowMode: 'array' };
    const { rows } = (await client.query(fetch)) as { rows: unknown[][] };
    if (rows.length === 0) break;
    insertAll(rows);
  }
  await client.query(`CLOSE rows_of_${table}`);
}

/**
 * Takes over a whole store from an SQLite file, with all ids: into an empty one only, and in one transaction.
 *
 * @throws MlopsError `invalid_state` when something is there already.
 */
export async function copyFromSqlite(db: Database, file: string): Promise<void> {
  const source = openDatabase(file, { migrations });
  try {
    await db.withClient(async (client) => {
      await client.query('BEGIN');
      try {
        await client.query('SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0');
        await refuseFilled(client, db.shown);
        await client.query(`TRUNCATE ${tables.map(({ name }) => name).join(', ')}`);
        for (const { name, serial } of tables) await restoreTable(client, source, name, serial);
        await client.query(
          `SELECT setval('experiment_numbers', (SELECT COALESCE(max(n), 0) + 1 FROM experiments WHERE n < 1000000000), false)`,
        );
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
    await db.withClient((client) => client.query('ANALYZE'));
  } finally {
    source.close();
  }
}

async function refuseFilled(client: PoolClient, shown: string): Promise<void> {
  const { rows } = await client.query(
    // Running servers know the numbers of names and experiments that once were: another store's would be taken for them.
    `SELECT EXISTS (SELECT 1 FROM keys) OR (SELECT is_called FROM experiment_numbers)
      OR EXISTS (SELECT 1 FROM runs) OR EXISTS (SELECT 1 FROM registered_models) OR EXISTS (SELECT 1 FROM traces)
      OR EXISTS (SELECT 1 FROM experiments WHERE n <> 0) AS filled`,
  );
  if (!(rows[0] as { filled: boolean }).filled) return;
  throw new MlopsError('invalid_state', `there is something in '${shown}' already`, {
    hint: 'a whole store is taken over into an empty database only',
  });
}

async function restoreTable(
  client: PoolClient,
  source: SqliteDatabase,
  table: string,
  serial: string | undefined,
): Promise<void> {
  const columns = columnsOf(source, table);
  const types = await client.query(
    'SELECT column_name AS name, data_type AS type FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1',
    [table],
  );
  const typeOf = new Map((types.rows as { name: string; type: string }[]).map(({ name, type }) => [name, type]));
  const names = columns.map((column) => `"${column}"`).join(', ');
  const arrays = columns.map((column, i) => `$${i + 1}::${typeOf.get(column) ?? 'text'}[]`).join(', ');
  const insert = `INSERT INTO ${table} (${names}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest(${arrays})`;
  const order = ordered.has(table) ? 'ORDER BY rowid' : '';
  let rows: unknown[][] = [];
  const send = async (): Promise<void> => {
    await client.query(
      insert,
      columns.map((_, i) => rows.map((row) => row[i])),
    );
    rows = [];
  };
  for (const row of source.prepare(`SELECT ${names} FROM ${table} ${order}`).raw().iterate()) {
    rows.push(row as unknown[]);
    if (rows.length >= chunk) await send();
  }
  if (rows.length > 0) await send();
  if (serial === undefined) return;
  await client.query(
    `SELECT setval(pg_get_serial_sequence('${table}', '${serial}'), (SELECT max(${serial}) FROM ${table})) FROM ${table} LIMIT 1`,
  );
}

function columnsOf(db: SqliteDatabase, table: string): string[] {
  return (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
}
