import { MlopsError, openDatabase } from '../../base/index.ts';
import { ordered, tables } from '../sql/tables.ts';
import type { Connection } from './connection.ts';
import { migrations } from './schema.ts';

/**
 * Takes over a whole store from another SQLite file: into an empty one only, and in one transaction.
 *
 * @throws MlopsError `invalid_state` when something is there already.
 */
export async function copyFrom(connection: Connection, file: string): Promise<void> {
  const { db } = connection;
  // Brings an older backup up to date.
  openDatabase(file, { migrations }).close();
  const filled = db
    .prepare(
      `SELECT 1 FROM keys UNION ALL SELECT 1 FROM runs UNION ALL SELECT 1 FROM registered_models UNION ALL SELECT 1 FROM traces
       UNION ALL SELECT 1 FROM experiments WHERE n <> 0 LIMIT 1`,
    )
    .get();
  if (filled !== undefined) {
    throw new MlopsError('invalid_state', `there is something in '${connection.file}' already`, {
      hint: 'a whole store is taken over into an empty one only',
    });
  }
  db.prepare('ATTACH ? AS backup').run(file);
  try {
    db.transaction(() => {
      db.pragma('defer_foreign_keys = ON');
      for (const { name } of tables.toReversed()) db.exec(`DELETE FROM main.${name}`);
      for (const { name } of tables) {
        const order = ordered.has(name) ? 'ORDER BY rowid' : '';
        db.exec(`INSERT INTO main.${name} SELECT * FROM backup.${name} ${order}`);
      }
    })();
  } finally {
    db.exec('DETACH backup');
  }
}
