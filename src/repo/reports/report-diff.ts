import { compareCodePoints, type PyValue } from '../../base/index.ts';
import { headCommit, type TreePath } from '../../git/index.ts';
import { hasFailure, type RevisionReport } from './report.ts';
import { requireGit } from '../open/revisions.ts';
import { diffValues, type FileDiff } from './value-diff.ts';

/** What changed between two revisions, files and keys in code point order. */
export interface ReportDiff {
  readonly files: ReadonlyMap<TreePath, FileDiff>;
  /** Names of the revisions in which something could not be loaded. */
  readonly failed: readonly string[];
}

/**
 * Compares what `load` reports for two revisions. Before the first commit there is nothing to compare:
 * the answer is empty, as with DVC.
 */
export function diffReports(
  root: string,
  [from, to]: readonly [string, string],
  withUnchanged: boolean,
  load: (name: string) => RevisionReport,
): ReportDiff {
  requireGit(root);
  if (headCommit(root) === undefined) return { files: new Map(), failed: [] };
  const old = load(from);
  const now = load(to);
  const files = new Map<TreePath, FileDiff>();
  for (const file of [...new Set([...old.files.keys(), ...now.files.keys()])].sort(compareCodePoints)) {
    const diff = diffValues(dataOf(old, file), dataOf(now, file), withUnchanged);
    if (diff.size > 0) files.set(file, diff);
  }
  return { files, failed: [old, now].filter(hasFailure).map((report) => report.label) };
}

function dataOf(report: RevisionReport, file: TreePath): PyValue | undefined {
  const found = report.files.get(file);
  return found !== undefined && 'data' in found ? found.data : undefined;
}
