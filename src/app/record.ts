import { MlopsError, messageOf } from '../base/index.ts';
import type { GitState } from '../git/index.ts';
import type { Metric, Tag } from '../mlflow/index.ts';
import type { Recorder, RunStart, StageEnd, StageRecorder, StageStart } from '../repo/recorder.ts';
import type { Batch, TrackingStore } from '../tracking/index.ts';
import { logInBatches, paramsOf, type Snapshot, saveReports, snapshotMetrics } from './record-snapshot.ts';
import { allowedKey } from './report-metrics.ts';
import type { TrackingEndpoint } from './tracking-endpoint.ts';

export interface RecordOptions {
  /** Opened when the first stage is about to run: a repro that runs nothing costs nothing. */
  readonly open: () => Promise<TrackingStore>;
  readonly experiment: string;
  /** Asked once, when recording begins. */
  readonly git: () => GitState | undefined;
  readonly user: string;
  /** The pipeline as it stands at the end: params, reports and lineage of all stages, also of those that did not run. */
  readonly snapshot: () => Snapshot;
  /** Files above this size are not copied into the run, in bytes. */
  readonly maxFileSize: number;
  /** True: no child run a stage; everything belongs to the one run. */
  readonly join: boolean;
  /** Where scripts of the stages find MLflow's protocol; absent when the user's own MLFLOW_TRACKING_URI is passed through. */
  readonly endpoint?: ((store: TrackingStore) => Promise<TrackingEndpoint>) | undefined;
  /** Told once when recording fails; the stages go on. */
  readonly onWarning: (message: string) => void;
}

interface Recording {
  readonly store: TrackingStore;
  readonly experimentId: string;
  readonly runId: string;
  readonly artifactUri: string;
  readonly endpoint: TrackingEndpoint | undefined;
}

/**
 * The recorder that writes into a tracking store: a run per repro with a child per stage that ran. Params,
 * metrics with their history and lineage are those of the whole pipeline; only small reports are copied.
 * A store that fails is reported once and never fails a stage.
 */
export function trackingRecorder(options: RecordOptions): Recorder {
  let recording: Recording | undefined;
  let broken = false;
  const guarded = async <Result>(work: () => Promise<Result>): Promise<Result | undefined> => {
    if (broken) return undefined;
    try {
      return await work();
    } catch (error) {
      broken = true;
      options.onWarning(`this run is not (fully) recorded: ${messageOf(error)}`);
      return undefined;
    }
  };
  return {
    async begin(start) {
      recording = await guarded(() => beginRun(start, options));
    },
    async stage(start) {
      const { runId = '' } = recording ?? {};
      const child =
        recording === undefined || options.join
          ? undefined
          : await guarded(() => childRun(recording as Recording, start, options));
      const stageRun = child ?? runId;
      return recording === undefined || stageRun === ''
        ? silentStage
        : stageRecorder(recording, stageRun, start, { own: child !== undefined, guarded });
    },
    async end(status) {
      if (recording === undefined) return undefined;
      const current = recording;
      await guarded(() => endRun(current, status, options));
      await guarded(async () => {
        await current.endpoint?.close();
        await current.store.close();
      });
      return { runId: current.runId };
    },
  };
}

const silentStage: StageRecorder = { env: {}, metric: () => undefined, end: async () => undefined };

async function beginRun(start: RunStart, options: RecordOptions): Promise<Recording> {
  const store = await options.open();
  const experimentId = await experimentNamed(store, options.experiment);
  const tags = [
    ...sourceTags(options),
    { key: 'mlflow.source.name', value: start.command },
    { key: 'mlflow.source.type', value: 'PROJECT' },
    { key: 'mlops.kind', value: 'repro' },
    { key: 'mlops.stages', value: start.stages.join(', ') },
  ];
  const run = await store.createRun({ experimentId, userId: options.user, startTime: start.startedAt, tags });
  const endpoint = await options.endpoint?.(store);
  return { store, experimentId, runId: run.info.id, artifactUri: run.info.artifactUri, endpoint };
}

async function experimentNamed(store: TrackingStore, name: string): Promise<string> {
  const found = await store.getExperimentByName(name);
  if (found?.lifecycle === 'deleted') {
    throw new MlopsError('resource_exists', `experiment '${name}' is deleted`, {
      hint: `mlops experiments restore '${name}', or set record.experiment in mlops.yaml`,
    });
  }
  if (found !== undefined) return found.id;
  try {
    return await store.createExperiment({ name });
  } catch (error) {
    // Another process made it in between.
    const made = await store.getExperimentByName(name);
    if (made === undefined) throw error;
    return made.id;
  }
}

