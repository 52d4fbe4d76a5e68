import type { DutyStore } from '../../duty-store.ts';
import { clock } from '../clock.ts';
import type { Context } from '../context.ts';
import { sql } from '../sql.ts';
import { run } from '../work.ts';

export function dutiesOf(c: Context): DutyStore {
  return {
    takeDuty: (name, holder, lease) =>
      c.write(function* () {
        const now = clock();
        const taken = yield* run(
          sql`INSERT INTO duties (name, holder, until) VALUES (${name}, ${holder}, ${now} + ${lease})
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
            WHERE duties.holder = excluded.holder OR duties.until <= ${now}`,
        );
        return taken > 0;
      }),
    leaveDuty: (name, holder) =>
      c.write(function* () {
        yield* run(sql`DELETE FROM duties WHERE name = ${name} AND holder = ${holder}`);
      }),
  };
}
