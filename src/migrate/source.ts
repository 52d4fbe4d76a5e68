import type { Experiment, LoggedModel, Metric, RegisteredModel, Run, SpanJson, TraceInfo } from '../mlflow/index.ts';
import type { ArtifactStore, ImportedVersion } from '../tracking/index.ts';

export interface SourceRun {
  readonly run: Run;
  /** Every point of every metric. */
  readonly points: readonly Metric[];
}

export interface SourceTrace {
  readonly info: TraceInfo;
  /** Its spans, where they are rows of the source. */
  readonly spans?: readonly SpanJson[] | undefined;
  /** The runs that it was linked to. */
  readonly runs?: readonly string[] | undefined;
}

export interface SourceModel {
  readonly model: RegisteredModel;
  readonly versions: readonly ImportedVersion[];
}

/** Port: a store of MLflow to take over. Kinds: its database, its file store, a running server. */
export interface MigrationSource {
  /** For messages. */
  readonly name: string;
  experiments(): Promise<readonly Experiment[]>;
  /** Active and deleted ones. */
  runs(experimentId: string): AsyncIterable<SourceRun>;
  loggedModels(experimentId: string): Promise<readonly LoggedModel[]>;
  models(): Promise<readonly SourceModel[]>;
  /** Traced calls, where the kind knows them. */
  traces?(experimentId: string): AsyncIterable<SourceTrace>;
  /** The files at an URI of the source; undefined where they are out of reach. */
  artifacts(uri: string): ArtifactStore | undefined;
  /** What the source holds that cannot be carried, in words. */
  leftBehind(): Promise<readonly string[]>;
  close(): Promise<void>;
}
