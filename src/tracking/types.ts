import type { LoggedModelStatus, Metric, Param, RunStatus, Stage, Tag, ViewType } from '../mlflow/index.ts';

export interface NewExperiment {
  readonly name: string;
  /** Default: `mlflow-artifacts:/ID` or below the store's own artifact root. */
  readonly artifactLocation?: string | undefined;
  readonly tags?: readonly Tag[] | undefined;
}

export interface NewRun {
  readonly experimentId: string;
  readonly userId?: string | undefined;
  /** Default: the tag `mlflow.runName`, else a random name. */
  readonly name?: string | undefined;
  /** Milliseconds; 0 when not given, as MLflow's server does. */
  readonly startTime?: number | undefined;
  readonly tags?: readonly Tag[] | undefined;
}

export interface RunChange {
  readonly status?: RunStatus | undefined;
  readonly endTime?: number | undefined;
  readonly name?: string | undefined;
}

export interface Batch {
  readonly metrics?: readonly Metric[] | undefined;
  readonly params?: readonly Param[] | undefined;
  readonly tags?: readonly Tag[] | undefined;
}

/** A search of experiments, registered models or versions. */
export interface Search {
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
  readonly maxResults?: number | undefined;
  readonly pageToken?: string | undefined;
}

export interface ExperimentSearch extends Search {
  readonly view?: ViewType | undefined;
}

export interface RunSearch extends Search {
  readonly experimentIds: readonly string[];
  readonly view?: ViewType | undefined;
  /** Names of the metrics, params and tags that are wanted of each run. Default all. */
  readonly only?: readonly string[] | undefined;
}

/** What a table of runs can show. */
export interface RunsOverview {
  /** How many there are; undefined where they were not all counted. */
  readonly runs: number | undefined;
  /** Names, sorted. */
  readonly metrics: readonly string[];
  readonly params: readonly string[];
  readonly tags: readonly string[];
}

export interface ExperimentActivity {
  readonly experimentId: string;
  /** Runs that are not deleted. */
  readonly runs: number;
  readonly running: number;
  /** Milliseconds. */
  readonly lastStart: number;
}

export interface LoggedModelOrder {
  readonly field: string;
  readonly ascending?: boolean | undefined;
  readonly datasetName?: string | undefined;
  readonly datasetDigest?: string | undefined;
}

export interface LoggedModelSearch {
  readonly experimentIds: readonly string[];
  readonly filter?: string | undefined;
  readonly datasets?: readonly { readonly name: string; readonly digest?: string | undefined }[] | undefined;
  readonly orderBy?: readonly LoggedModelOrder[] | undefined;
  readonly maxResults?: number | undefined;
  readonly pageToken?: string | undefined;
}

export interface HistoryQuery {
  readonly maxResults?: number | undefined;
  readonly pageToken?: string | undefined;
}

/** A page of a history as columns, for long ones whose times are only passed on. */
export interface HistoryColumns {
  readonly values: readonly number[];
  /** Of each value, milliseconds in decimal. */
  readonly timestamps: readonly string[];
  /** Of each value, in decimal. */
  readonly steps: readonly string[];
  readonly nextPageToken?: string | undefined;
}

export interface MetricSample {
  readonly limit: number;
  /** Only points of these steps, both included. */
  readonly range?: readonly [start: number, end: number] | undefined;
}

export interface NewLoggedModel {
  readonly experimentId: string;
  readonly name?: string | undefined;
  readonly modelType?: string | undefined;
  readonly sourceRunId?: string | undefined;
  readonly params?: readonly Param[] | undefined;
  readonly tags?: readonly Tag[] | undefined;
}

export interface LoggedModelEnd {
  readonly status: LoggedModelStatus;
}

export interface NewModelVersion {
  readonly name: string;
  readonly source: string;
  readonly runId?: string | undefined;
  readonly runLink?: string | undefined;
  readonly modelId?: string | undefined;
  readonly description?: string | undefined;
  readonly userId?: string | undefined;
  readonly tags?: readonly Tag[] | undefined;
}

/** Who moved a version, and why; written to the audit trail. */
export interface Motive {
  readonly by?: string | undefined;
  readonly why?: string | undefined;
}

export interface Transition extends Motive {
  readonly stage: Stage;
  readonly archiveExisting?: boolean | undefined;
}

/** One line of a model's audit trail. */
export interface Promotion {
  readonly name: string;
  readonly version: string;
  readonly kind: 'register' | 'stage' | 'alias' | 'delete';
  readonly from: string;
  readonly to: string;
  readonly by: string;
  readonly at: number;
  readonly why: string;
}

/** What a permanent deletion took, or would take. */
export interface Purge {
  readonly runs: readonly string[];
  readonly experiments: readonly string[];
  readonly models: readonly string[];
  /** Artifact roots whose files go with them. */
  readonly artifactUris: readonly string[];
}

export interface PurgeQuery {
  /** Only what was deleted before this time, in milliseconds. */
  readonly deletedBefore?: number | undefined;
  readonly dryRun?: boolean | undefined;
}
