import * as path from 'node:path';

import { didYouMean, isMlopsError, MlopsError, type OnProgress } from '../../base/index.ts';
import { appendToGitignore, startIgnoredByGit, trackedByGit } from '../../git/index.ts';
import { localExecutor, type Executor } from '../../execute/index.ts';
import type { Stage } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { gitSide, type GitSide } from '../open/git-side.ts';
import { LockStore } from '../open/lock-store.ts';
import { planOrder } from './order.ts';
import { absolutePath } from '../open/pipeline-project.ts';
import { noRecorder, type Recorder } from './recorder.ts';
import type { OnReproEvent } from './repro-events.ts';
import { reproduceStage } from './repro-one.ts';
import type { InTurn, OutsInGit, ReproContext } from './repro-context.ts';
import { runPlan, type PlanOutcome } from './repro-schedule.ts';
import { pipelineTargets } from './repro-targets.ts';
import { openRunCache } from '../stages/run-cache.ts';
import { endOrphans, RunningStages } from '../guard/running-stages.ts';
import { recoverOuts } from '../guard/set-aside.ts';
import { stageExclusion } from '../stages/stage-exclusion.ts';

export interface ReproOptions {
  /** Stages, groups, stage files, folders (with `recursive`), patterns (with `glob`); `dvc.yaml` when empty. */
  readonly targets?: readonly string[];
  readonly recursive?: boolean;
  readonly glob?: boolean;
  readonly force?: boolean;
  readonly single?: boolean;
  readonly pipeline?: boolean;
  readonly allPipelines?: boolean;
  readonly downstream?: boolean;
  readonly forceDownstream?: boolean;
  readonly pull?: boolean;
  readonly allowMissing?: boolean;
  readonly dry?: boolean;
  /** Tell every change of a stage, not only whether there is one. */
  readonly explain?: boolean;
  readonly onError?: 'fail' | 'keep-going' | 'ignore';
  readonly noCommit?: boolean;
  readonly noRunCache?: boolean;
  /** Stages at a time. Default 1. */
  readonly jobs?: number;
  /** Asks before each stage. */
  readonly confirm?: (question: string) => Promise<boolean>;
  readonly recorder?: Recorder;
  /** How the command was given, for the recorder. */
  readonly command?: string;
  readonly executor?: Executor;
  /** Does work that must not be done twice at once: others with the same key wait, and look again. */
  readonly inTurn?: InTurn | undefined;
  /** Added to the environment of the stages' commands. */
  readonly variables?: Readonly<Record<string, string>>;
  /** `inherit` gives the terminal to stage commands; only with one stage at a time. Default `pipe`. */
  readonly output?: 'inherit' | 'pipe';
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: OnReproEvent;
  /** Told while large data is hashed and stored. */
  readonly onProgress?: OnProgress;
}

export interface ReproResult {
  /** Stages that were run, restored or verified, in the order they ended. */
  readonly stages: readonly Stage[];
  /** Stages whose failure was ignored. */
  readonly failed: readonly Stage[];
  /** Files for the user to `git add`, relative to where the command was given. */
  readonly gitFiles: readonly string[];
  /** The run that was recorded. */
  readonly runId: string | undefined;
}

/**
 * Runs the stages of a pipeline that are not up to date, in the order and with the meaning of `dvc repro`.
 *
 * @throws MlopsError `stage_failed` naming stage and reason, `interrupted`, and what reading the project throws.
 */
export async function repro(repo: DataRepo, options: ReproOptions = {}): Promise<ReproResult> {
  const onEvent = options.onEvent ?? (() => undefined);
  const recorder = options.dry === true ? noRecorder : (options.recorder ?? noRecorder);
  const executor = options.executor ?? localExecutor({ gpus: gpusOf(repo.env) });
  if (options.dry !== true) await recover(repo, executor, onEvent);
  if (options.pull === true && options.noRunCache !== true && options.dry !== true) {
    await fetchRunCache(repo, options);
  }
  const steps = planSteps(repo, options);
  const { needs } = repo.graph();
  onEvent({
    kind: 'plan',
    stages: steps,
    needs: (stage) => (options.single === true || stage.frozen ? [] : [...(needs.get(stage) ?? [])]),
  });
  const git = gitSide(repo);
  const finished = new Map<string, Stage>();
  const context = contextOf(repo, options, { executor, git, recorder, onEvent, steps, finished });
  let outcome: PlanOutcome | undefined;
  let gitFiles: string[] = [];
  let status: 'finished' | 'failed' | 'killed' = 'failed';
  let run: { runId: string } | undefined;
  const all = repo.stages();
  try {
    outcome = await runPlan(repo.graph(), steps, (task) => reproduceStage(context, task), {
      force: options.force === true,
      forceDownstream: options.forceDownstream === true,
      onError: options.onError ?? 'fail',
      jobs: options.jobs ?? 1,
      capacity: executor.capacity(),
      single: options.single === true,
      onEvent,
    });
    status = outcome.failed.length > 0 ? 'failed' : 'finished';
  } catch (error) {
    if (isMlopsError(error, 'interrupted')) status = 'killed';
    throw error;
  } finally {
    repo.forget();
    context.running.close();
    gitFiles = git.finish();
    run = await recorder.end(
      status,
      all.map((stage) => finished.get(stage.address) ?? stage),
    );
  }
  if (outcome.failed.length > 0 && options.onError !== 'ignore') throw failedStages(outcome.failed);
  return { stages: outcome.done, failed: outcome.failed, gitFiles, runId: run?.runId };
}

