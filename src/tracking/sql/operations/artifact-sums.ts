import type { ArtifactSum, ArtifactSums } from '../../artifact-sums.ts';
import type { Context } from '../context.ts';
import { raw, sql, type Sql } from '../sql.ts';
import { get, one, run } from '../work.ts';

export function artifactSumsOf(c: Context): ArtifactSums {
  return {
    putSum: (path, { size, sha256, etag }) =>
      c.write(function* () {
        yield* run(
          sql`INSERT INTO artifact_sums (path, size, sha256, etag) VALUES (${path}, ${size}, ${sha256}, ${etag})
            ON CONFLICT (path) DO UPDATE SET size = excluded.size, sha256 = excluded.sha256, etag = excluded.etag`,
        );
      }),
    getSum: (path) =>
      c.read(function* () {
        return yield* get<ArtifactSum>(sql`SELECT size, sha256, etag FROM artifact_sums WHERE path = ${path}`);
      }),
    removeSums: (path) =>
      c.write(function* () {
        yield* run(sql`DELETE FROM artifact_sums WHERE path = ${path} OR (${below(path)})`);
      }),
    usage: (directory) =>
      c.read(function* () {
        const { total } = yield* one<{ total: number }>(
          sql`SELECT CAST(COALESCE(sum(size), 0) AS ${raw('bigint')}) AS total FROM artifact_sums WHERE ${below(directory)}`,
        );
        return total;
      }),
  };
}

/** A range of the index: `/` is followed by `0`, and texts compare by their bytes. */
function below(directory: string): Sql {
  return sql`path >= ${`${directory}/`} AND path < ${`${directory}0`}`;
}
