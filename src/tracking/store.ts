import type {
  DatasetInput,
  DatasetSummary,
  Experiment,
  LoggedModel,
  LoggedModelStatus,
  Metric,
  ModelOutput,
  ModelVersion,
  Page,
  Param,
  RegisteredModel,
  Run,
  RunInfo,
  Stage,
  Tag,
} from '../mlflow/index.ts';
import type { AuthStore } from '../auth/index.ts';
import type { Outbox } from '../deliver/index.ts';
import type { TrialStore } from '../tune/index.ts';
import type { ArtifactStore } from './artifacts/artifact-store.ts';
import type { AlertStore } from './alert-store.ts';
import type { ArtifactSums } from './artifact-sums.ts';
import type { DutyStore } from './duty-store.ts';
import type { EvaluationStore } from './evaluation-store.ts';
import type { Importer } from './importer.ts';
import type { TraceStore } from './trace-store.ts';
import type { TrafficStore } from './traffic-store.ts';
import type { WebhookStore } from './webhook-store.ts';
import type {
  Batch,
  ExperimentActivity,
  ExperimentSearch,
  HistoryColumns,
  HistoryQuery,
  LoggedModelSearch,
  MetricSample,
  Motive,
  NewExperiment,
  NewLoggedModel,
  NewModelVersion,
  NewRun,
  Promotion,
  Purge,
  PurgeQuery,
  RunChange,
  RunSearch,
  RunsOverview,
  Search,
  Transition,
} from './types.ts';

export interface ExperimentStore {
  /** @returns the new id. Throws `resource_exists`, also when a deleted experiment has the name. */
  createExperiment(experiment: NewExperiment): Promise<string>;
  getExperiment(id: string): Promise<Experiment>;
  /** Also finds deleted ones; undefined when there is none. */
  getExperimentByName(name: string): Promise<Experiment | undefined>;
  searchExperiments(search: ExperimentSearch): Promise<Page<Experiment>>;
  renameExperiment(id: string, name: string): Promise<void>;
  /** Deletes it and its runs, restorably. */
  deleteExperiment(id: string): Promise<void>;
  restoreExperiment(id: string): Promise<void>;
  setExperimentTag(id: string, tag: Tag): Promise<void>;
  deleteExperimentTag(id: string, key: string): Promise<void>;
  searchDatasets(experimentIds: readonly string[]): Promise<readonly DatasetSummary[]>;
}

export interface RunStore {
  createRun(run: NewRun): Promise<Run>;
  getRun(id: string): Promise<Run>;
  updateRun(id: string, change: RunChange): Promise<RunInfo>;
  deleteRun(id: string): Promise<void>;
  restoreRun(id: string): Promise<void>;
  searchRuns(search: RunSearch): Promise<Page<Run>>;
  /** How many runs these experiments have, and the names of all that any of them logged. */
  runsOverview(experimentIds: readonly string[], deleted?: boolean): Promise<RunsOverview>;
  /** Of each experiment that has runs. */
  experimentActivity(): Promise<readonly ExperimentActivity[]>;
  /** All or nothing. The same point or the same param again is silently one. */
  logBatch(id: string, batch: Batch): Promise<void>;
  setTag(id: string, tag: Tag): Promise<void>;
  deleteTag(id: string, key: string): Promise<void>;
  logInputs(id: string, datasets: readonly DatasetInput[], modelIds?: readonly string[]): Promise<void>;
  logOutputs(id: string, models: readonly ModelOutput[]): Promise<void>;
  /** Ordered by timestamp, step, value. Unknown runs and keys have no points. */
  metricHistory(id: string, key: string, query?: HistoryQuery): Promise<Page<Metric>>;
  /** The same, as columns: half the time for 10,000 points. */
  historyColumns(id: string, key: string, query?: HistoryQuery): Promise<HistoryColumns>;
  /** At most `limit` points of a history by step, time and value, chosen by `sampleIndices`. */
  sampleMetric(id: string, key: string, sample: MetricSample): Promise<readonly Metric[]>;
  /** Permanently removes what was deleted, from the database only: the caller removes the artifacts. */
  purge(query: PurgeQuery): Promise<Purge>;
}

export interface LoggedModelStore {
  createLoggedModel(model: NewLoggedModel): Promise<LoggedModel>;
  getLoggedModel(id: string): Promise<LoggedModel>;
  finalizeLoggedModel(id: string, status: LoggedModelStatus): Promise<LoggedModel>;
  deleteLoggedModel(id: string): Promise<void>;
  setLoggedModelTags(id: string, tags: readonly Tag[]): Promise<void>;
  deleteLoggedModelTag(id: string, key: string): Promise<void>;
  logLoggedModelParams(id: string, params: readonly Param[]): Promise<void>;
  searchLoggedModels(search: LoggedModelSearch): Promise<Page<LoggedModel>>;
}

