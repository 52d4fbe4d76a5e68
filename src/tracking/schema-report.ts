import * as fs from 'node:fs';

import { openDatabase } from '../base/index.ts';

/** What is known of the tables of a store. */
export interface SchemaReport {
  /** Without a password. */
  readonly url: string;
  /** Steps that the tables have had; 0 where there are none. */
  readonly version: number;
  /** Steps that this program knows. */
  readonly known: number;
  /** This program can work with the tables as they are. */
  readonly usable: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Looks at the tables of a store, an SQLite file or a PostgreSQL database, without changing them. */
export async function schemaReport(uri: string, env: Env): Promise<SchemaReport> {
  if (/^postgres/i.test(uri)) {
    const { postgresSchema } = await import('./postgres/schema-status.ts');
    const { url, version, known, oldest } = await postgresSchema(uri, env);
    return { url, version, known, usable: version > 0 && oldest <= known };
  }
  const { migrations } = await import('./sqlite/schema.ts');
  const known = migrations.length;
  if (!fs.existsSync(uri)) return { url: uri, version: 0, known, usable: false };
  const db = openDatabase(uri, { migrations: [], readonly: true, keepJournal: true, anyVersion: true });
  try {
    const version = db.pragma('user_version', { simple: true }) as number;
    return { url: uri, version, known, usable: version > 0 && version <= known };
  } finally {
    db.close();
  }
}