/** GPUs of this machine: `MLOPS_GPUS`. */
function gpusOf(env: DataRepo['env']): number | undefined {
  const given = env['MLOPS_GPUS'];
  return given === undefined ? undefined : Number(given);
}

/** What a repro that was killed left: commands that still run are ended, outputs that it moved aside come back. */
async function recover(repo: DataRepo, executor: Executor, onEvent: OnReproEvent): Promise<void> {
  await endOrphans(repo.stateDir, executor, ({ stage, shown }) => {
    const message = `stage '${stage}' of a repro that was killed was still running (${shown}); it is ended`;
    onEvent({ kind: 'warning', message });
  });
  recoverOuts(repo, executor);
}

async function fetchRunCache(repo: DataRepo, options: ReproOptions): Promise<void> {
  const { fetchRuns } = await import('../sync/transfer.ts');
  try {
    await fetchRuns(repo, options.signal);
  } catch (error) {
    if (!isMlopsError(error)) throw error;
    options.onEvent?.({ kind: 'warning', message: `Failed to pull run cache: ${error.message}` });
  }
}

/** The stages to look at, in DVC's order. */
export function planSteps(repo: DataRepo, options: ReproOptions): Stage[] {
  const all = options.allPipelines === true;
  const targets = all ? [] : pipelineTargets(repo, options);
  return planOrder(repo.graph(), {
    targets,
    pipeline: options.pipeline === true,
    downstream: options.downstream === true && options.pipeline !== true && !all,
    single: options.single === true && options.pipeline !== true && !all,
  });
}

function contextOf(
  repo: DataRepo,
  options: ReproOptions,
  parts: {
    executor: Executor;
    git: GitSide;
    recorder: Recorder;
    onEvent: OnReproEvent;
    steps: readonly Stage[];
    finished: Map<string, Stage>;
  },
): ReproContext {
  const { executor, git, recorder, onEvent, steps, finished } = parts;
  const outs = outsInGit(repo, git, steps);
  const onWarning = (message: string): void => onEvent({ kind: 'warning', message });
  let begun: Promise<void> | undefined;
  return {
    repo,
    executor,
    variables: options.variables ?? {},
    inTurn: options.inTurn,
    runs: openRunCache(path.join(repo.data.cacheDir, 'runs'), onWarning),
    locks: new LockStore(repo.root),
    git,
    recorder,
    onEvent,
    running: new RunningStages(repo.stateDir),
    signal: options.signal,
    onProgress: options.onProgress,
    output: (options.jobs ?? 1) > 1 ? 'pipe' : (options.output ?? 'pipe'),
    dry: options.dry === true,
    explain: options.explain === true,
    noCommit: options.noCommit === true,
    useRunCache: options.noRunCache !== true,
    allowMissing: options.allowMissing === true,
    pull: options.pull === true,
    confirm: options.confirm,
    prepare() {
      outs.prepare();
      recorder.prepare();
    },
    onFinished: (stage) => void finished.set(stage.address, stage),
    beginRecording: () =>
      (begun ??= recorder.begin({
        command: options.command ?? 'repro',
        stages: steps.filter((stage) => stage.kind === 'pipeline').map((stage) => stage.address),
        startedAt: Date.now(),
      })),
    outsInGit: outs,
    exclusion: stageExclusion(repo, onWarning, options.signal),
  };
}

/** Asks Git once about the outputs of all stages, when the first one is about to run. */
function outsInGit(repo: DataRepo, git: GitSide, steps: readonly Stage[]): OutsInGit & { prepare(): void } {
  const { gitRoot } = repo;
  const cachedOuts = (stage: Stage): string[] =>
    stage.outs.filter((out) => out.cache && out.path !== undefined).map((out) => absolutePath(repo, stage, out));
  const all = (): string[] => steps.flatMap(cachedOuts);
  let ignored: Promise<Set<string>> | undefined;
  let tracked: Set<string> | undefined;
  const prepare = (): Promise<Set<string>> => {
    if (ignored !== undefined) return ignored;
    ignored = gitRoot === undefined ? Promise.resolve(new Set<string>()) : startIgnoredByGit(gitRoot, all());
    // A failure is told where the answer is needed.
    ignored.catch(() => undefined);
    return ignored;
  };
  return {
    prepare: () => void prepare(),
    refuseTracked(stage) {
      tracked ??= gitRoot === undefined ? new Set() : trackedByGit(gitRoot, all());
      const own = cachedOuts(stage).filter((out) => tracked?.has(out));
      if (own.length > 0) git.ignore(own);
    },
    async ignore(stage) {
      const known = await prepare();
      const open = cachedOuts(stage).filter((out) => !known.has(out));
      if (open.length === 0 || gitRoot === undefined) return;
      for (const file of appendToGitignore(gitRoot, open)) git.changed(file);
      for (const out of open) known.add(out);
    },
  };
}

/** What DVC says about stages that failed while others went on. */
function failedStages(stages: readonly Stage[]): MlopsError {
  const names = stages.map((stage) => `'${stage.address}'`);
  const last = names.pop() ?? '';
  const joined = names.length === 0 ? last : `${names.join(', ')} and ${last}`;
  return new MlopsError('stage_failed', `failed to reproduce${stages.length > 1 ? ' stages:' : ''} ${joined}`, {
    data: { stages: stages.map((stage) => stage.address) },
  });
}

/** The stage with this address, or an error with the nearest one. */
export function stageNamed(repo: DataRepo, address: string): Stage {
  const stage = repo.stages().find((other) => other.address === address);
  if (stage !== undefined) return stage;
  throw new MlopsError('unknown_stage', `there is no stage '${address}'`, {
    hint: didYouMean(
      address,
      repo.stages().map((other) => other.address),
    ),
  });
}
