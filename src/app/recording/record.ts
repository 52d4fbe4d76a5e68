import { MlopsError, messageOf } from '../../base/index.ts';
import type { GitState, WorkPatch } from '../../git/index.ts';
import type { Run, Tag } from '../../mlflow/index.ts';
import type { Stage } from '../../project/index.ts';
import type { Recorder, RunStart, StageRecorder } from '../../repo/pipeline/recorder.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { logInBatches, paramsOf, type Snapshot, saveReports, snapshotMetrics } from './record-snapshot.ts';
import { describeEnvironment } from './environment.ts';
import { saveProvenance } from './provenance.ts';
import { childRun, pointId, stageRecorder, type Guarded, type Recording } from './record-stage.ts';
import { allowedKey } from './report-metrics.ts';
import type { TrackingEndpoint } from '../endpoint/tracking-endpoint.ts';

export interface RecordOptions {
  /** Loads what `open` and `git` need, when a stage may be about to run. */
  readonly prepare?: (() => void) | undefined;
  /** Opened when the first stage is about to run: a repro that runs nothing costs nothing. */
  readonly open: () => Promise<TrackingStore>;
  readonly experiment: string;
  /** Asked once, when recording begins. */
  readonly git: () => Promise<GitState | undefined>;
  /** What is not committed; asked when recording begins on a dirty work tree. */
  readonly changes?: (() => Promise<WorkPatch>) | undefined;
  /** Variables of the person, part of what the environment is described by. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly user: string;
  /** The pipeline as it stands at the end: params, reports and lineage of all stages, also of those that did not run. */
  readonly snapshot: (stages: readonly Stage[]) => Snapshot;
  /** Files above this size are not copied into the run, in bytes. */
  readonly maxFileSize: number;
  /** The run that is recorded into, made by somebody else, whose end is theirs too; otherwise one is made. */
  readonly into?: Run | undefined;
  /** True: no child run a stage; everything belongs to the one run. */
  readonly join: boolean;
  /** Where scripts of the stages find MLflow's protocol; absent when the user's own MLFLOW_TRACKING_URI is passed through. */
  readonly endpoint?: ((store: TrackingStore) => Promise<TrackingEndpoint>) | undefined;
  /** Told once when recording fails; the stages go on. */
  readonly onWarning: (message: string) => void;
}

/**
 * The recorder that writes into a tracking store: a run per repro with a child per stage that ran. Params,
 * metrics with their history and lineage are those of the whole pipeline; only small reports are copied.
 * A store that fails is reported once and never fails a stage.
 */
export function trackingRecorder(options: RecordOptions): Recorder {
  let recording: Recording | undefined;
  let broken = false;
  const guarded: Guarded = async <Result>(work: () => Promise<Result>): Promise<Result | undefined> => {
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
    prepare: () => options.prepare?.(),
    async begin(start) {
      recording = await guarded(() => beginRun(start, options));
    },
    async stage(start) {
      const { runId = '' } = recording ?? {};
      const child =
        recording === undefined || options.join
          ? undefined
          : await guarded(() => childRun(recording as Recording, start, options.user));
      const stageRun = child ?? runId;
      return recording === undefined || stageRun === ''
        ? silentStage
        : stageRecorder(recording, stageRun, start, { own: child !== undefined, guarded });
    },
    async end(status, stages) {
      if (recording === undefined) return undefined;
      const current = recording;
      await Promise.all(current.writing);
      await guarded(() => endRun(current, status, options.snapshot(stages), options));
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
  const asked = options.git();
  // Told where it is awaited.
  asked.catch(() => undefined);
  const store = await options.open();
  const git = await asked;
  const changes = git?.dirty === true && git.commit !== undefined ? options.changes?.() : undefined;
  // A work tree that Git cannot compare leaves a run without its patch.
  const told = changes?.catch(() => undefined);
  const experimentId = options.into?.info.experimentId ?? (await experimentNamed(store, options.experiment));
  const tags = [
    ...sourceTags(git, options.user),
    { key: 'mlflow.source.name', value: start.command },
    { key: 'mlflow.source.type', value: 'PROJECT' },
    { key: 'mlops.kind', value: 'repro' },
    { key: 'mlops.stages', value: start.stages.join(', ') },
  ];
  const run =
    options.into ?? (await store.createRun({ experimentId, userId: options.user, startTime: start.startedAt, tags }));
  if (options.into !== undefined) {
    await store.logBatch(run.info.id, { tags: tags.filter(({ key }) => key !== 'mlops.kind') });
  }
  const endpoint = await options.endpoint?.(store);
  return {
    store,
    experimentId,
    runId: run.info.id,
    artifactUri: run.info.artifactUri,
    endpoint,
    git,
    changes: Promise.resolve(told),
    writing: new Set(),
    claimed: new Set(),
    given: new Set(),
  };
}

/** The experiment of a name, made where there is none. */
export async function experimentNamed(store: TrackingStore, name: string): Promise<string> {
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

function sourceTags(git: GitState | undefined, user: string): Tag[] {
  const tags: Tag[] = [{ key: 'mlflow.user', value: user }];
  if (git?.commit !== undefined) tags.push({ key: 'mlflow.source.git.commit', value: git.commit });
  if (git?.branch !== undefined) tags.push({ key: 'mlflow.source.git.branch', value: git.branch });
  if (git !== undefined) tags.push({ key: 'mlops.git.dirty', value: String(git.dirty) });
  return tags;
}

async function endRun(
  recording: Recording,
  status: 'finished' | 'failed' | 'killed',
  snapshot: Snapshot,
  options: RecordOptions,
): Promise<void> {
  const { store, runId } = recording;
  const endTime = Date.now();
  const metrics = snapshotMetrics(snapshot, endTime).filter((point) => !recording.given.has(pointId(point)));
  const tags = snapshot.lineage
    .filter((entry) => entry.role !== 'dep' && entry.md5 !== undefined)
    .map((entry): Tag => ({ key: outTag(entry.path), value: entry.md5 ?? '' }))
    .filter((tag) => tag.key.length <= 250);
  const writes: Promise<unknown>[] = [logInBatches(store, runId, { params: paramsOf(snapshot.params), metrics, tags })];
  const datasets = snapshot.lineage.filter(
    (entry) => entry.role === 'dep' && entry.md5 !== undefined && entry.external,
  );
  if (datasets.length > 0) {
    const inputs = store.logInputs(
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
    writes.push(inputs);
  }
  const artifacts = store.artifacts(recording.artifactUri);
  writes.push(saveReports(artifacts, snapshot, options.maxFileSize));
  const facts = { git: recording.git, changes: await recording.changes, stages: snapshot.stages };
  writes.push(saveProvenance(artifacts, { ...facts, environment: describeEnvironment(options.env) }));
  await Promise.all(writes);
  if (options.into !== undefined) return;
  await store.updateRun(runId, {
    status: status === 'finished' ? 'FINISHED' : status === 'failed' ? 'FAILED' : 'KILLED',
    endTime,
  });
}

/** The tag by which a file is found again as an out of a run: its path, with what MLflow refuses as `_`. */
export function outTag(path: string): string {
  return `mlops.out.${allowedKey(path)}`;
}
