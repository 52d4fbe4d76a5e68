/** Copies the tables of a PostgreSQL database of another program into a new SQLite file. */
export async function snapshotDatabase(
  uri: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  // Loaded only here: it brings the client of PostgreSQL along.
  const postgres = await import('./postgres/snapshot.ts');
  await postgres.snapshotDatabase(uri, file, env);
}
