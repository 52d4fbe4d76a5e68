import { openDatabase } from '../../base/index.ts';
import { readAddress } from './address.ts';
import { Database } from './database.ts';

/** How a column's values are kept in SQLite. */
function kept(type: string): 'INTEGER' | 'REAL' | 'TEXT' | 'BLOB' {
  if (['bigint', 'integer', 'smallint', 'boolean'].includes(type)) return 'INTEGER';
  if (['double precision', 'real', 'numeric'].includes(type)) return 'REAL';
  return type === 'bytea' ? 'BLOB' : 'TEXT';
}

/**
 * Copies the tables of another program's database, as they are at one moment, into a new SQLite file: what reads
 * MLflow's SQLite databases then reads its PostgreSQL ones.
 */
export async function snapshotDatabase(
  uri: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const db = new Database(readAddress(uri, env), { size: 1 });
  const target = openDatabase(file, { migrations: [] });
  try {
    await db.withClient(async (client) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await client.query('SET LOCAL statement_timeout = 0');
      const { rows } = await client.query(
        `SELECT c.table_name AS "table", c.column_name AS name, c.data_type AS type FROM information_schema.columns c
         JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE table_schema = 'public' AND t.table_type = 'BASE TABLE' ORDER BY c.table_name, c.ordinal_position`,
      );
      const columns = new Map<string, { name: string; type: string }[]>();
      for (const { table, name, type } of rows as { table: string; name: string; type: string }[]) {
        columns.set(table, [...(columns.get(table) ?? []), { name, type }]);
      }
      for (const [table, list] of columns) {
        const names = list.map(({ name }) => `"${name}"`).join(', ');
        target.exec(`CREATE TABLE "${table}" (${list.map(({ name, type }) => `"${name}" ${kept(type)}`).join(', ')})`);
        const insert = target.prepare(`INSERT INTO "${table}" (${names}) VALUES (${list.map(() => '?').join(', ')})`);
        const insertAll = target.transaction((some: readonly unknown[][]) => {
          for (const row of some) insert.run(...row.map(plain));
        });
        // Numbers and texts as they are; all else as its text.
        const asked = list
          .map(({ name, type }) => (kept(type) === 'TEXT' ? `"${name}"::text` : `"${name}"`))
          .join(', ');
        await client.query(`DECLARE copied NO SCROLL CURSOR FOR SELECT ${asked} FROM public."${table}"`);
        for (;;) {
          const fetch = { text: 'FETCH 2000 FROM copied', rowMode: 'array' };
          const some = ((await client.query(fetch)) as { rows: unknown[][] }).rows;
          if (some.length === 0) break;
          insertAll(some);
        }
        await client.query('CLOSE copied');
      }
      await client.query('COMMIT');
    });
  } finally {
    target.close();
    await db.close();
  }
}

function plain(value: unknown): unknown {
  return typeof value === 'boolean' ? Number(value) : value;
}
