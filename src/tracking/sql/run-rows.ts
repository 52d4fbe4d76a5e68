import type { Metric, Run, RunInfo, RunStatus, Tag } from '../../mlflow/index.ts';
import { inactiveRun, noRun } from '../rules/index.ts';
import type { Context } from './context.ts';
import { push } from './group.ts';
import { askInputs, askModels, datasetsOf, modelsOf } from './inputs.ts';
import { among, raw, sql } from './sql.ts';
import { arraysOf, get, packedOf, together, type Columns, type Work } from './work.ts';

export interface RunRow {
  readonly n: number;
  readonly id: string;
  readonly experiment: number;
  readonly name: string;
  readonly user_id: string;
  readonly status: string;
  readonly start_time: number;
  readonly end_time: number | null;
  readonly lifecycle: number;
  readonly artifact_uri: string;
}

/** What writing to a run needs of it. */
export interface RunRef {
  readonly n: number;
  readonly experiment: number;
}

type PairRow = readonly [run: number, key: number, value: string];
const latestColumns: Columns = {
  ...{ run: 'number', key: 'number', value: 'number', is_nan: 'number', step: 'number', timestamp: 'number' },
};
const pairColumns: Columns = { run: 'number', key: 'number', value: 'text' };
/** Runs from which on packing what hangs on them saves more than it costs. */
const worthPacking = 20;
type LatestRow = readonly [run: number, key: number, value: number, isNan: number, step: number, timestamp: number];

/** The row of a run, deleted or not. */
export function* needRun(id: string): Work<RunRow> {
  const row = yield* get<RunRow>(sql`SELECT * FROM runs WHERE id = ${id}`);
  if (row === undefined) throw noRun(id);
  return row;
}

/** The row of a run that may be written to. */
export function* activeRun(id: string): Work<RunRef> {
  const row = yield* get<RunRef & { readonly lifecycle: number }>(
    sql`SELECT n, experiment, lifecycle FROM runs WHERE id = ${id}`,
  );
  if (row === undefined) throw noRun(id);
  if (row.lifecycle !== 0) throw inactiveRun(id);
  return row;
}

export function* toInfo(c: Context, row: RunRow): Work<RunInfo> {
  return {
    id: row.id,
    experimentId: yield* c.experimentId(row.experiment),
    name: row.name,
    userId: row.user_id,
    status: row.status as RunStatus,
    startTime: row.start_time,
    endTime: row.end_time ?? undefined,
    artifactUri: row.artifact_uri,
    lifecycle: row.lifecycle === 0 ? 'active' : 'deleted',
  };
}

/** Runs with all that hangs on them, in the order of the rows, in a handful of statements for all. */
export function* toRuns(c: Context, rows: readonly RunRow[], only?: readonly string[]): Work<Run[]> {
  const { keys } = c;
  if (only !== undefined) yield* keys.find(only);
  const wanted =
    only === undefined
      ? sql``
      : sql`AND ${among(
          raw('key'),
          only.map((key) => keys.number(key)),
        )}`;
  const numbers = rows.map((row) => row.n);
  const ofRuns = among(raw('run'), numbers);
  const many = rows.length < worthPacking ? arraysOf : packedOf;
  const [latest, paramRows, tagRows, inputRows, modelRows] = yield* together(
    many<LatestRow>(
      sql`SELECT run, key, value, is_nan, step, timestamp FROM latest WHERE ${ofRuns} ${wanted} ORDER BY run, key`,
      latestColumns,
    ),
    many<PairRow>(sql`SELECT run, key, value FROM params WHERE ${ofRuns} ${wanted} ORDER BY run, key`, pairColumns),
    many<PairRow>(sql`SELECT run, key, value FROM tags WHERE ${ofRuns} ${wanted} ORDER BY run, key`, pairColumns),
    askInputs(numbers),
    askModels(numbers),
  );
  const used = new Set<number>();
  for (const list of [latest, paramRows, tagRows]) for (const row of list) used.add(row[1]);
  yield* keys.load(used);
  const metrics = new Map<number, Metric[]>();
  for (const [run, key, value, isNan, step, timestamp] of latest) {
    push(metrics, run, { key: keys.name(key), value: isNan === 0 ? value : NaN, timestamp, step });
  }
  const pairs = (list: readonly PairRow[]): Map<number, Tag[]> => {
    const found = new Map<number, Tag[]>();
    for (const [run, key, value] of list) push(found, run, { key: keys.name(key), value });
    return found;
  };
  const params = pairs(paramRows);
  const tags = pairs(tagRows);
  const datasets = yield* datasetsOf(inputRows);
  const models = modelsOf(modelRows);
  const runs: Run[] = [];
  for (const row of rows) {
    runs.push({
      info: yield* toInfo(c, row),
      metrics: metrics.get(row.n) ?? [],
      params: params.get(row.n) ?? [],
      tags: tags.get(row.n) ?? [],
      datasets: datasets.get(row.n) ?? [],
      modelInputs: models.inputs.get(row.n) ?? [],
      modelOutputs: models.outputs.get(row.n) ?? [],
    });
  }
  return runs;
}
