import type { Metric } from '../../mlflow/index.ts';
import type { Context } from '../sql/context.ts';
import { sql } from '../sql/sql.ts';
import { all, type Work } from '../sql/work.ts';

interface Waiting {
  readonly id: string;
  readonly points: readonly Metric[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Statements at once; more only wait for the same log of the server. */
const lanes = 2;
/** Points in one statement. */
const most = 5000;

/**
 * Points that are logged at the same time share a statement and its commit: those that come while one is under way
 * make up the next. One statement finds the runs, adds to the histories and moves the newest.
 */
export class PointLog {
  readonly #c: Context;
  readonly #alone: (id: string, points: readonly Metric[]) => Promise<void>;
  #waiting: Waiting[] = [];
  #under = 0;

  /** @param alone logs what does not go with others: it finds the words for what is wrong. */
  constructor(c: Context, alone: (id: string, points: readonly Metric[]) => Promise<void>) {
    this.#c = c;
    this.#alone = alone;
  }

  log(id: string, points: readonly Metric[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, points, resolve, reject });
      if (this.#under < lanes) {
        this.#under++;
        // What comes in the same turn goes along.
        setImmediate(() => void this.#flush());
      }
    });
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#take();
      try {
        const found = await this.#c.write(() => logPoints(this.#c, group));
        for (const one of group) {
          if (found.has(one.id)) one.resolve();
          else this.#alone(one.id, one.points).then(one.resolve, one.reject);
        }
      } catch (error) {
        if (group.length === 1) group[0]?.reject(error);
        else for (const one of group) this.#alone(one.id, one.points).then(one.resolve, one.reject);
      }
    }
    this.#under--;
  }

  #take(): Waiting[] {
    let points = 0;
    const end = this.#waiting.findIndex((one, i) => (points += one.points.length) > most && i > 0);
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }
}

/** @returns the ids of the runs that are there and active. */
function* logPoints(c: Context, group: readonly Waiting[]): Work<Set<string>> {
  const { keys } = c;
  const names = new Set<string>();
  for (const { points } of group) for (const { key } of points) names.add(key);
  yield* keys.make(names);
  const ids: string[] = [];
  const numbers: number[] = [];
  const times: number[] = [];
  const steps: number[] = [];
  const values: number[] = [];
  const nans: number[] = [];
  for (const { id, points } of group) {
    for (const { key, timestamp, step, value } of points) {
      const nan = Number.isNaN(value);
      ids.push(id);
      numbers.push(keys.number(key));
      times.push(timestamp);
      steps.push(step);
      values.push(nan ? 0 : value);
      nans.push(nan ? 1 : 0);
    }
  }
  const rows = yield* all<{ id: string }>(
    sql`WITH given AS (
        SELECT r.n AS run, r.experiment, g.key, g.timestamp, g.step, g.value, g.is_nan
        FROM unnest(${ids}::text[], ${numbers}::bigint[], ${times}::bigint[], ${steps}::bigint[],
          ${values}::double precision[], ${nans}::bigint[]) AS g(id, key, timestamp, step, value, is_nan)
        JOIN runs r ON r.id = g.id AND r.lifecycle = 0),
      added AS (
        INSERT INTO metrics (run, key, timestamp, step, value, is_nan)
        SELECT run, key, timestamp, step, value, is_nan FROM given ON CONFLICT DO NOTHING),
      moved AS (
        INSERT INTO latest (run, key, experiment, value, is_nan, step, timestamp)
        SELECT DISTINCT ON (run, key) run, key, experiment, value, is_nan, step, timestamp FROM given
        ORDER BY run, key, step DESC, timestamp DESC, value DESC
        ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, is_nan = excluded.is_nan, step = excluded.step,
          timestamp = excluded.timestamp
        WHERE (excluded.step, excluded.timestamp, excluded.value) > (latest.step, latest.timestamp, latest.value))
      SELECT r.id FROM runs r WHERE r.id = ANY(${[...new Set(ids)]}::text[]) AND r.lifecycle = 0`,
  );
  return new Set(rows.map(({ id }) => id));
}
