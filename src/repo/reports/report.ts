import * as path from 'node:path';

import { isMlopsError, messageOf, pythonEquals, type PyValue } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';

/** Why a file or a revision could not be shown, under the class name that DVC's JSON gives. */
export interface ReportFailure {
  readonly type: string;
  readonly message: string;
}

/** What one file of a revision holds, or why it could not be read. */
export type FileReport = { readonly data: PyValue } | { readonly error: ReportFailure };

/** The metrics or params of one revision by tree path, or why nothing could be loaded. */
export interface RevisionReport {
  readonly label: string;
  readonly files: ReadonlyMap<TreePath, FileReport>;
  readonly error?: ReportFailure;
}

/** True when anything in the revision failed to load. */
export function hasFailure(report: RevisionReport): boolean {
  return report.error !== undefined || [...report.files.values()].some((file) => 'error' in file);
}

/** Drops the work tree where it says the same as the branch that is checked out. */
export function hideEqualWorkspace(reports: readonly RevisionReport[], branch: string | undefined): RevisionReport[] {
  const workspace = reports.find((report) => report.label === 'workspace');
  const active = reports.find((report) => report.label === branch);
  if (workspace === undefined || active === undefined || !sameReport(workspace, active)) return [...reports];
  return reports.filter((report) => report !== workspace);
}

function sameReport(a: RevisionReport, b: RevisionReport): boolean {
  if (hasFailure(a) || hasFailure(b) || a.files.size !== b.files.size) return false;
  return [...a.files].every(([file, report]) => {
    const other = b.files.get(file);
    return 'data' in report && other !== undefined && 'data' in other && pythonEquals(report.data, other.data);
  });
}

/** A tree path as seen from another directory of the tree: `../metrics.json`. */
export function relativeToDirectory(file: TreePath, directory: TreePath): string {
  return path.posix.relative(`/${directory}`, `/${file}`) || '.';
}

/** Names a failure as DVC's exception would be called. */
export function failureOf(error: unknown, file = ''): ReportFailure {
  const message = messageOf(error);
  if (!isMlopsError(error)) return { type: error instanceof Error ? error.name : 'Error', message };
  const type = { bad_yaml: 'YAMLFileCorruptedError', bad_json: 'JSONFileCorruptedError' }[error.code as string];
  if (type !== undefined) return { type, message };
  if (error.code === 'bad_params') return { type: corruptedType(file), message };
  if (error.code === 'blob_not_found' || error.code === 'object_missing') return { type: 'FileNotFoundError', message };
  return { type: dvcTypes[error.code as string] ?? 'DvcException', message };
}

const dvcTypes: Readonly<Record<string, string>> = {
  bad_project_file: 'YAMLValidationError',
  bad_template: 'ResolveError',
  unknown_stage: 'StageNotFound',
  corrupt_object: 'ObjectFormatError',
};

function corruptedType(file: string): string {
  const types: Readonly<Record<string, string>> = {
    '.json': 'JSONFileCorruptedError',
    '.toml': 'TOMLFileCorruptedError',
    '.py': 'PythonFileCorruptedError',
  };
  return types[path.posix.extname(file).toLowerCase()] ?? 'YAMLFileCorruptedError';
}
