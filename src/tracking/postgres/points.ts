import type { Metric } from '../../mlflow/index.ts';
import type { Context } from '../sql/context.ts';
import type { Keys } from '../sql/keys.ts';
import { raw, sql, type Sql } from '../sql/sql.ts';
import { all, type ColumnType, type Work } from '../sql/work.ts';

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
        const found = await this.#c.writeOnce(() => logPoints(this.#c, group));
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

const newer = raw(`ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, is_nan = excluded.is_nan,
    step = excluded.step, timestamp = excluded.timestamp
  WHERE (excluded.step, excluded.timestamp, excluded.value) > (latest.step, latest.timestamp, latest.value)`);

/** @returns the ids of the runs that are there and active. */
function* logPoints(c: Context, group: readonly Waiting[]): Work<Set<string>> {
  const { keys } = c;
  const names = new Set<string>();
  for (const { points } of group) for (const { key } of points) names.add(key);
  yield* keys.make(names);
  const [first] = group;
  const [point] = first?.points ?? [];
  const rows =
    first !== undefined && point !== undefined && group.length === 1 && first.points.length === 1
      ? yield* logPoint(keys, first.id, point)
      : yield* logMany(keys, group);
  return new Set(rows.map(({ id }) => id));
}

/** The plain statement takes a third of the time. */
function* logPoint(keys: Keys, id: string, point: Metric): Work<readonly { readonly id: string }[]> {
  const { key, timestamp, step, value } = point;
  const nan = Number.isNaN(value);
  const [number, kept] = [keys.number(key), nan ? 0 : value];
  return yield* all<{ id: string }>(
    sql`WITH found AS (SELECT id, n, experiment FROM runs WHERE id = ${id} AND lifecycle = 0),
      added AS (
        INSERT INTO metrics (run, key, timestamp, step, value, is_nan)
        SELECT n, ${number}, ${timestamp}, ${step}, ${kept}, ${nan ? 1 : 0} FROM found ON CONFLICT DO NOTHING),
      moved AS (
        INSERT INTO latest (run, key, experiment, value, is_nan, step, timestamp)
        SELECT n, ${number}, experiment, ${kept}, ${nan ? 1 : 0}, ${step}, ${timestamp} FROM found ${newer})
      SELECT id FROM found`,
  );
}

/** Arrays of which the planner sees nothing: it would plan anew for each. */
function hidden(values: readonly unknown[], type: ColumnType): Sql {
  return sql`(SELECT ${values}::${raw(type)}[])`;
}

function* logMany(keys: Keys, group: readonly Waiting[]): Work<readonly { readonly id: string }[]> {
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
  return yield* all<{ id: string }>(
    sql`WITH given AS (
        SELECT r.id, r.n AS run, r.experiment, g.key, g.timestamp, g.step, g.value, g.is_nan
        FROM unnest(${hidden(ids, 'text')}, ${hidden(numbers, 'bigint')}, ${hidden(times, 'bigint')},
          ${hidden(steps, 'bigint')}, ${hidden(values, 'double precision')}, ${hidden(nans, 'bigint')})
          AS g(id, key, timestamp, step, value, is_nan)
        JOIN runs r ON r.id = g.id AND r.lifecycle = 0),
      added AS (
        INSERT INTO metrics (run, key, timestamp, step, value, is_nan)
        SELECT run, key, timestamp, step, value, is_nan FROM given ON CONFLICT DO NOTHING),
      moved AS (
        INSERT INTO latest (run, key, experiment, value, is_nan, step, timestamp)
        SELECT DISTINCT ON (run, key) run, key, experiment, value, is_nan, step, timestamp FROM given
        ORDER BY run, key, step DESC, timestamp DESC, value DESC ${newer})
      SELECT DISTINCT id FROM given`,
  );
}
