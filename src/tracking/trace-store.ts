import type {
  FilterCounts,
  Json,
  Page,
  ReceivedSpan,
  Tag,
  Trace,
  TraceInfo,
  TraceMetricsQuery,
} from '../mlflow/index.ts';
import type { Search } from './types.ts';

export interface TraceSearch extends Search {
  readonly experimentIds: readonly string[];
}

export interface TraceLink {
  readonly traceId: string;
  readonly runId: string;
}

export interface TraceDeletion {
  readonly experimentId: string;
  readonly ids?: readonly string[] | undefined;
  /** Only those requested until this time, in milliseconds; the oldest first. */
  readonly until?: number | undefined;
  readonly max?: number | undefined;
}

/** Two filters over the traces that a third one finds, or over all. */
export interface TraceCorrelation {
  readonly experimentIds: readonly string[];
  readonly first: string;
  readonly second: string;
  readonly base?: string | undefined;
}

/** Port: traces of calls, their spans, tags and assessments. Ids that are absent throw `resource_missing`. */
export interface TraceStore {
  /** Makes a trace, or completes the one that its spans have made already. */
  putTrace(trace: TraceInfo): Promise<TraceInfo>;
  /** Adds spans; traces that are not there are made from their root. */
  logSpans(experimentId: string, spans: readonly ReceivedSpan[]): Promise<void>;
  hasTrace(id: string): Promise<boolean>;
  getTraceInfo(id: string): Promise<TraceInfo>;
  getTrace(id: string): Promise<Trace>;
  searchTraces(search: TraceSearch): Promise<Page<TraceInfo>>;
  setTraceTag(id: string, tag: Tag): Promise<void>;
  deleteTraceTag(id: string, key: string): Promise<void>;
  /** Makes traces part of a run, besides the one that made them; neither needs to be there yet. */
  linkTraces(ids: readonly string[], runId: string): Promise<void>;
  /** The runs that traces of an experiment were linked to. */
  traceLinks(experimentId: string): Promise<readonly TraceLink[]>;
  /**
   * Makes or replaces the assessment whose `assessment_id` is given.
   *
   * @returns its id: a server gives a new one an id of its own.
   */
  putAssessment(id: string, assessmentId: string, assessment: Json): Promise<string>;
  deleteAssessment(id: string, assessmentId: string): Promise<void>;
  /** @returns how many went. */
  deleteTraces(deletion: TraceDeletion): Promise<number>;
  /** Points of a metric over many traces, as MLflow writes them. */
  traceMetrics(query: TraceMetricsQuery): Promise<readonly Json[]>;
  /** How many traces two filters find, and both together. */
  correlateTraces(query: TraceCorrelation): Promise<FilterCounts>;
}
