import { readAddress } from './address.ts';
import { Database } from './database.ts';
import { schemaStatus, type SchemaStatus } from './migrate.ts';

/** The state of our tables in a database, without changing it. */
export async function postgresSchema(
  uri: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<SchemaStatus & { readonly url: string }> {
  const address = readAddress(uri, env);
  const db = new Database(address, { size: 1 });
  try {
    return { url: address.shown, ...(await schemaStatus(db, address.schema)) };
  } finally {
    await db.close();
  }
}
