import * as os from 'node:os';
import * as path from 'node:path';

import type { PyMap } from '../../base/index.ts';
import { startGitState, startWorkPatch, type GitState } from '../../git/index.ts';
import { readSettings, type Stage } from '../../project/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import { absolutePath } from '../../repo/open/pipeline-project.ts';
import { lineageOf, lineagePath } from '../../repo/pipeline/lineage.ts';
import type { Recorder } from '../../repo/pipeline/recorder.ts';
import { repro, type ReproOptions, type ReproResult } from '../../repo/pipeline/repro.ts';
import { patchLimit } from './provenance.ts';
import type { Snapshot, SnapshotLineage } from './record-snapshot.ts';
import type * as StoreModule from './record-store.ts';
import { trackingRecorder, type RecordOptions } from './record.ts';

type StoreCode = typeof StoreModule;

export interface RecordedReproOptions extends ReproOptions {
  /** False: nothing is recorded (`--no-record`). Undefined: as `mlops.yaml` says, else true. */
  readonly record?: boolean | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onWarning: (message: string) => void;
}

/** Reproduces a pipeline and records what ran into the tracking store of the project (or MLFLOW_TRACKING_URI). */
export async function recordedRepro(repo: DataRepo, options: RecordedReproOptions): Promise<ReproResult> {
  const recorder = recorderFor(repo, options);
  return repro(repo, recorder === undefined ? options : { ...options, recorder });
}

/**
 * The recorder of a project, or undefined where nothing is to be recorded.
 * @param change what a caller has otherwise: its own open store, a run of its own.
 */
export function recorderFor(
  repo: DataRepo,
  options: RecordedReproOptions,
  change: Partial<RecordOptions> = {},
): Recorder | undefined {
  const { record } = readSettings(repo.tree);
  if (options.dry === true || !(options.record ?? record.enabled)) return undefined;
  const remote = (options.env['MLFLOW_TRACKING_URI'] ?? '') !== '';
  // The store's code is loaded only when a stage is about to run, while git is asked.
  let store: Promise<StoreCode> | undefined;
  let state: Promise<GitState | undefined> | undefined;
  const load = (): Promise<StoreCode> => (store ??= import('./record-store.ts'));
  const git = (): Promise<GitState | undefined> => (state ??= gitStateOf(repo));
  return trackingRecorder({
    prepare() {
      git().catch(() => undefined);
      load().catch(() => undefined);
    },
    async open() {
      const { afterGrace, openPlace, trackingPlace } = await load();
      return openPlace(trackingPlace(repo.root, options.env), { signal: afterGrace(options.signal) });
    },
    experiment: record.experiment ?? path.basename(repo.root),
    git,
    changes: repo.gitRoot === undefined ? undefined : () => startWorkPatch(repo.gitRoot ?? repo.root, patchLimit),
    env: options.env,
    user: userName(options.env),
    snapshot: (stages) => snapshotOf(repo, stages),
    maxFileSize: record.maxFileSize,
    join: record.join,
    endpoint: remote ? undefined : async (opened) => (await load()).lazyEndpoint(opened),
    onWarning: options.onWarning,
    ...change,
  });
}

async function gitStateOf(repo: DataRepo): Promise<GitState | undefined> {
  return repo.gitRoot === undefined ? undefined : startGitState(repo.gitRoot);
}

/** The whole pipeline as these stages were recorded last. */
function snapshotOf(repo: DataRepo, all: readonly Stage[]): Snapshot {
  const stages = all.filter((stage) => stage.kind === 'pipeline');
  const made = new Set(stages.flatMap((stage) => stage.outs.map((out) => absolutePath(repo, stage, out))));
  const params = new Map<string, PyMap>();
  for (const stage of stages) mergeParams(repo, stage, params);
  const outs = (wanted: 'metric' | 'plot'): string[] =>
    stages.flatMap((stage) =>
      stage.outs
        .filter((out) => (wanted === 'metric' ? out.metric : out.plot !== undefined))
        .map((out) => lineagePath(repo, stage, out)),
    );
  return {
    root: repo.root,
    params,
    metricFiles: outs('metric'),
    plotFiles: outs('plot'),
    paramFiles: [...params.keys()],
    lineage: stages.flatMap((stage) => pipelineLineage(repo, stage, made)),
    stages: stages.map((stage) => ({
      address: stage.address,
      cmd: stage.locked?.cmd ?? stage.cmd ?? '',
      params: new Map(stage.params.map((dep) => [lineagePath(repo, stage, dep), dep.recorded ?? new Map()])),
    })),
  };
}

function mergeParams(repo: DataRepo, stage: Stage, params: Map<string, PyMap>): void {
  for (const dep of stage.params) {
    const file = lineagePath(repo, stage, dep);
    const known: PyMap = params.get(file) ?? new Map();
    for (const [key, value] of dep.recorded ?? []) known.set(key, value);
    params.set(file, known);
  }
}

function pipelineLineage(repo: DataRepo, stage: Stage, made: ReadonlySet<string>): SnapshotLineage[] {
  return lineageOf(repo, stage).map((entry) => ({
    ...entry,
    stage: stage.address,
    external: entry.role === 'dep' && !isMade(path.resolve(repo.root, entry.path), made),
  }));
}

/** A dep comes from the pipeline when it is an out, or lies inside one. */
function isMade(file: string, made: ReadonlySet<string>): boolean {
  for (let at = file; ; at = path.dirname(at)) {
    if (made.has(at)) return true;
    if (path.dirname(at) === at) return false;
  }
}

export function userName(env: Readonly<Record<string, string | undefined>>): string {
  const named = env['LOGNAME'] ?? env['USER'];
  if (named !== undefined && named !== '') return named;
  try {
    return os.userInfo().username;
  } catch {
    // A container's user without an entry in passwd.
    return String(process.getuid?.() ?? 'unknown');
  }
}