function sourceTags(options: RecordOptions): Tag[] {
  const git = options.git();
  const tags: Tag[] = [{ key: 'mlflow.user', value: options.user }];
  if (git?.commit !== undefined) tags.push({ key: 'mlflow.source.git.commit', value: git.commit });
  if (git?.branch !== undefined) tags.push({ key: 'mlflow.source.git.branch', value: git.branch });
  if (git !== undefined) tags.push({ key: 'mlops.git.dirty', value: String(git.dirty) });
  return tags;
}

async function childRun(recording: Recording, start: StageStart, options: RecordOptions): Promise<string> {
  const run = await recording.store.createRun({
    experimentId: recording.experimentId,
    userId: options.user,
    name: start.stage,
    startTime: start.startedAt,
    tags: [
      { key: 'mlflow.parentRunId', value: recording.runId },
      { key: 'mlflow.user', value: options.user },
      { key: 'mlflow.source.name', value: start.command },
      { key: 'mlflow.source.type', value: 'LOCAL' },
      { key: 'mlops.kind', value: 'stage' },
      { key: 'mlops.stage', value: start.stage },
    ],
  });
  return run.info.id;
}

type Guarded = <Result>(work: () => Promise<Result>) => Promise<Result | undefined>;

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

const flushEvery = 250;

function stageRecorder(
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
  let writing: Promise<unknown> = Promise.resolve();
  const flush = (): void => {
    const metrics = buffer;
    buffer = [];
    flushedAt = Date.now();
    if (metrics.length > 0) writing = writing.then(() => guarded(() => logInBatches(store, runId, { metrics })));
  };
  return {
    env: { MLOPS_RUN_ID: runId, ...clientEnv(recording, runId, own, token) },
    metric(key, value, step, timestamp) {
      buffer.push({ key, value, step, timestamp });
      if (Date.now() - flushedAt > flushEvery) flush();
    },
    async end(end) {
      flush();
      await writing;
      await guarded(() => endStage(recording, runId, start, end, own));
      if (token !== undefined) endpoint?.revoke(token);
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
  await store.logBatch(recording.runId, { metrics: [timing] });
  if (end.logTail !== '')
    await store
      .artifacts(recording.artifactUri)
      .put(`logs/${start.stage.replaceAll('/', '_')}.txt`, Buffer.from(end.logTail));
  if (!own) return;
  const tags: Tag[] = [{ key: 'mlops.status', value: end.status }];
  if (typeof end.exitCode === 'number') tags.push({ key: 'mlops.exit_code', value: String(end.exitCode) });
  const batch: Batch = { params: paramsOf(end.params), tags, metrics: [{ ...timing, key: 'seconds' }] };
  await logInBatches(store, runId, batch);
  const status = end.status === 'failed' ? 'FAILED' : end.status === 'killed' ? 'KILLED' : 'FINISHED';
  await store.updateRun(runId, { status, endTime: end.endedAt });
}

async function endRun(
  recording: Recording,
  status: 'finished' | 'failed' | 'killed',
  options: RecordOptions,
): Promise<void> {
  const { store, runId } = recording;
  const snapshot = options.snapshot();
  const endTime = Date.now();
  const metrics = snapshotMetrics(snapshot, endTime);
  const tags = snapshot.lineage
    .filter((entry) => entry.role !== 'dep' && entry.md5 !== undefined)
    .map((entry): Tag => ({ key: outTag(entry.path), value: entry.md5 ?? '' }))
    .filter((tag) => tag.key.length <= 250);
  await logInBatches(store, runId, { params: paramsOf(snapshot.params), metrics, tags });
  const datasets = snapshot.lineage.filter(
    (entry) => entry.role === 'dep' && entry.md5 !== undefined && entry.external,
  );
  if (datasets.length > 0) {
    await store.logInputs(
      runId,
      datasets.map((entry) => ({
        dataset: {
          name: entry.path.slice(-500),
          digest: entry.md5 ?? '',
          sourceType: 'dvc',
          source: JSON.stringify({ path: entry.path, md5: entry.md5 }),
        },
        tags: [{ key: 'mlflow.data.context', value: 'training' }],
      })),
    );
  }
  await saveReports(store.artifacts(recording.artifactUri), snapshot, options.maxFileSize);
  await store.updateRun(runId, {
    status: status === 'finished' ? 'FINISHED' : status === 'failed' ? 'FAILED' : 'KILLED',
    endTime,
  });
}

/** The tag by which a file is found again as an out of a run: its path, with what MLflow refuses as `_`. */
export function outTag(path: string): string {
  return `mlops.out.${allowedKey(path)}`;
}
