import { compareCodePoints, pythonJson, type PyMap, type PyValue } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';
import type { ReportDiff } from '../../repo/reports/report-diff.ts';
import { relativeToDirectory, type RevisionReport } from '../../repo/reports/report.ts';
import { flattenValues, type ValueChange } from '../../repo/reports/value-diff.ts';
import { dvcTable } from './dvc-table.ts';
import { valueText } from './report-format.ts';

export interface TableOptions {
  readonly markdown: boolean;
  /** Digits after the point; floats are shown whole without it. */
  readonly precision?: number;
}

/** `metrics show` as a table: a row per file and revision, a column per value. */
export function reportTable(
  reports: readonly RevisionReport[],
  directory: TreePath,
  options: TableOptions & { readonly withRevision: boolean },
): string[] {
  const rows = reports.flatMap((report) =>
    [...report.files].map(([file, content]) => ({
      label: report.label,
      file: relativeToDirectory(file, directory),
      values: 'data' in content ? cellsOf(content.data) : new Map<string, PyValue>(),
    })),
  );
  const columns = [...new Set(rows.flatMap((row) => [...row.values.keys()]))].sort(compareCodePoints);
  const cells = rows.map(({ label, file, values }) => [
    ...(options.withRevision ? [label] : []),
    file,
    ...columns.map((column) => {
      const value = values.get(column);
      return value === undefined ? '-' : valueText(value, options.precision);
    }),
  ]);
  return dvcTable([...(options.withRevision ? ['Revision'] : []), 'Path', ...columns], cells, options);
}

function cellsOf(data: PyValue): Map<string, PyValue> {
  return data instanceof Map ? flattenValues(data) : new Map([['', data]]);
}

/** `metrics show --json`, in the bytes of Python. */
export function reportJson(reports: readonly RevisionReport[], directory: TreePath): string {
  const content = reports.map((report): [PyValue, PyValue] => {
    if (report.error !== undefined) return [report.label, pyMap({ error: failure(report.error) })];
    const files = [...report.files].map(([file, found]): [PyValue, PyValue] => [
      relativeToDirectory(file, directory),
      'data' in found ? pyMap({ data: found.data }) : pyMap({ error: failure(found.error) }),
    ]);
    return [report.label, pyMap({ data: new Map(files) })];
  });
  return pythonJson(new Map(content), false);
}

export interface DiffTableOptions {
  readonly markdown: boolean;
  readonly title: 'Metric' | 'Param';
  readonly from: string;
  readonly to: string;
  readonly withPath: boolean;
  readonly withChange: boolean;
  /** A value as text. */
  readonly text: (value: PyValue) => string;
  /** Stands where two values have no difference. Default `-`. */
  readonly noDifference?: string;
}

/** `metrics diff`, `params diff` and `exp diff` as a table: a row per changed value. */
export function diffTable(diff: Pick<ReportDiff, 'files'>, directory: TreePath, options: DiffTableOptions): string[] {
  const { withPath, withChange, noDifference = '-' } = options;
  const text = (value: PyValue): string => (value === null ? '-' : options.text(value));
  const rows = [...diff.files].flatMap(([file, changes]) =>
    [...changes].map(([key, change]) => [
      ...(withPath ? [relativeToDirectory(file, directory)] : []),
      key,
      text(change.old),
      text(change.new),
      ...(withChange ? [change.diff === undefined ? noDifference : text(change.diff)] : []),
    ]),
  );
  const header = [...(withPath ? ['Path'] : []), options.title, options.from, options.to];
  return dvcTable(withChange ? [...header, 'Change'] : header, rows, options);
}

/** `metrics diff --json` and `params diff --json`. */
export function diffJson(diff: ReportDiff, directory: TreePath): string {
  return pythonJson(diffMap(diff, directory), false);
}

/** Path to key to old, new and difference. */
export function diffMap(diff: Pick<ReportDiff, 'files'>, directory: TreePath): PyMap {
  const files = [...diff.files].map(([file, changes]): [PyValue, PyValue] => [
    relativeToDirectory(file, directory),
    new Map([...changes].map(([key, change]): [PyValue, PyValue] => [key, changeMap(change)])),
  ]);
  return new Map(files);
}

function changeMap(change: ValueChange): PyMap {
  const { old, new: now, diff } = change;
  return pyMap(diff === undefined ? { old, new: now } : { old, new: now, diff });
}

function failure(error: { readonly type: string; readonly message: string }): PyMap {
  return pyMap({ type: error.type, msg: error.message });
}

function pyMap(object: Readonly<Record<string, PyValue>>): PyMap {
  return new Map(Object.entries(object));
}
