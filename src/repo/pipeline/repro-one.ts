import * as path from 'node:path';

import { isMlopsError, MlopsError, type PyMap } from '../../base/index.ts';
import { commitOut } from '../../data/index.ts';
import type { ContentInfo, LockedStage, Out, Stage } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { absolutePath } from '../open/pipeline-project.ts';
import { lineageOf } from './lineage.ts';
import type { StageEnd, StageRecorder } from './recorder.ts';
import { runCommands } from './repro-command.ts';
import type { ReproContext, StageTask } from './repro-context.ts';
import { dryRun, uncertainties } from './repro-dry.ts';
import { madeBefore, pullDeps, pullInstead } from './repro-pull.ts';
import {
  commitStage,
  lockedFrom,
  namedOuts,
  prepareOuts,
  readInputs,
  restoreOuts,
  withLock,
} from '../stages/repro-stage.ts';
import { isCacheable, runKey } from '../stages/run-cache.ts';
import { setAside } from '../guard/set-aside.ts';
import { stageChanges } from '../stages/stage-changes.ts';

/** The stage with its new contents, or undefined when there was nothing to do. */
export async function reproduceStage(context: ReproContext, task: StageTask): Promise<Stage | undefined> {
  const { repo, onEvent, signal } = context;
  const { stage, force, upstream } = task;
  const { allowMissing } = context;
  if (stage.frozen && stage.deps.every((dep) => dep.repo === undefined) && stage.kind === 'pipeline') {
    const message = `stage: '${stage.address}' is frozen. Its dependencies are not going to be reproduced.`;
    onEvent({ kind: 'warning', message });
  }
  if (!force || context.explain) {
    const changes = await stageChanges(repo, stage, { first: !context.explain, allowMissing, upstream, signal });
    if (changes.length > 0) onEvent({ kind: 'changed', stage, changes });
    const since = context.dry && changes.length === 0 && !force ? uncertainties(task) : [];
    if (since.length > 0) onEvent({ kind: 'uncertain', stage, since });
    else if (changes.length === 0 && !force) {
      onEvent({ kind: 'unchanged', stage });
      return undefined;
    }
    if (!force && context.pull && (await pullInstead(context, task))) return undefined;
  }
  const question = `Going to reproduce stage: '${stage.address}'. Are you sure you want to continue?`;
  if (context.confirm !== undefined && !(await context.confirm(question))) {
    throw new MlopsError('stage_failed', 'reproduction aborted by the user');
  }
  if (context.dry) return dryRun(context, task);
  return context.exclusion.exclusively(stage, (waited) =>
    waited ? lookAgain(context, task) : bringUpToDate(context, task),
  );
}

function bringUpToDate(context: ReproContext, task: StageTask): Promise<Stage> {
  return task.stage.kind === 'data' ? verifyData(context, task.stage) : runOrRestore(context, task);
}

/** Another process worked on the stage meanwhile, and has perhaps done what was to be done. */
async function lookAgain(context: ReproContext, task: StageTask): Promise<Stage | undefined> {
  const { repo, onEvent, signal } = context;
  repo.forget();
  const fresh = repo.stages().find((stage) => stage.address === task.stage.address) ?? task.stage;
  const changes = await stageChanges(repo, fresh, { first: true, signal });
  if (changes.length > 0 || task.force) return bringUpToDate(context, { ...task, stage: fresh });
  onEvent({ kind: 'unchanged', stage: fresh });
  return undefined;
}

/** A `.dvc` file whose data changed: what is in the workspace becomes what it tracks. */
async function verifyData(context: ReproContext, stage: Stage): Promise<Stage> {
  const { repo, onEvent, signal } = context;
  const startedAt = Date.now();
  onEvent({ kind: 'verifying', stage });
  const contents = new Map<Out, ContentInfo>();
  for (const out of stage.outs) {
    const target = absolutePath(repo, stage, out);
    try {
      contents.set(out, await commitOut(repo.data, target, { cache: out.cache && !context.noCommit, signal }));
    } catch (error) {
      if (!isMlopsError(error, 'object_missing')) throw error;
      throw new MlopsError('missing_output', `missing data 'source': ${repo.display(out.path ?? out.defPath)}`, {
        hint: 'fetch it with `mlops pull`, or bring it back with `mlops checkout`',
        cause: error,
      });
    }
  }
  await context.outsInGit.ignore(stage);
  repo.saveDataStage(stage, contents);
  context.git.changed(path.join(repo.root, stage.file));
  onEvent({ kind: 'done', stage, how: 'verified', milliseconds: Date.now() - startedAt });
  return { ...stage, outs: stage.outs.map((out) => ({ ...out, info: contents.get(out) ?? out.info })) };
}

async function runOrRestore(context: ReproContext, task: StageTask): Promise<Stage> {
  const { repo, onEvent, signal } = context;
  const { stage, force } = task;
  const startedAt = Date.now();
  if (stage.frozen || stage.cmd === undefined) {
    onEvent({ kind: 'verifying', stage });
    return finish(context, task, 'verified', startedAt);
  }
  context.prepare();
  context.outsInGit.refuseTracked(stage);
  if (context.pull && !force) await pullDeps(context, task);
  const inputs = await readInputs(repo, stage, { signal, onProgress: context.onProgress });
  const made = force ? undefined : await madeBefore(context, stage, inputs);
  await context.beginRecording();
  if (made !== undefined) return restoreStage(context, task, made, startedAt);
  if (context.inTurn === undefined || force || !isCacheable(stage)) return runStage(context, task, startedAt);
  return context.inTurn(runKey(lockedFrom(stage, inputs, namedOuts(stage))), async (waited) => {
    repo.data.forgetObjects();
    const now = waited ? await madeBefore(context, stage, inputs) : undefined;
    return now === undefined ? runStage(context, task, startedAt) : restoreStage(context, task, now, startedAt);
  });
}

