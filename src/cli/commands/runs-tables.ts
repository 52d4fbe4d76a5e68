import { formatDuration } from '../../base/index.ts';
import { tagOf, type ComparedField } from '../../app/runs/compare-runs.ts';
import type { LoggedModel, Run } from '../../mlflow/index.ts';
import { textTable, type Column } from '../tables/text-table.ts';

/** A number for a table: six significant digits, no noise. */
export function shortNumber(value: number | string | undefined): string {
  if (value === undefined) return '-';
  if (typeof value === 'string') return value;
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  return String(Number(value.toPrecision(5)));
}

export function when(milliseconds: number): string {
  if (milliseconds === 0) return '-';
  const date = new Date(milliseconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The lines of `runs list`: facts first, then as many metrics and params as the width allows. */
/** The metric, param or tag that `metrics.loss ASC` orders by, without its kind and its quotes. */
export function orderedKey(order: string): string | undefined {
  const quoted = /^\s*(?:metrics?|params?|parameters?)\.(?:"([^"]*)"|`([^`]*)`|(\S+))/i.exec(order);
  return quoted?.[1] ?? quoted?.[2] ?? quoted?.[3];
}

/** @param ordered keys that the rows are ordered by: their columns come first and are never left out. */
export function runTable(
  runs: readonly Run[],
  columns: number,
  all: boolean,
  ordered: readonly string[] = [],
): string[] {
  const header: Column[] = [
    { title: 'RUN', drop: 0 },
    { title: 'NAME', drop: 1 },
    { title: 'STATUS', drop: 3 },
    { title: 'STARTED', drop: 4 },
    { title: 'TIME', align: 'right', drop: 5 },
  ];
  const metrics = common(runs, (run) => run.metrics);
  const params = common(runs, (run) => run.params).filter((key) => all || ordered.includes(key) || differ(runs, key));
  const keys = [...metrics.map((key) => ({ key, kind: 'metric' })), ...params.map((key) => ({ key, kind: 'param' }))];
  const isOrdered = ({ key }: { readonly key: string }): boolean => ordered.includes(key);
  keys.sort((a, b) => Number(isOrdered(b)) - Number(isOrdered(a)));
  // What the runs were for is what tells them apart: the first params that differ stay, too.
  const telling = new Set(params.filter((key) => differ(runs, key)).slice(0, 4));
  const stays = (column: { readonly key: string; readonly kind: string }): boolean =>
    isOrdered(column) || (column.kind === 'param' && telling.has(column.key));
  keys.forEach((column, i) => header.push({ title: column.key, align: 'right', drop: stays(column) ? 0 : 10 + i }));
  const rows = runs.map((run) => [
    run.info.id.slice(0, 8),
    run.info.name,
    run.info.lifecycle === 'deleted' ? 'deleted' : run.info.status.toLowerCase(),
    when(run.info.startTime),
    run.info.endTime === undefined ? '-' : formatDuration(run.info.endTime - run.info.startTime),
    ...keys.map(({ key, kind }) =>
      kind === 'metric'
        ? shortNumber(run.metrics.find((one) => one.key === key)?.value)
        : (run.params.find((one) => one.key === key)?.value ?? '-'),
    ),
  ]);
  return textTable(header, rows, columns);
}

/** Keys by how many of the runs have them, most first. */
function common(runs: readonly Run[], of: (run: Run) => readonly { readonly key: string }[]): string[] {
  const counts = new Map<string, number>();
  for (const run of runs) for (const { key } of of(run)) counts.set(key, (counts.get(key) ?? 0) + 1);
  const timing = (key: string): number => (key.startsWith('stage_seconds.') ? 1 : 0);
  return [...counts].sort(([a, m], [b, n]) => timing(a) - timing(b) || n - m || (a < b ? -1 : 1)).map(([key]) => key);
}

function differ(runs: readonly Run[], key: string): boolean {
  return new Set(runs.map((run) => run.params.find((param) => param.key === key)?.value)).size > 1;
}

/** The lines of `runs compare`: a row per field, a column per run. */
export function compareTable(titles: readonly string[], fields: readonly ComparedField[], columns: number): string[] {
  const header: Column[] = [
    { title: '', drop: 0 },
    ...titles.map((title, i): Column => ({ title, align: 'right', drop: i + 1 })),
  ];
  const rows = fields.map(({ key, values }) => [key, ...values.map(shortNumber)]);
  return textTable(header, rows, columns);
}

/** The lines of `runs show`. */
export function runDetails(run: Run, experiment: string, models: readonly LoggedModel[]): string[] {
  const { info } = run;
  const ended = info.endTime === undefined ? '' : ` (${formatDuration(info.endTime - info.startTime)})`;
  const facts: [string, string | undefined][] = [
    ['run', info.id],
    ['name', info.name],
    ['experiment', experiment],
    ['status', info.lifecycle === 'deleted' ? `${info.status.toLowerCase()}, deleted` : info.status.toLowerCase()],
    ['started', `${when(info.startTime)}${ended}`],
    ['user', tagOf(run, 'mlflow.user') ?? info.userId],
    ['command', tagOf(run, 'mlflow.source.name')],
    ['commit', tagOf(run, 'mlflow.source.git.commit')],
    ['parent', tagOf(run, 'mlflow.parentRunId')],
    ['artifacts', info.artifactUri],
  ];
  const shown = facts.filter(([, value]) => value !== undefined && value !== '');
  const pairs = (title: string, items: readonly [string, string][]): string[] => {
    if (items.length === 0) return [];
    const width = Math.max(...items.map(([key]) => key.length));
    return ['', title, ...items.map(([key, value]) => `  ${key.padEnd(width)}  ${value}`)];
  };
  const byKey = (a: { key: string }, b: { key: string }): number => (a.key < b.key ? -1 : 1);
  return [
    ...shown.map(([key, value]) => `${key.padEnd(10)}  ${value}`),
    ...pairs(
      'params',
      [...run.params].sort(byKey).map(({ key, value }) => [key, value]),
    ),
    ...pairs(
      'metrics',
      [...run.metrics].sort(byKey).map(({ key, value }) => [key, shortNumber(value)]),
    ),
    ...pairs(
      'models',
      models.map(({ name, id }) => [name, `models:/${id}`]),
    ),
    ...pairs(
      'inputs',
      run.datasets.map(({ dataset }) => [dataset.name, dataset.digest]),
    ),
    ...pairs(
      'tags',
      [...run.tags]
        .filter(({ key }) => !key.startsWith('mlflow.'))
        .sort(byKey)
        .map(({ key, value }) => [key, value]),
    ),
  ];
}
