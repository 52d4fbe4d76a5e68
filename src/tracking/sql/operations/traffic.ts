import type { TrafficChange, TrafficCounts, TrafficStore } from '../../traffic-store.ts';
import type { Context } from '../context.ts';
import { sql } from '../sql.ts';
import { all, get, insertAll, one, run, type Insert, type Work } from '../work.ts';

const countsInsertion: Insert = {
  table: 'traffic_counts',
  columns: { rule: 'bigint', holder: 'text', body: 'text' },
  conflict: 'ON CONFLICT (rule, holder) DO UPDATE SET body = excluded.body',
};

interface Row extends Omit<TrafficChange, 'body'> {
  readonly body: string | null;
}

export function trafficOf(c: Context): TrafficStore {
  return {
    lastChange: () =>
      c.read(function* () {
        return (yield* one<{ n: number }>(sql`SELECT COALESCE(max(n), 0) AS n FROM traffic`)).n;
      }),
    listRules: () =>
      c.read(function* () {
        const newest = sql`SELECT max(n) FROM traffic GROUP BY model`;
        return (yield* all<Row>(sql`SELECT * FROM traffic WHERE n IN (${newest}) ORDER BY model`)).map(toChange);
      }),
    history: (model) =>
      c.read(function* () {
        return (yield* all<Row>(sql`SELECT * FROM traffic WHERE model = ${model} ORDER BY n`)).map(toChange);
      }),
    change: (change, seen) => c.writeAlone(() => add(change, seen)),
    putCounts: (counts) =>
      c.write(function* () {
        if (counts.length === 0) return;
        yield* insertAll(
          countsInsertion,
          counts.map(({ rule, holder, body }) => [rule, holder, body]),
        );
      }),
    listCounts: (rule) =>
      c.read(function* () {
        return yield* all<TrafficCounts>(
          sql`SELECT rule, holder, body FROM traffic_counts WHERE rule = ${rule} ORDER BY holder`,
        );
      }),
  };
}

function* add(change: Omit<TrafficChange, 'n'>, seen: number | undefined): Work<TrafficChange | undefined> {
  const { model, kind, at, by, why, body = null } = change;
  const { n: newest } = yield* one<{ n: number }>(
    sql`SELECT COALESCE(max(n), 0) AS n FROM traffic WHERE model = ${model}`,
  );
  if (seen !== undefined && newest !== seen) return undefined;
  const added = yield* get<{ n: number }>(
    sql`INSERT INTO traffic (model, kind, "at", "by", why, body)
      VALUES (${model}, ${kind}, ${at}, ${by}, ${why}, ${body}) RETURNING n`,
  );
  return added === undefined ? undefined : { ...change, n: added.n };
}

/** Rules and what was counted under them go along when a model gets another name. */
export function* renameTraffic(name: string, newName: string): Work<void> {
  yield* run(sql`UPDATE traffic SET model = ${newName} WHERE model = ${name}`);
}

/** A model that is gone has no rule; that it had one stays in the history. */
export function* endTraffic(model: string): Work<void> {
  const last = yield* get<Row>(sql`SELECT * FROM traffic WHERE model = ${model} ORDER BY n DESC LIMIT 1`);
  if (last === undefined || last.body === null) return;
  yield* add(
    { model, kind: 'clear', at: Date.now(), by: '', why: 'the model was deleted', body: undefined },
    undefined,
  );
}

function toChange({ n, model, kind, at, by, why, body }: Row): TrafficChange {
  return { n, model, kind, at, by, why, body: body ?? undefined };
}