export interface RegistryStore {
  createRegisteredModel(
    name: string,
    options?: { tags?: readonly Tag[]; description?: string },
  ): Promise<RegisteredModel>;
  getRegisteredModel(name: string): Promise<RegisteredModel>;
  updateRegisteredModel(name: string, description: string): Promise<RegisteredModel>;
  renameRegisteredModel(name: string, newName: string): Promise<RegisteredModel>;
  deleteRegisteredModel(name: string): Promise<void>;
  searchRegisteredModels(search: Search): Promise<Page<RegisteredModel>>;
  setRegisteredModelTag(name: string, tag: Tag): Promise<void>;
  deleteRegisteredModelTag(name: string, key: string): Promise<void>;
  setAlias(name: string, alias: string, version: string, motive?: Motive): Promise<void>;
  deleteAlias(name: string, alias: string, motive?: Motive): Promise<void>;
  getVersionByAlias(name: string, alias: string): Promise<ModelVersion>;
  /** The newest version of each of these stages, or of every stage. */
  getLatestVersions(name: string, stages?: readonly string[]): Promise<readonly ModelVersion[]>;
  createModelVersion(version: NewModelVersion): Promise<ModelVersion>;
  getModelVersion(name: string, version: string): Promise<ModelVersion>;
  updateModelVersion(name: string, version: string, description: string): Promise<ModelVersion>;
  deleteModelVersion(name: string, version: string): Promise<void>;
  transitionStage(name: string, version: string, transition: Transition): Promise<ModelVersion>;
  /** Where the files of a version really are, `models:/m-...` resolved. */
  getDownloadUri(name: string, version: string): Promise<string>;
  searchModelVersions(search: Search): Promise<Page<ModelVersion>>;
  setModelVersionTag(name: string, version: string, tag: Tag): Promise<void>;
  deleteModelVersionTag(name: string, version: string, key: string): Promise<void>;
  /** The audit trail, oldest first. */
  promotions(name: string, version?: string): Promise<readonly Promotion[]>;
}

/**
 * Port: experiments, runs, metrics, logged models and the model registry. Kinds: memory, SQLite,
 * PostgreSQL, remote.
 *
 * Duties of a kind, checked by `contract.ts`: MLflow's semantics where a client can see them; every method
 * is one transaction and durable when its promise resolves; wrong input throws MlopsError `invalid_value`,
 * absent things `resource_missing`, in MLflow's words; methods may be called concurrently.
 */
export interface TrackingStore extends ExperimentStore, RunStore, LoggedModelStore, RegistryStore {
  readonly kind: 'memory' | 'sqlite' | 'postgres' | 'remote';
  /** For messages: a file or an URL without credentials. */
  readonly url: string;
  readonly traces: TraceStore;
  /** Who is told about changes of the registry. */
  readonly webhooks: WebhookStore;
  /** How answers are judged; absent where only the store itself has it. */
  readonly evaluation?: EvaluationStore;
  /** Sizes and digests of uploaded files; absent where only the store itself has them. */
  readonly sums?: ArtifactSums;
  /** Searches of hyper-parameters. */
  readonly studies: TrialStore;
  /** What waits to be delivered. */
  readonly outbox: Outbox;
  /** Work that one of the processes on this store does. */
  readonly duties: DutyStore;
  /** What rang, rings, and is to be kept quiet. */
  readonly alerts: AlertStore;
  /** Who may sign in, and what they may do; a server has users of its own. */
  readonly auth?: AuthStore | undefined;
  /** Rules that divide the requests for a model. */
  readonly traffic: TrafficStore;
  /** Takes over experiments, runs and models of another store with their ids. */
  readonly importer: Importer;
  /** The files below an artifact URI of this store. */
  artifacts(uri: string): ArtifactStore;
  /** Writes the whole store, as it is at one moment, to a new SQLite file while it is used. */
  backup(file: string): Promise<void>;
  /** Takes over a whole store from such a file, with all ids. @throws MlopsError `invalid_state` when this one is not empty. */
  restore(file: string): Promise<void>;
  /**
   * Throws MlopsError `store_replaced` when nothing that is written would be kept, `store_version` when the tables are
   * found to be newer than this program. Absent where neither can be.
   */
  checkHere?(): void;
  /** Connections and statements of the store as Prometheus reads them; where there is something to tell. */
  gauges?(): string;
  /** What is in the store and must not be, in words; none where all is well. */
  problems(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export type { Stage };
