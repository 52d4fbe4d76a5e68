import type { ExperimentActivity, RunsOverview } from '../../types.ts';
import { experimentNumbers, type Context } from '../context.ts';
import { raw, sql, type Sql } from '../sql.ts';
import { all, one, type Work } from '../work.ts';

type Pairs = 'latest' | 'params' | 'tags';

/** How many runs there are, and which keys any of them has. */
export function* runsOverview(c: Context, experimentIds: readonly string[], deleted: boolean): Work<RunsOverview> {
  const keys: Record<Pairs, Set<number>> = { latest: new Set(), params: new Set(), tags: new Set() };
  let runs = 0;
  for (const experiment of yield* experimentNumbers(experimentIds)) {
    const lifecycle = deleted ? 1 : 0;
    const { count } = yield* one<{ count: number }>(
      sql`SELECT count(*) AS count FROM runs WHERE experiment = ${experiment} AND lifecycle = ${lifecycle}`,
    );
    runs += count;
    for (const table of ['latest', 'params', 'tags'] as const) {
      for (const { key } of yield* all<{ key: number }>(keysOf(table, experiment))) keys[table].add(key);
    }
  }
  yield* c.keys.load(new Set([...keys.latest, ...keys.params, ...keys.tags]));
  const names = (found: ReadonlySet<number>): string[] => [...found].map((key) => c.keys.name(key)).toSorted();
  return { runs, metrics: names(keys.latest), params: names(keys.params), tags: names(keys.tags) };
}

/** Each key once: the index is entered anew for each, so that a million rows of one key cost as much as one. */
function keysOf(table: Pairs, experiment: number): Sql {
  const rows = sql`FROM ${raw(table)} t WHERE t.experiment = ${experiment}`;
  return sql`WITH RECURSIVE found(key) AS (
      SELECT (SELECT min(t.key) ${rows})
      UNION ALL SELECT (SELECT min(t.key) ${rows} AND t.key > found.key) FROM found WHERE found.key IS NOT NULL)
    SELECT key FROM found WHERE key IS NOT NULL`;
}

export function* experimentActivity(c: Context): Work<ExperimentActivity[]> {
  const rows = yield* all<{ experiment: number; runs: number; running: number; last: number }>(
    sql`SELECT experiment, count(*) AS runs, sum(CASE status WHEN 'RUNNING' THEN 1 ELSE 0 END) AS running,
        max(start_time) AS last FROM runs WHERE lifecycle = 0 GROUP BY experiment`,
  );
  const found: ExperimentActivity[] = [];
  for (const { experiment, runs, running, last } of rows) {
    found.push({
      experimentId: yield* c.experimentId(experiment),
      runs,
      running,
      lastStart: last,
    });
  }
  return found;
}