async function restoreStage(
  context: ReproContext,
  task: StageTask,
  made: LockedStage,
  startedAt: number,
): Promise<Stage> {
  const { repo, onEvent, signal } = context;
  const { stage } = task;
  onEvent({ kind: 'cached', stage });
  await withOutsAside(context, stage, () => restoreOuts(repo, stage, made, signal));
  const result = await finish(context, task, 'cached', startedAt);
  const recorder = await startRecording(context, stage, startedAt);
  await recorder.end(endOf(context, result, 'cached', ''));
  return result;
}

/** Moves the old outputs away, works, and brings them back when that fails. */
async function withOutsAside(context: ReproContext, stage: Stage, work: () => Promise<void>): Promise<void> {
  const aside = setAside(context.repo, prepareOuts(context.repo, stage));
  try {
    await work();
  } catch (error) {
    aside.restore();
    throw error;
  }
  aside.drop();
}

async function runStage(context: ReproContext, task: StageTask, startedAt: number): Promise<Stage> {
  const { repo, onEvent } = context;
  const { stage } = task;
  onEvent({ kind: 'running', stage });
  const recorder = await startRecording(context, stage, startedAt);
  const tail = new Tail();
  let result: Stage | undefined;
  try {
    await withOutsAside(context, stage, async () => {
      const { executor, signal, output, running } = context;
      const env = { ...context.variables, ...recorder.env };
      const onTail = (chunk: Uint8Array): void => tail.push(chunk);
      await context.exclusion.whileRunning(stage, () =>
        runCommands(repo, stage, { executor, signal, onEvent, env, output, onTail, running }),
      );
      repo.data.forgetObjects();
      result = await finish(context, task, 'ran', startedAt);
    });
  } catch (error) {
    await recorder.end(failureOf(stage, error, tail.text()));
    throw error;
  }
  if (result === undefined) throw new Error('a stage that ran gave no result');
  await recorder.end(endOf(context, result, 'ran', tail.text()));
  return result;
}

/** Hashes and stores what was made, writes dvc.lock. */
async function finish(
  context: ReproContext,
  task: StageTask,
  how: 'ran' | 'cached' | 'verified',
  startedAt: number,
): Promise<Stage> {
  const { repo, onEvent, signal } = context;
  const { stage } = task;
  const locked = await commitStage(repo, stage, {
    noCommit: context.noCommit,
    runs: context.runs,
    signal,
    onProgress: context.onProgress,
    onWarning: (message) => onEvent({ kind: 'warning', message }),
  });
  await context.outsInGit.ignore(stage);
  const written = context.locks.put(stage, locked, task.rank);
  const shown = repo.display(written.file);
  if (written.generated) onEvent({ kind: 'lock-generated', file: shown });
  if (written.updated) onEvent({ kind: 'lock-updated', file: shown });
  if (written.updated) context.git.changed(path.join(repo.root, written.file));
  onEvent({ kind: 'done', stage, how, milliseconds: Date.now() - startedAt });
  const result = withLock(stage, locked);
  context.onFinished(result);
  return result;
}

async function startRecording(context: ReproContext, stage: Stage, startedAt: number): Promise<StageRecorder> {
  const { repo, recorder } = context;
  return recorder.stage({
    stage: stage.address,
    command: typeof stage.cmd === 'string' ? stage.cmd : (stage.cmd ?? []).join('\n'),
    cwd: path.join(repo.root, stage.wdir),
    startedAt,
    outs: stage.outs.map((out) => ({
      path: absolutePath(repo, stage, out),
      report: out.metric || out.plot !== undefined,
    })),
    dvclive: looseDvclive(repo, stage),
  });
}

function looseDvclive(repo: DataRepo, stage: Stage): string | undefined {
  const folder = path.posix.join(stage.wdir, 'dvclive');
  const { outs } = repo.graph();
  const isMade = outs.above(folder).length > 0 || outs.below(folder).length > 0;
  return isMade ? undefined : path.join(repo.root, folder);
}

function reportFiles(repo: DataRepo, stage: Stage): string[] {
  return stage.outs.filter((out) => out.metric || out.plot !== undefined).map((out) => absolutePath(repo, stage, out));
}

function endOf(context: ReproContext, stage: Stage, status: 'ran' | 'cached', logTail: string): StageEnd {
  return {
    status,
    endedAt: Date.now(),
    params: stage.locked?.params ?? new Map<string, PyMap>(),
    lineage: lineageOf(context.repo, stage),
    reports: reportFiles(context.repo, stage),
    logTail,
    exitCode: 0,
  };
}

function failureOf(stage: Stage, error: unknown, logTail: string): StageEnd {
  const killed = isMlopsError(error, 'interrupted');
  const code = isMlopsError(error, 'command_failed') ? error.data?.['code'] : undefined;
  return {
    status: killed ? 'killed' : 'failed',
    endedAt: Date.now(),
    params: stage.locked?.params ?? new Map<string, PyMap>(),
    lineage: [],
    reports: [],
    logTail,
    ...(typeof code === 'number' ? { exitCode: code } : {}),
  };
}

/** The last kilobytes of a stage's output. */
class Tail {
  static readonly limit = 8192;
  #chunks: Uint8Array[] = [];
  #size = 0;

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size - (this.#chunks[0]?.length ?? 0) > Tail.limit) this.#size -= this.#chunks.shift()?.length ?? 0;
  }

  text(): string {
    return Buffer.concat(this.#chunks).subarray(-Tail.limit).toString('utf8');
  }
}
