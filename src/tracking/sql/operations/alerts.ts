import type { AlertStore, StoredAlert, StoredSilence } from '../../alert-store.ts';
import type { Context } from '../context.ts';
import { among, sql } from '../sql.ts';
import { all, insertAll, run, type Insert, type Work } from '../work.ts';

/** Alerts that are over and still shown. */
const mostHistory = 1000;
const isOpen = sql`state IN ('pending', 'firing')`;

const insertion: Insert = {
  table: 'alerts',
  columns: { id: 'text', project: 'text', state: 'text', updated_time: 'bigint', body: 'text' },
  conflict:
    'ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated_time = excluded.updated_time, body = excluded.body',
};

interface Row {
  readonly id: string;
  readonly state: string;
  readonly updated_time: number;
  readonly body: string;
}

export function alertsOf(c: Context): AlertStore {
  return {
    listAlerts: (project) => c.read(() => list(project)),
    changeAlerts: (project, { put, forget }) =>
      c.write(function* () {
        const rows = put.map(({ id, state, updatedAt, body }) => [id, project, state, updatedAt, body]);
        if (rows.length > 0) yield* insertAll(insertion, rows);
        if (forget.length > 0) yield* run(sql`DELETE FROM alerts WHERE ${among(sql`id`, forget)}`);
        yield* run(
          sql`DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE project = ${project} AND NOT ${isOpen}
            ORDER BY updated_time DESC, id LIMIT 1000000 OFFSET ${mostHistory})`,
        );
      }),
    listSilences: (project, now) =>
      c.read(function* () {
        const wanted = sql`SELECT id, until, body FROM silences WHERE project = ${project} AND until > ${now}`;
        return yield* all<StoredSilence>(sql`${wanted} ORDER BY until, id`);
      }),
    putSilence: (project, { id, until, body }) =>
      c.write(function* () {
        yield* run(
          sql`INSERT INTO silences (id, project, until, body) VALUES (${id}, ${project}, ${until}, ${body})
            ON CONFLICT (id) DO UPDATE SET until = excluded.until, body = excluded.body`,
        );
      }),
    forgetSilence: (project, id) =>
      c.write(function* () {
        return (yield* run(sql`DELETE FROM silences WHERE project = ${project} AND id = ${id}`)) > 0;
      }),
  };
}

function* list(project: string): Work<readonly StoredAlert[]> {
  const rows = yield* all<Row>(
    sql`SELECT id, state, updated_time, body FROM alerts WHERE project = ${project} ORDER BY updated_time DESC, id`,
  );
  return rows.map(({ updated_time: updatedAt, id, state, body }) => ({ id, state, updatedAt, body }));
}
