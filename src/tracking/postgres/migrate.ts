import { MlopsError } from '../../base/index.ts';
import { tooOld } from './currency.ts';
import type { Database } from './database.ts';
import { codeOf, explained } from './refusals.ts';
import { steps } from './schema.ts';

/** Known to all replicas: who holds this lock migrates. */
const lock = 7_305_212_001;

export interface SchemaStatus {
  /** Steps that the database has had; 0 without tables of ours. */
  readonly version: number;
  /** Steps that this program knows. */
  readonly known: number;
  /** The oldest program, by its number of steps, that works with this database. */
  readonly oldest: number;
  readonly applied: readonly { readonly version: number; readonly name: string; readonly at: number }[];
}

export async function schemaStatus(db: Database, schema: string): Promise<SchemaStatus> {
  return db.withClient(async (client) => {
    const there = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [`${schema}.migrations`]);
    const empty = { version: 0, known: steps.length, oldest: 0, applied: [] };
    if (!(there.rows[0] as { there: boolean }).there) return empty;
    const { rows } = await client.query(
      'SELECT version, name, applied_at AS at, oldest FROM migrations ORDER BY version',
    );
    const applied = rows as { version: number; name: string; at: number; oldest: number }[];
    return {
      version: applied.at(-1)?.version ?? 0,
      known: steps.length,
      oldest: Math.max(0, ...applied.map((one) => one.oldest)),
      applied: applied.map(({ version, name, at }) => ({ version, name, at })),
    };
  });
}

/**
 * Brings the schema up to date. Several replicas may do so at once: one migrates under an advisory lock, the others
 * wait and find it done.
 *
 * @returns how many steps were made.
 * @throws MlopsError `store_version` when the database was changed by a newer program in a way that this one cannot
 *   work with; `invalid_value` for a database of MLflow's own server.
 */
export async function upgradeSchema(db: Database, schema: string): Promise<number> {
  const before = await schemaStatus(db, schema);
  if (before.oldest > steps.length) throw tooOld(db.shown, before.oldest);
  if (before.version >= steps.length) return 0;
  if (before.version === 0) await refuseUnfit(db);
  return db.withClient(async (client) => {
    await client.query('BEGIN');
    try {
      await client.query('SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0');
      await client.query('SELECT pg_advisory_xact_lock($1)', [lock]);
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
      await client.query(
        `CREATE TABLE IF NOT EXISTS migrations (
          version bigint PRIMARY KEY, name text NOT NULL, oldest bigint NOT NULL, applied_at bigint NOT NULL)`,
      );
      const { rows } = await client.query('SELECT COALESCE(max(version), 0) AS version FROM migrations');
      const { version } = rows[0] as { version: number };
      for (const [i, step] of steps.slice(version).entries()) {
        await client.query(step.up);
        await client.query('INSERT INTO migrations (version, name, oldest, applied_at) VALUES ($1, $2, $3, $4)', [
          version + i + 1,
          step.name,
          step.oldest,
          Date.now(),
        ]);
      }
      await client.query('COMMIT');
      return steps.length - version;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      if (codeOf(error) === '42501') throw explained(error, db.shown);
      throw error;
    }
  });
}

/** A database of MLflow's own server is not begun in by mistake: its runs would seem lost. Texts need Unicode. */
async function refuseUnfit(db: Database): Promise<void> {
  const { found, encoding } = await db.withClient(async (client) => {
    const { rows } = await client.query(
      `SELECT to_regclass('public.alembic_version') IS NOT NULL AS found, current_setting('server_encoding') AS encoding`,
    );
    return rows[0] as { readonly found: boolean; readonly encoding: string };
  });
  if (encoding !== 'UTF8') {
    throw new MlopsError('invalid_value', `'${db.shown}' keeps texts as ${encoding}, which not every name fits into`, {
      hint: "make the database with: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
    });
  }
  if (!found) return;
  throw new MlopsError('invalid_value', `'${db.shown}' is a database of MLflow's own server`, {
    hint: `copy it once with \`mlops migrate mlflow ${db.shown} --to DATABASE\`, where DATABASE is a new one`,
  });
}
