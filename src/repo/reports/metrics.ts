import type { PyMap, PyValue } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';
import { decodeText, parseDataFile } from '../../project/index.ts';
import { diffReports, type ReportDiff } from './report-diff.ts';
import { openReports, type ReportProject, type Reports } from './report-index.ts';
import { failureOf, hideEqualWorkspace, type FileReport, type RevisionReport } from './report.ts';
import {
  activeBranch,
  selectRevision,
  selectRevisions,
  type Revision,
  type RevisionChoice,
} from '../open/revisions.ts';
import { isScalarMetric } from './value-diff.ts';

export interface MetricsOptions extends RevisionChoice {
  /** Tree paths of files or directories; all metrics of the project otherwise. */
  readonly targets?: readonly TreePath[];
  readonly onWarning?: (message: string) => void;
}

/** `metrics show`: the metrics of the chosen revisions; what cannot be read is reported in its place. */
export function showMetrics(project: ReportProject, options: MetricsOptions = {}): RevisionReport[] {
  const reports = selectRevisions(project.root, options).map((revision) => metricsOf(project, revision, options));
  return hideEqualWorkspace(reports, reports.length > 1 ? activeBranch(project.root) : undefined);
}

export interface MetricsDiffOptions extends MetricsOptions {
  readonly from: string;
  readonly to: string;
  /** Unchanged values too. */
  readonly all?: boolean;
}

/** `metrics diff`: old and new values between two revisions; `workspace` is the work tree. */
export function diffMetrics(project: ReportProject, options: MetricsDiffOptions): ReportDiff {
  const { from, to } = options;
  return diffReports(project.root, [from, to], options.all === true, (name) =>
    metricsOf(project, selectRevision(project.root, name), options),
  );
}

/** The metrics of one revision. */
export function metricsOf(project: ReportProject, revision: Revision, options: MetricsOptions = {}): RevisionReport {
  const { label } = revision;
  try {
    return { label, files: metricsIn(openReports(project, revision), options.targets) };
  } catch (error) {
    const failure = failureOf(error);
    options.onWarning?.(`failed to load metrics in revision '${label}', ${failure.message}`);
    return { label, files: new Map(), error: failure };
  }
}

/** Metrics of what was opened already: of some files or directories, else all. */
export function metricsIn(reports: Reports, targets: readonly TreePath[] = []): Map<TreePath, FileReport> {
  const wanted = targets.length > 0 ? targets : metricFiles(reports);
  return new Map(reports.files.expand(wanted).map((file) => [file, readMetrics(reports, file)]));
}

function metricFiles(reports: Reports): TreePath[] {
  const outs = reports.stages.flatMap((stage) => stage.outs).filter((out) => out.metric);
  return [...outs.flatMap((out) => out.path ?? []), ...reports.metricFiles];
}

function readMetrics(reports: Reports, file: TreePath): FileReport {
  try {
    return { data: keepMetrics(parseDataFile(decodeText(reports.files.read(file), file), file)) ?? new Map() };
  } catch (error) {
    return { error: failureOf(error, file) };
  }
}

/** Numbers, booleans and strings, and mappings of them; everything else is no metric. */
function keepMetrics(value: PyValue): PyValue | undefined {
  if (!(value instanceof Map)) return isScalarMetric(value) ? value : undefined;
  const kept: PyMap = new Map();
  for (const [key, item] of value) {
    const inner = keepMetrics(item);
    if (inner !== undefined && !(inner instanceof Map && inner.size === 0)) kept.set(key, inner);
  }
  return kept;
}
