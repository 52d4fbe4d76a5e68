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

/** Fills an empty PostgreSQL database of another program from an SQLite file with the same tables. */
export async function fillDatabase(
  uri: string,
  file: string,
  replaced: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const postgres = await import('./postgres/fill.ts');
  await postgres.fillDatabase(uri, file, replaced, env);
}
