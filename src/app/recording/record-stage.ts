import type { GitState, WorkPatch } from '../../git/index.ts';
import type { Metric, Tag } from '../../mlflow/index.ts';
import type { StageEnd, StageRecorder, StageStart } from '../../repo/pipeline/recorder.ts';
import type { Batch, TrackingStore } from '../../tracking/index.ts';
import { LiveMetrics } from './live-metrics.ts';
import { logInBatches, paramsOf } from './record-snapshot.ts';
import type { TrackingEndpoint } from '../endpoint/tracking-endpoint.ts';

/** A run that is being recorded. */
export interface Recording {
  readonly store: TrackingStore;
  readonly experimentId: string;
  readonly runId: string;
  readonly artifactUri: string;
  readonly endpoint: TrackingEndpoint | undefined;
  readonly git: GitState | undefined;
  /** What was not committed when the run began, asked beside the stages. */
  readonly changes: Promise<WorkPatch | undefined>;
  /** Writes that are on their way: a stage need not wait for what the one before it left to be written. */
  readonly writing: Set<Promise<unknown>>;
  /** DVCLive folders of running stages. */
  readonly claimed: Set<string>;
  /** With `join`: points that stages gave while they ran, which the end must not give again. */
  readonly given: Set<string>;
}

/** Does work that may fail without failing the stage; undefined when it did. */
export type Guarded = <Result>(work: () => Promise<Result>) => Promise<Result | undefined>;

/** Begins the child run of a stage, and gives its id. */
export async function childRun(recording: Recording, start: StageStart, user: string): Promise<string> {
  const run = await recording.store.createRun({
    experimentId: recording.experimentId,
    userId: user,
    name: start.stage,
    startTime: start.startedAt,
    tags: [
      { key: 'mlflow.parentRunId', value: recording.runId },
      { key: 'mlflow.user', value: user },
      { key: 'mlflow.source.name', value: start.command },
      { key: 'mlflow.source.type', value: 'LOCAL' },
      { key: 'mlops.kind', value: 'stage' },
      { key: 'mlops.stage', value: start.stage },
    ],
  });
  return run.info.id;
}

/**
 * What an MLflow client in the stage's script reads. MLFLOW_RUN_ID is set only where the user asked for one
 * run (`record.join`): it breaks scripts that choose an experiment themselves.
 */
function clientEnv(
  recording: Recording,
  runId: string,
  own: boolean,
  token: string | undefined,
): Record<string, string> {
  const { endpoint, experimentId } = recording;
  if (endpoint === undefined || token === undefined) return {};
  return {
    MLFLOW_TRACKING_URI: endpoint.url,
    MLFLOW_TRACKING_TOKEN: token,
    MLFLOW_EXPERIMENT_ID: experimentId,
    ...(own ? {} : { MLFLOW_RUN_ID: runId }),
  };
}

/** How often files are looked at and points are written while a stage runs, in milliseconds. */
const flushEvery = 250;
const lookEvery = 500;

export function stageRecorder(
  recording: Recording,
  runId: string,
  start: StageStart,
  how: { readonly own: boolean; readonly guarded: Guarded },
): StageRecorder {
  const { store, endpoint } = recording;
  const { own, guarded } = how;
  const token = endpoint?.issue(runId);
  let buffer: Metric[] = [];
  let flushedAt = Date.now();
  const flush = (): void => {
    const metrics = buffer;
    buffer = [];
    flushedAt = Date.now();
    if (metrics.length > 0)
      track(
        recording,
        guarded(() => logInBatches(store, runId, { metrics })),
      );
  };
  const live = followFiles(recording, start, guarded, (points) => {
    buffer.push(...points);
    if (!own) for (const point of points) recording.given.add(pointId(point));
    flush();
  });
  return {
    env: { MLOPS_RUN_ID: runId, ...clientEnv(recording, runId, own, token) },
    metric(key, value, step, timestamp) {
      buffer.push({ key, value, step, timestamp });
      if (Date.now() - flushedAt > flushEvery) flush();
    },
    async end(end) {
      await live.end();
      flush();
      track(
        recording,
        guarded(() => endStage(recording, runId, start, end, own)),
      );
      if (token !== undefined) endpoint?.revoke(token);
    },
  };
}

function track(recording: Recording, work: Promise<unknown>): void {
  const { writing } = recording;
  writing.add(work);
  void work.finally(() => writing.delete(work));
}

export function pointId({ key, value, step }: Metric): string {
  return `${key}\0${step}\0${value}`;
}

/**
 * Looks at the files of a stage while it runs. A `dvclive` folder that is no output belongs to the first stage
 * that runs beside it.
 */
function followFiles(
  recording: Recording,
  start: StageStart,
  guarded: Guarded,
  onPoints: (points: readonly Metric[]) => void,
): { end(): Promise<void> } {
  const { claimed } = recording;
  const folder = start.dvclive === undefined || claimed.has(start.dvclive) ? undefined : start.dvclive;
  if (folder !== undefined) claimed.add(folder);
  const live = new LiveMetrics({ outs: start.outs, folders: folder === undefined ? [] : [folder], onPoints });
  const timer = setInterval(() => void guarded(async () => live.look()), lookEvery);
  timer.unref();
  return {
    async end() {
      clearInterval(timer);
      await guarded(async () => live.look(true));
      if (folder !== undefined) claimed.delete(folder);
    },
  };
}

async function endStage(
  recording: Recording,
  runId: string,
  start: StageStart,
  end: StageEnd,
  own: boolean,
): Promise<void> {
  const { store } = recording;
  const seconds = Math.max(0, end.endedAt - start.startedAt) / 1000;
  const timing: Metric = {
    key: `stage_seconds.${start.stage.replace(/[^/\w.\- :]/g, '_')}`,
    value: seconds,
    step: 0,
    timestamp: end.endedAt,
  };
  // Sent together: a store on this machine writes them in one transaction.
  const writes: Promise<unknown>[] = [store.logBatch(recording.runId, { metrics: [timing] })];
  if (end.logTail !== '') {
    const name = `logs/${start.stage.replaceAll('/', '_')}.txt`;
    writes.push(store.artifacts(recording.artifactUri).put(name, Buffer.from(end.logTail)));
  }
  if (own) writes.push(endChild(store, runId, end, timing));
  await Promise.all(writes);
}

async function endChild(store: TrackingStore, runId: string, end: StageEnd, timing: Metric): Promise<void> {
  const tags: Tag[] = [{ key: 'mlops.status', value: end.status }];
  if (typeof end.exitCode === 'number') tags.push({ key: 'mlops.exit_code', value: String(end.exitCode) });
  const batch: Batch = { params: paramsOf(end.params), tags, metrics: [{ ...timing, key: 'seconds' }] };
  const status = end.status === 'failed' ? 'FAILED' : end.status === 'killed' ? 'KILLED' : 'FINISHED';
  const logged = logInBatches(store, runId, batch);
  await Promise.all([logged, store.updateRun(runId, { status, endTime: end.endedAt })]);
}
