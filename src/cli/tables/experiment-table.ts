import { compareCodePoints, MlopsError, type PyValue } from '../../base/index.ts';
import type { Baseline, Experiment, ExperimentState } from '../../repo/experiments/experiments-show.ts';
import type { FileReport } from '../../repo/reports/report.ts';
import { flattenParams } from '../../project/index.ts';
import { shortValueText } from './report-format.ts';

/** Which kind of thing a column shows. */
export type ColumnKind = 'fixed' | 'metrics' | 'params' | 'deps';

export interface ExperimentColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

export interface ExperimentTable {
  readonly columns: readonly ExperimentColumn[];
  /** A cell for each column. */
  readonly rows: readonly (readonly string[])[];
  /** What each row stands for. */
  readonly types: readonly RowType[];
}

export type RowType = 'baseline' | 'branch_commit' | 'branch_base';

export interface ExperimentTableOptions {
  /** What an absent value shows. */
  readonly fill: string;
  readonly precision?: number | undefined;
  /** Full times, as ISO 8601; otherwise the time of today or the date. */
  readonly iso: boolean;
  /** `metric`, `param`, `file:name`: order of the experiments of a baseline. */
  readonly sortBy?: string | undefined;
  readonly descending?: boolean;
  readonly now?: Date;
}

type Names = Map<string, Set<string>>;

/** The table of `exp show`, all columns: the fixed ones, then metrics, params and deps. */
export function experimentTable(baselines: readonly Baseline[], options: ExperimentTableOptions): ExperimentTable {
  const states = baselines.flatMap((baseline) => [baseline, ...baseline.experiments.flatMap(({ revs }) => revs)]);
  const names = { metrics: namesOf(states, 'metrics'), params: namesOf(states, 'params') };
  const deps = [...new Set(states.flatMap((state) => [...(state.data?.deps.keys() ?? [])]))].sort(compareCodePoints);
  const fixed = ['Experiment', 'rev', 'typ', 'Created', 'parent'];
  const counts = new Map<string, number>([...fixed, 'State', 'Executor'].map((name) => [name, 1]));
  const merged = new Map<string, Set<string>>();
  // A file with both metrics and params counts once, as the params: so DVC joins the two.
  for (const [file, keys] of [...names.metrics, ...names.params]) merged.set(file, keys);
  for (const keys of merged.values()) for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  const title = (file: string, key: string): string => (counts.get(key) === 1 ? key : `${file}:${key}`);
  const columns: ExperimentColumn[] = [
    ...fixed.map((name): ExperimentColumn => ({ name, kind: 'fixed' })),
    ...titles(names.metrics, title).map((name): ExperimentColumn => ({ name, kind: 'metrics' })),
    ...titles(names.params, title).map((name): ExperimentColumn => ({ name, kind: 'params' })),
    ...deps.map((name): ExperimentColumn => ({ name, kind: 'deps' })),
  ];
  const rows: string[][] = [];
  const types: RowType[] = [];
  const add = (state: ExperimentState, type: RowType): void => {
    const cells = new Map<string, string>([
      ['Experiment', type === 'baseline' ? '' : (state.name ?? '')],
      ['rev', type === 'baseline' ? (state.name ?? shortRev(state.rev)) : shortRev(state.rev)],
      ['typ', type],
      ['parent', ''],
      ['Created', timeText(state.data?.time, options)],
    ]);
    for (const kind of ['metrics', 'params'] as const) addValues(cells, state, kind, names[kind], title, options);
    for (const name of deps) {
      const dep = state.data?.deps.get(name);
      if (dep !== undefined) cells.set(name, dep.hash ?? options.fill);
    }
    rows.push(columns.map((column) => cells.get(column.name) ?? options.fill));
    types.push(type);
  };
  for (const baseline of baselines) {
    add(baseline, 'baseline');
    const { experiments } = baseline;
    const ordered = options.sortBy === undefined ? experiments : sorted(experiments, options.sortBy, names, options);
    ordered.forEach(({ revs: [head] }, index) => {
      if (head !== undefined) add(head, index === ordered.length - 1 ? 'branch_base' : 'branch_commit');
    });
  }
  return { columns, rows, types };
}

/** Keeps the columns that `wanted` says; rows stay in step. */
export function keepColumns(
  table: ExperimentTable,
  wanted: (column: ExperimentColumn, index: number) => boolean,
): ExperimentTable {
  const kept = table.columns.flatMap((column, index) => (wanted(column, index) ? [index] : []));
  return {
    ...table,
    columns: kept.flatMap((index) => table.columns[index] ?? []),
    rows: table.rows.map((row) => kept.map((index) => row[index] ?? '')),
  };
}

