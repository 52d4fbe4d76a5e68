import type {
  EvaluationDataset,
  Issue,
  Json,
  LabelChange,
  LabelInput,
  LabelSchema,
  LabelType,
  NewRecord,
  NewReviewQueue,
  OnlineScoring,
  Page,
  QueueChange,
  ReviewItem,
  ReviewQueue,
  ReviewStatus,
  ScorerVersion,
} from '../mlflow/index.ts';
import type { Search } from './types.ts';

export interface EvaluationSearch extends Search {
  /** Empty: all. */
  readonly experimentIds: readonly string[];
}

/** A page of a list by experiment. */
export interface PageQuery {
  readonly maxResults?: number | undefined;
  readonly pageToken?: string | undefined;
}

export interface NewIssue {
  readonly experimentId: string;
  readonly name: string;
  readonly description: string;
  readonly status: string;
  readonly severity?: string | undefined;
  readonly rootCauses: readonly string[];
  readonly categories: readonly string[];
  readonly sourceRunId?: string | undefined;
  readonly createdBy?: string | undefined;
}

/** Absent fields stay. */
export interface IssueChange {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly status?: string | undefined;
  readonly severity?: string | undefined;
}

export interface IssueSearch extends PageQuery {
  readonly experimentId?: string | undefined;
  readonly filter?: string | undefined;
  readonly countTraces?: boolean | undefined;
}

export interface NewLabelSchema {
  readonly experimentId: string;
  readonly name: string;
  readonly type: LabelType;
  readonly instruction?: string | undefined;
  readonly enableComment: boolean;
  readonly input: LabelInput;
}

/** Sets of records that models are judged by. */
export interface EvaluationDatasetStore {
  createDataset(dataset: {
    readonly name: string;
    readonly tags: Readonly<Record<string, unknown>>;
    readonly experimentIds: readonly string[];
  }): Promise<EvaluationDataset>;
  getDataset(id: string): Promise<EvaluationDataset>;
  /** One that is not there is silently gone. */
  deleteDataset(id: string): Promise<void>;
  searchEvaluationDatasets(search: EvaluationSearch): Promise<Page<EvaluationDataset>>;
  /** Null leaves a tag as it is. */
  setDatasetTags(id: string, tags: Readonly<Record<string, unknown>>): Promise<void>;
  deleteDatasetTag(id: string, key: string): Promise<void>;
  datasetExperiments(id: string): Promise<readonly string[]>;
  addDatasetToExperiments(id: string, experimentIds: readonly string[]): Promise<EvaluationDataset>;
  removeDatasetFromExperiments(id: string, experimentIds: readonly string[]): Promise<EvaluationDataset>;
  /** Records of the same inputs are one. */
  putRecords(
    id: string,
    records: readonly NewRecord[],
  ): Promise<{ readonly inserted: number; readonly updated: number }>;
  /** In the order in which they came, as MLflow's clients read them. */
  listRecords(id: string, query: PageQuery): Promise<Page<Json>>;
  /** @returns how many went. */
  deleteRecords(id: string, recordIds: readonly string[]): Promise<number>;
}

/** Judges, by experiment and name; each registration is a version. */
export interface ScorerStore {
  registerScorer(experimentId: string, name: string, body: string): Promise<ScorerVersion>;
  /** The newest version of each; of all experiments that are there without ids. */
  listScorers(experimentIds: readonly string[] | undefined): Promise<readonly ScorerVersion[]>;
  scorerVersions(experimentId: string, name: string): Promise<readonly ScorerVersion[]>;
  getScorer(experimentId: string, name: string, version?: number): Promise<ScorerVersion>;
  /** All versions without one. */
  deleteScorer(experimentId: string, name: string, version?: number): Promise<void>;
  setOnlineScoring(
    experimentId: string,
    name: string,
    config: { readonly sampleRate: number; readonly filter: string | undefined },
  ): Promise<OnlineScoring>;
  onlineScoring(scorerIds: readonly string[]): Promise<readonly OnlineScoring[]>;
}

export interface IssueStore {
  createIssue(issue: NewIssue): Promise<Issue>;
  getIssue(id: string): Promise<Issue>;
  updateIssue(id: string, change: IssueChange): Promise<Issue>;
  /** The gravest first, then the newest. */
  searchIssues(search: IssueSearch): Promise<Page<Issue>>;
}

/** Questions that people are asked, and the queues of traces that they are asked about. */
export interface ReviewStore {
  createLabelSchema(schema: NewLabelSchema): Promise<LabelSchema>;
  getLabelSchema(id: string): Promise<LabelSchema>;
  getLabelSchemaByName(experimentId: string, name: string): Promise<LabelSchema>;
  /** Makes the question that each experiment has, where it is not there yet. */
  listLabelSchemas(experimentId: string, query: PageQuery): Promise<Page<LabelSchema>>;
  updateLabelSchema(id: string, change: LabelChange): Promise<LabelSchema>;
  deleteLabelSchema(id: string): Promise<void>;
  createReviewQueue(queue: NewReviewQueue): Promise<ReviewQueue>;
  getReviewQueue(id: string): Promise<ReviewQueue>;
  getReviewQueueByName(experimentId: string, name: string): Promise<ReviewQueue>;
  listReviewQueues(
    experimentId: string,
    query: PageQuery & { readonly user?: string | undefined; readonly itemId?: string | undefined },
  ): Promise<Page<ReviewQueue>>;
  updateReviewQueue(id: string, change: QueueChange): Promise<ReviewQueue>;
  deleteReviewQueue(id: string): Promise<void>;
  /** @throws MlopsError `resource_missing` for traces that the experiment of the queue has not. */
  addReviewItems(queueId: string, ids: readonly string[]): Promise<readonly ReviewItem[]>;
  removeReviewItems(queueId: string, ids: readonly string[]): Promise<void>;
  listReviewItems(
    queueId: string,
    query: PageQuery & { readonly status?: ReviewStatus | undefined },
  ): Promise<Page<ReviewItem>>;
  /** The same status once more changes nothing. */
  setReviewStatus(
    queueId: string,
    id: string,
    status: ReviewStatus,
    completedBy: string | undefined,
  ): Promise<ReviewItem>;
}

/** Port: how the answers of models and agents are judged. Ids that are absent throw `resource_missing`. */
export type EvaluationStore = EvaluationDatasetStore & ScorerStore & IssueStore & ReviewStore;
