import { randomUUID } from 'node:crypto';

import { invalid, usesGateway, type OnlineScoring, type ScorerVersion } from '../../../mlflow/index.ts';
import { noScorer } from '../../rules/index.ts';
import type { ScorerStore } from '../../evaluation-store.ts';
import { experimentNumbers, type Context } from '../context.ts';
import { activeExperiment } from '../experiments.ts';
import { among, raw, sql, type Sql } from '../sql.ts';
import { all, get, run, type Work } from '../work.ts';

interface Row {
  readonly n: number;
  readonly id: string;
  readonly experiment: number;
  readonly name: string;
  readonly online_id: string | null;
  readonly sample_rate: number | null;
  readonly filter: string | null;
}

interface VersionRow {
  readonly id: string;
  readonly experiment: number;
  readonly name: string;
  readonly version: number;
  readonly body: string;
  readonly creation_time: number;
}

const versions = sql`SELECT s.id, s.experiment, s.name, v.version, v.body, v.creation_time
  FROM scorers s JOIN scorer_versions v ON v.scorer = s.n`;
const newest = sql`v.version = (SELECT max(o.version) FROM scorer_versions o WHERE o.scorer = s.n)`;

export function scorersOf(c: Context): ScorerStore {
  return {
    registerScorer: (experimentId, name, body) => c.writeAlone(() => register(c, experimentId, name, body)),
    listScorers: (ids) =>
      c.read(function* () {
        const where =
          ids === undefined
            ? sql`s.experiment IN (SELECT n FROM experiments WHERE lifecycle = 0)`
            : among(raw('s.experiment'), yield* experimentNumbers(ids));
        return yield* list(c, sql`${where} AND ${newest}`);
      }),
    scorerVersions: (experimentId, name) =>
      c.read(function* () {
        const { n } = yield* need(experimentId, name);
        const found = yield* list(c, sql`s.n = ${n}`);
        if (found.length === 0) throw noScorer(experimentId, name);
        return found;
      }),
    getScorer: (experimentId, name, version) =>
      c.read(function* () {
        const { n } = yield* need(experimentId, name);
        const [found] = yield* list(
          c,
          sql`s.n = ${n} AND ${version === undefined ? newest : sql`v.version = ${version}`}`,
        );
        if (found === undefined) throw noScorer(experimentId, name, version);
        return found;
      }),
    deleteScorer: (experimentId, name, version) =>
      c.write(function* () {
        const { n } = yield* need(experimentId, name);
        const which = version === undefined ? sql`1 = 1` : sql`version = ${version}`;
        const gone = yield* run(sql`DELETE FROM scorer_versions WHERE scorer = ${n} AND ${which}`);
        if (gone === 0) throw noScorer(experimentId, name, version);
        if (version === undefined) yield* run(sql`DELETE FROM scorers WHERE n = ${n}`);
      }),
    setOnlineScoring: (experimentId, name, { sampleRate, filter }) =>
      c.write(function* () {
        const { n } = yield* need(experimentId, name);
        const [latest] = yield* list(c, sql`s.n = ${n} AND ${newest}`);
        if (latest !== undefined && sampleRate > 0 && !usesGateway(latest.body)) {
          throw invalid(
            `Scorer '${name}' does not use a gateway model. Automatic evaluation is only supported for scorers that use gateway models.`,
          );
        }
        const id = randomUUID().replaceAll('-', '');
        yield* run(
          sql`UPDATE scorers SET online_id = ${id}, sample_rate = ${sampleRate}, filter = ${filter} WHERE n = ${n}`,
        );
        return yield* toOnline(c, yield* need(experimentId, name));
      }),
    onlineScoring: (ids) =>
      c.read(function* () {
        const rows = yield* all<Row>(
          sql`SELECT * FROM scorers WHERE ${among(sql`id`, ids)} AND online_id IS NOT NULL ORDER BY n`,
        );
        const found: OnlineScoring[] = [];
        for (const row of rows) found.push(yield* toOnline(c, row));
        return found;
      }),
  };
}

function* register(c: Context, experimentId: string, name: string, body: string): Work<ScorerVersion> {
  const { n: experiment } = yield* activeExperiment(experimentId);
  yield* run(
    sql`INSERT INTO scorers (id, experiment, name) VALUES (${randomUUID()}, ${experiment}, ${name})
      ON CONFLICT (experiment, name) DO NOTHING`,
  );
  const { n } = yield* need(experimentId, name);
  yield* run(
    sql`INSERT INTO scorer_versions (scorer, version, body, creation_time)
      SELECT ${n}, COALESCE(max(version), 0) + 1, ${body}, ${Date.now()} FROM scorer_versions WHERE scorer = ${n}`,
  );
  const [made] = yield* list(c, sql`s.n = ${n} AND ${newest}`);
  if (made === undefined) throw noScorer(experimentId, name);
  return made;
}

function* need(experimentId: string, name: string): Work<Row> {
  const { n } = yield* activeExperiment(experimentId);
  const row = yield* get<Row>(sql`SELECT * FROM scorers WHERE experiment = ${n} AND name = ${name}`);
  if (row === undefined) throw noScorer(experimentId, name);
  return row;
}

function* list(c: Context, where: Sql): Work<readonly ScorerVersion[]> {
  const rows = yield* all<VersionRow>(sql`${versions} WHERE ${where} ORDER BY s.experiment, s.name, v.version`);
  const found: ScorerVersion[] = [];
  for (const row of rows) {
    const { id: scorerId, name, version, body, creation_time: creationTime } = row;
    found.push({ scorerId, experimentId: yield* c.experimentId(row.experiment), name, version, body, creationTime });
  }
  return found;
}

function* toOnline(c: Context, row: Row): Work<OnlineScoring> {
  return {
    id: row.online_id ?? '',
    scorerId: row.id,
    experimentId: yield* c.experimentId(row.experiment),
    sampleRate: row.sample_rate ?? 0,
    filter: row.filter ?? undefined,
  };
}