function namesOf(states: readonly ExperimentState[], kind: 'metrics' | 'params'): Names {
  const names: Names = new Map();
  for (const state of states) {
    for (const [file, report] of state.data?.[kind] ?? []) {
      const keys = names.get(file) ?? new Set<string>();
      names.set(file, keys);
      for (const key of flat(report).keys()) keys.add(key);
    }
  }
  return names;
}

function titles(names: Names, title: (file: string, key: string) => string): string[] {
  return [...names].flatMap(([file, keys]) => [...keys].map((key) => title(file, key)));
}

function flat(report: FileReport): Map<string, PyValue> {
  if ('error' in report || !(report.data instanceof Map)) return new Map();
  return new Map([...flattenParams(report.data)].filter(([, value]) => !(value instanceof Map)));
}

function addValues(
  cells: Map<string, string>,
  state: ExperimentState,
  kind: 'metrics' | 'params',
  names: Names,
  title: (file: string, key: string) => string,
  options: ExperimentTableOptions,
): void {
  for (const [file, report] of state.data?.[kind] ?? []) {
    const values = flat(report);
    for (const key of names.get(file) ?? []) {
      const value = values.get(key);
      const absent = 'error' in report ? '!' : options.fill;
      const text = value === undefined || value === null ? absent : shortValueText(value, options.precision);
      cells.set(title(file, key), text);
    }
  }
}

function shortRev(rev: string): string {
  return /^[0-9a-f]{40}$/.test(rev) ? rev.slice(0, 7) : rev;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A moment in local time, as DVC shows it. */
export function timeText(seconds: number | undefined, options: ExperimentTableOptions): string {
  if (seconds === undefined) return options.fill;
  const time = new Date(seconds * 1000);
  if (options.iso) return isoLocal(seconds);
  const now = options.now ?? new Date();
  const two = (number: number): string => String(number).padStart(2, '0');
  if (time.toDateString() === now.toDateString()) {
    return `${two(time.getHours() % 12 || 12)}:${two(time.getMinutes())} ${time.getHours() < 12 ? 'AM' : 'PM'}`;
  }
  return `${months[time.getMonth()]} ${two(time.getDate())}, ${time.getFullYear()}`;
}

/** Local time in ISO 8601 without a zone. */
export function isoLocal(seconds: number): string {
  const time = new Date(seconds * 1000);
  const two = (number: number): string => String(number).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date}T${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

function sorted(
  experiments: readonly Experiment[],
  sortBy: string,
  names: { readonly metrics: Names; readonly params: Names },
  options: ExperimentTableOptions,
): Experiment[] {
  const { kind, file, key } = sortColumn(sortBy, names);
  const valueOf = (experiment: Experiment): PyValue => {
    const report = experiment.revs[0]?.data?.[kind].get(file);
    return report === undefined ? null : (flat(report).get(key) ?? null);
  };
  const direction = options.descending === true ? -1 : 1;
  return experiments.toSorted((a, b) => direction * compareValues(valueOf(a), valueOf(b)));
}

interface SortColumn {
  readonly kind: 'metrics' | 'params';
  readonly file: string;
  readonly key: string;
}

function sortColumn(sortBy: string, names: { readonly metrics: Names; readonly params: Names }): SortColumn {
  const kinds = ['metrics', 'params'] as const;
  const all = kinds.flatMap((kind) =>
    [...names[kind]].flatMap(([file, keys]) => [...keys].map((key): SortColumn => ({ kind, file, key }))),
  );
  const exact = all.filter(({ file, key }) => `${file}:${key}` === sortBy);
  const matches = exact.length > 0 ? exact : all.filter(({ key }) => key === sortBy.replace(/^:/, ''));
  const [match] = matches;
  if (match === undefined) throw new MlopsError('usage', `Unknown sort column '${sortBy}'`, { exit: 255 });
  if (matches.length === 1) return match;
  const list = matches.map(({ file, key }) => `${file}:${key}`).join(', ');
  throw new MlopsError('usage', `Ambiguous sort column '${sortBy}' matched '${list}'`, { exit: 255 });
}

/** Numbers by size, texts by code points, what is absent last. */
function compareValues(a: PyValue, b: PyValue): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === 'string' && typeof b === 'string') return compareCodePoints(a, b);
  return Number(a) - Number(b);
}
