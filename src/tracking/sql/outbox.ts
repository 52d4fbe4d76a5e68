import type { Letter, NewLetter, Outbox } from '../../deliver/index.ts';
import { clock } from './clock.ts';
import type { Context } from './context.ts';
import { among, either, nothing, sql } from './sql.ts';
import { all, get, insertAll, run, type Insert, type Work } from './work.ts';

interface Row {
  readonly id: string;
  readonly kind: string;
  readonly target: string;
  readonly body: string;
  readonly created_time: number;
  readonly attempts: number;
}

const insertion: Insert = {
  table: 'outbox',
  columns: { id: 'text', kind: 'text', target: 'text', body: 'text', created_time: 'bigint', due: 'bigint' },
  conflict: 'ON CONFLICT DO NOTHING',
};

/**
 * Letters of the outbox. `due` is the moment from which anybody may take a letter: a claim puts it ahead by its lease,
 * so what a dead process held comes back by itself.
 */
export function outboxOf(c: Context): Outbox {
  return {
    post: (letters) => c.write(() => postLetters(letters)),
    isDue: (kinds) =>
      c.read(function* () {
        const due = sql`SELECT 1 FROM outbox WHERE due <= ${clock()} AND ${among(sql`kind`, kinds)} LIMIT 1`;
        return (yield* get(due)) !== undefined;
      }),
    claim: ({ kinds, holder, lease, limit, except }) =>
      c.write(function* () {
        const now = clock();
        const rows = yield* all<Row>(
          sql`UPDATE outbox SET holder = ${holder}, due = ${now} + ${lease}, attempts = attempts + 1
            WHERE n IN (SELECT n FROM outbox WHERE due <= ${now} AND ${among(sql`kind`, kinds)}
              AND ${among(sql`target`, except, true)} ORDER BY due, n LIMIT ${limit}
              ${either(nothing, sql`FOR UPDATE SKIP LOCKED`)})
            RETURNING id, kind, target, body, created_time, attempts`,
        );
        return rows.map(toLetter);
      }),
    renew: (ids, holder, lease) =>
      c.write(function* () {
        const mine = sql`${among(sql`id`, ids)} AND holder = ${holder}`;
        yield* run(sql`UPDATE outbox SET due = ${clock()} + ${lease} WHERE ${mine}`);
      }),
    settle: (id, holder) =>
      c.write(function* () {
        yield* run(sql`DELETE FROM outbox WHERE id = ${id} AND holder = ${holder}`);
      }),
    postpone: (id, holder, delay) =>
      c.write(function* () {
        const due = sql`${clock()} + ${delay}`;
        yield* run(sql`UPDATE outbox SET holder = '', due = ${due} WHERE id = ${id} AND holder = ${holder}`);
      }),
  };
}

/** Within the work that they tell of: they are kept when that is, and only then. */
export function* postLetters(letters: readonly NewLetter[]): Work<void> {
  const rows = letters.map(({ id, kind, target, body, createdAt }) => [id, kind, target, body, createdAt, 0]);
  yield* insertAll(insertion, rows);
}

function toLetter({ id, kind, target, body, created_time: createdAt, attempts }: Row): Letter {
  return { id, kind, target, body, createdAt, attempts };
}
