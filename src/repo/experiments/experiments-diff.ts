import { compareCodePoints, type PyValue } from '../../base/index.ts';
import { headCommit, type TreePath } from '../../git/index.ts';
import { stateOf, type ExperimentState } from './experiments-show.ts';
import type { ReportProject } from '../reports/report-index.ts';
import type { FileReport } from '../reports/report.ts';
import { requireGit, resolveProjectRevision } from '../open/revisions.ts';
import { diffValues, type FileDiff } from '../reports/value-diff.ts';

export interface ExperimentsDiff {
  readonly metrics: ReadonlyMap<TreePath, FileDiff>;
  readonly params: ReadonlyMap<TreePath, FileDiff>;
}

export interface ExperimentsDiffOptions {
  /** Old experiment or revision; HEAD when not given. */
  readonly from?: string | undefined;
  /** New one; the work tree when not given. */
  readonly to?: string | undefined;
  /** Unchanged values too. */
  readonly all?: boolean;
  readonly paramDeps?: boolean;
}

/** `exp diff`: what changed in metrics and params. Undefined before the first commit. */
export function diffExperiments(project: ReportProject, options: ExperimentsDiffOptions): ExperimentsDiff | undefined {
  const { root } = project;
  requireGit(root);
  if (headCommit(root) === undefined) return undefined;
  const load = (rev: string): ExperimentState =>
    stateOf(project, rev, undefined, undefined, options.paramDeps === true);
  const old = load(resolveProjectRevision(root, options.from ?? 'HEAD'));
  const now = load(options.to === undefined ? 'workspace' : resolveProjectRevision(root, options.to));
  const compare = (key: 'metrics' | 'params'): Map<TreePath, FileDiff> => {
    const left = old.data?.[key] ?? new Map<TreePath, FileReport>();
    const right = now.data?.[key] ?? new Map<TreePath, FileReport>();
    const files = [...new Set([...left.keys(), ...right.keys()])].sort(compareCodePoints);
    return new Map(
      files.flatMap((file): [TreePath, FileDiff][] => {
        const diff = diffValues(dataOf(left.get(file)), dataOf(right.get(file)), options.all === true);
        return diff.size === 0 ? [] : [[file, diff]];
      }),
    );
  };
  return { metrics: compare('metrics'), params: compare('params') };
}

function dataOf(report: FileReport | undefined): PyValue | undefined {
  return report !== undefined && 'data' in report ? report.data : undefined;
}
