import { headCommit, type TreePath } from '../../git/index.ts';
import type { ContentInfo } from '../../project/index.ts';
import {
  commitTimes,
  describeCommits,
  experimentCommits,
  listExperimentRefs,
  selectBaselines,
  type BaselineChoice,
  type ExperimentRef,
} from '../open/experiment-refs.ts';
import { metricsIn } from '../reports/metrics.ts';
import { paramsIn } from '../reports/params.ts';
import { openReports, type ReportProject, type Reports } from '../reports/report-index.ts';
import { failureOf, type FileReport, type ReportFailure } from '../reports/report.ts';
import { requireGit, selectRevision, type Revision } from '../open/revisions.ts';

/** Recorded content of a dep or out. */
export interface ExperimentFile {
  readonly hash: string | undefined;
  readonly size: number | undefined;
  readonly nfiles: number | undefined;
}

export interface ExperimentOut extends ExperimentFile {
  readonly useCache: boolean;
  readonly isDataSource: boolean;
}

/** What a revision holds. */
export interface ExperimentData {
  /** Seconds since 1970; undefined for the work tree. */
  readonly time: number | undefined;
  readonly params: ReadonlyMap<TreePath, FileReport>;
  readonly metrics: ReadonlyMap<TreePath, FileReport>;
  readonly deps: ReadonlyMap<string, ExperimentFile>;
  readonly outs: ReadonlyMap<string, ExperimentOut>;
}

/** A row of `exp show`: the work tree, a baseline, or a commit of an experiment. */
export interface ExperimentState {
  /** `workspace` or a full hash. */
  readonly rev: string;
  readonly name: string | undefined;
  readonly data: ExperimentData | undefined;
  readonly error: ReportFailure | undefined;
}

export interface Baseline extends ExperimentState {
  /** Newest first. */
  readonly experiments: readonly Experiment[];
}

export interface Experiment {
  readonly name: string;
  /** Its commits, newest first. */
  readonly revs: readonly ExperimentState[];
}

export interface ShowExperimentsOptions extends BaselineChoice {
  readonly hideWorkspace?: boolean;
  /** Commits by hash only. */
  readonly hashOnly?: boolean;
  /** Only params that stages depend on. */
  readonly paramDeps?: boolean;
}

/** `exp show`: the work tree, then each baseline with the experiments that started from it. */
export function showExperiments(project: ReportProject, options: ShowExperimentsOptions = {}): Baseline[] {
  const { root } = project;
  requireGit(root);
  if (headCommit(root) === undefined) return [];
  const baselines = selectBaselines(root, options);
  const names = options.hashOnly === true ? new Map<string, string>() : describeCommits(root);
  const refs = new Map<string, ExperimentRef[]>();
  for (const ref of listExperimentRefs(root)) refs.set(ref.baseline, [...(refs.get(ref.baseline) ?? []), ref]);
  const commitsOf = new Map(
    baselines.flatMap((baseline) =>
      (refs.get(baseline) ?? []).map((ref) => [ref, experimentCommits(root, ref)] as const),
    ),
  );
  const times = commitTimes(root, [...baselines, ...[...commitsOf.values()].flat()]);
  const load = (rev: string, name: string | undefined, paramDeps: boolean): ExperimentState =>
    stateOf(project, rev, name, times.get(rev), paramDeps);
  const paramDeps = options.paramDeps === true;
  const result: Baseline[] = [];
  if (options.hideWorkspace !== true) result.push({ ...load('workspace', undefined, paramDeps), experiments: [] });
  for (const baseline of baselines) {
    const experiments = (refs.get(baseline) ?? []).flatMap((ref): Experiment[] => {
      const revs = (commitsOf.get(ref) ?? []).map((rev, i) => load(rev, i === 0 ? ref.name : undefined, paramDeps));
      return revs.length === 0 ? [] : [{ name: ref.name, revs }];
    });
    experiments.sort(newestFirst);
    result.push({ ...load(baseline, names.get(baseline), false), experiments });
  }
  return result;
}

/** What one revision holds, or why it could not be loaded. */
export function stateOf(
  project: ReportProject,
  rev: string,
  name: string | undefined,
  time: number | undefined,
  paramDeps: boolean,
): ExperimentState {
  const revision: Revision = selectRevision(project.root, rev);
  try {
    const reports = openReports(project, revision);
    const params = paramsIn(reports, { depsOnly: paramDeps });
    const data = { time, params, metrics: metricsIn(reports), deps: depsOf(reports), outs: outsOf(reports) };
    return { rev, name, data, error: undefined };
  } catch (error) {
    return { rev, name, data: undefined, error: failureOf(error) };
  }
}

function depsOf({ stages }: Reports): Map<string, ExperimentFile> {
  const deps = stages.flatMap((stage) => stage.deps).filter((dep) => dep.repo === undefined);
  return new Map(deps.map((dep) => [dep.path ?? dep.defPath, factsOf(dep.info)]));
}

function outsOf({ stages }: Reports): Map<string, ExperimentOut> {
  return new Map(
    stages.flatMap((stage) =>
      stage.outs
        .filter((out) => !out.metric && out.plot === undefined)
        .map((out): [string, ExperimentOut] => {
          const isDataSource = stage.cmd === undefined;
          return [out.path ?? out.defPath, { ...factsOf(out.info), useCache: out.cache, isDataSource }];
        }),
    ),
  );
}

function factsOf(info: ContentInfo | undefined): ExperimentFile {
  return { hash: info?.md5 ?? info?.etag, size: info?.size, nfiles: info?.nfiles };
}

function newestFirst(a: Experiment, b: Experiment): number {
  const [left, right] = [a.revs[0], b.revs[0]];
  const later = (right?.data?.time ?? 0) - (left?.data?.time ?? 0);
  if (later !== 0) return later;
  return (left?.rev ?? '') < (right?.rev ?? '') ? 1 : -1;
}
