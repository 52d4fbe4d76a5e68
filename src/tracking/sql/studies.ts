import { MlopsError } from '../../base/index.ts';
import type { StudyRow, StudyState, StudySummary, TrialRow, TrialStore } from '../../tune/index.ts';
import type { Context } from './context.ts';
import { sql } from './sql.ts';
import { all, get, insertAll, rowsOf, run, together, type Insert, type Work } from './work.ts';

interface Row {
  readonly n: number;
  readonly name: string;
  readonly spec: string;
  readonly state: string;
  readonly reason: string;
  readonly owner: string;
  readonly beat: number;
  readonly run_id: string;
  readonly creation_time: number;
}

interface Trial {
  readonly number: number;
  readonly state: string;
  readonly loss: number | null;
  readonly start_time: number;
  readonly end_time: number | null;
  readonly body: string;
}

const trialInsert: Insert = {
  table: 'trials',
  columns: {
    study: 'bigint',
    number: 'bigint',
    state: 'text',
    loss: 'double precision',
    start_time: 'bigint',
    end_time: 'bigint',
    body: 'text',
  },
  conflict: `ON CONFLICT (study, number) DO UPDATE SET state = excluded.state, loss = excluded.loss,
    start_time = excluded.start_time, end_time = excluded.end_time, body = excluded.body`,
};

export function studiesOf(c: Context): TrialStore {
  return {
    createStudy: (study) => c.write(() => create(study)),
    getStudy: (name) =>
      c.read(function* () {
        const row = yield* find(name);
        return row === undefined ? undefined : toStudy(row);
      }),
    listStudies: () =>
      c.read(function* () {
        return (yield* all<Row>(sql`SELECT * FROM studies ORDER BY name`)).map(toStudy);
      }),
    updateStudy: (name, change) =>
      c.write(function* () {
        const { n } = yield* need(name);
        const { spec = null, state = null, reason = null, owner = null, beat = null, runId = null } = change;
        // What is not to change is not even written: others change the owner at the same time.
        yield* run(
          sql`UPDATE studies SET spec = COALESCE(${spec}, spec), state = COALESCE(${state}, state),
            reason = COALESCE(${reason}, reason), owner = COALESCE(${owner}, owner), beat = COALESCE(${beat}, beat),
            run_id = COALESCE(${runId}, run_id) WHERE n = ${n}`,
        );
      }),
    claimStudy: (name, seen, owner, beat) =>
      c.write(function* () {
        const { n } = yield* need(name);
        const claimed = yield* run(
          sql`UPDATE studies SET owner = ${owner}, beat = ${beat} WHERE n = ${n} AND owner = ${seen}`,
        );
        return claimed > 0;
      }),
    deleteStudy: (name) =>
      c.write(function* () {
        const { n } = yield* need(name);
        yield* run(sql`DELETE FROM trials WHERE study = ${n}`);
        yield* run(sql`DELETE FROM studies WHERE n = ${n}`);
      }),
    putTrials: (name, trials) =>
      c.write(function* () {
        const { n } = yield* need(name);
        const rows = trials.map((trial) => [
          ...[n, trial.number, trial.state, trial.loss, trial.startedAt, trial.endedAt, trial.body],
        ]);
        yield* insertAll(trialInsert, rows);
      }),
    swapTrial: (name, trial, seen) =>
      c.write(function* () {
        const { n } = yield* need(name);
        return (yield* swap(n, trial, seen)) > 0;
      }),
    listTrials: (name, { from = 0, limit = Number.MAX_SAFE_INTEGER } = {}) =>
      c.read(function* () {
        const { n } = yield* need(name);
        const rows = yield* all<Trial>(
          sql`SELECT number, state, loss, start_time, end_time, body FROM trials
            WHERE study = ${n} AND number >= ${from} ORDER BY number LIMIT ${limit}`,
        );
        return rows.map(toTrial);
      }),
    summary: (name) => c.read(() => summary(name)),
  };
}

function* create({ name, spec, state, reason, owner, beat, runId, createdAt }: StudyRow): Work<void> {
  if ((yield* find(name)) !== undefined) {
    throw new MlopsError('resource_exists', `there is a study '${name}' already`);
  }
  yield* run(
    sql`INSERT INTO studies (name, spec, state, reason, owner, beat, run_id, creation_time)
      VALUES (${name}, ${spec}, ${state}, ${reason}, ${owner}, ${beat}, ${runId}, ${createdAt})`,
  );
}

function* swap(study: number, trial: TrialRow, seen: TrialRow | undefined): Work<number> {
  const { number, state, loss, startedAt, endedAt, body } = trial;
  if (seen === undefined) {
    return yield* run(
      sql`INSERT INTO trials (study, number, state, loss, start_time, end_time, body)
        VALUES (${study}, ${number}, ${state}, ${loss}, ${startedAt}, ${endedAt}, ${body})
        ON CONFLICT (study, number) DO NOTHING`,
    );
  }
  return yield* run(
    sql`UPDATE trials SET state = ${state}, loss = ${loss}, start_time = ${startedAt}, end_time = ${endedAt},
      body = ${body} WHERE study = ${study} AND number = ${number} AND state = ${seen.state} AND body = ${seen.body}`,
  );
}

function* summary(name: string): Work<StudySummary> {
  const { n } = yield* need(name);
  const trials = sql`SELECT number, state, loss, start_time, end_time, body FROM trials WHERE study = ${n}`;
  const [counted, [best], running, [first], [last]] = yield* together(
    rowsOf<{ state: string; count: number }>(
      sql`SELECT state, COUNT(*) AS count FROM trials WHERE study = ${n} GROUP BY state`,
    ),
    rowsOf<Trial>(sql`${trials} AND state = 'COMPLETE' AND loss IS NOT NULL ORDER BY loss, number LIMIT 1`),
    rowsOf<Trial>(sql`${trials} AND state = 'RUNNING' ORDER BY number`),
    // Apart: each is the end of an index.
    rowsOf<{ at: number | null }>(sql`SELECT MIN(start_time) AS at FROM trials WHERE study = ${n}`),
    rowsOf<{ at: number | null }>(sql`SELECT MAX(end_time) AS at FROM trials WHERE study = ${n}`),
  );
  return {
    counts: Object.fromEntries(counted.map(({ state, count }) => [state, count])),
    best: best === undefined ? undefined : toTrial(best),
    running: running.map(toTrial),
    firstStart: first?.at ?? undefined,
    lastEnd: last?.at ?? undefined,
  };
}

function* find(name: string): Work<Row | undefined> {
  return yield* get<Row>(sql`SELECT * FROM studies WHERE name = ${name}`);
}

function* need(name: string): Work<Row> {
  const row = yield* find(name);
  if (row !== undefined) return row;
  throw new MlopsError('resource_missing', `there is no study '${name}'`, { hint: 'see `mlops tune list`' });
}

function toStudy(row: Row): StudyRow {
  const { name, spec, state, reason, owner, beat } = row;
  return {
    name,
    spec,
    state: state as StudyState,
    reason,
    owner,
    beat,
    runId: row.run_id,
    createdAt: row.creation_time,
  };
}

function toTrial({ number, state, loss, start_time: startedAt, end_time: endedAt, body }: Trial): TrialRow {
  return { number, state, loss, startedAt, endedAt, body };
}
