import { either, sql, type Sql } from './sql.ts';

/** Milliseconds since 1970 by the clock that all processes on a database share: the server's, or the machine's. */
export function clock(): Sql {
  return either(sql`${Date.now()}`, sql`(extract(epoch FROM statement_timestamp()) * 1000)::bigint`);
}
