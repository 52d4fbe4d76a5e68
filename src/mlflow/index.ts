/**
 * MLflow's wire: nouns, limits, JSON shapes, URIs, search grammar.
 *
 * Words are MLflow's: experiment, run, param, metric, tag, logged model, registered model, version, stage, alias,
 * trace.
 * Never: stores anything, or speaks HTTP.
 */
export { decodeFully, decodeOnce, newArtifactName, readArtifactName, type ArtifactName } from './artifact-name.ts';
export * from './entities.ts';
export { correlationToJson, type FilterCounts } from './evaluation/correlation.ts';
export {
  datasetDigest,
  evaluationDatasetRules,
  evaluationDatasetToJson,
  inputsHash,
  readRecords,
  readTagMap,
  widenSchema,
  type EvaluationDataset,
  type NewRecord,
} from './evaluation/datasets.ts';
export { assessmentMeasures, spanMeasures } from './evaluation/measures.ts';
export { issueRules, issueSeverities, issueStatuses, issueToJson, oneOf, type Issue } from './evaluation/issues.ts';
export {
  checkInstruction,
  checkLabelChange,
  checkLabelName,
  defaultLabel,
  labelSchemaToJson,
  labelTypes,
  readLabelInput,
  type LabelChange,
  type LabelInput,
  type LabelSchema,
  type LabelType,
} from './evaluation/label-schemas.ts';
export {
  checkedQueue,
  completerOf,
  customQueueName,
  plainItemIds,
  plainSchemaIds,
  plainUser,
  plainUsers,
  queueOwner,
  queueTypes,
  reviewItemToJson,
  reviewQueueToJson,
  reviewStatuses,
  type NewReviewQueue,
  type QueueChange,
  type ReviewItem,
  type ReviewQueue,
  type ReviewStatus,
} from './evaluation/review-queues.ts';
export {
  checkScorer,
  onlineScoringToJson,
  scorerToJson,
  usesGateway,
  type OnlineScoring,
  type ScorerVersion,
} from './evaluation/scorers.ts';
export {
  aggregationTypes,
  checkTraceMetrics,
  metricFilterText,
  MetricGroups,
  metricViews,
  readAggregation,
  readMetricFilter,
  type MetricFilter,
  type TraceMetricsQuery,
} from './evaluation/trace-metrics.ts';
export {
  checkAlias,
  checkAliasForm,
  checkBatch,
  checkExperimentTag,
  checkLength,
  checkLoggedModelName,
  checkMetric,
  checkModelName,
  checkParam,
  checkRegistryTag,
  checkRunId,
  checkTag,
  invalid,
  limits,
  missing,
} from './limits.ts';
export { readOffset, readPosition, writePageToken } from './page-token.ts';
export { readLoggedModelUri, readModelUri } from './model-uris.ts';
export { everything } from './pages.ts';
export { randomRunName } from './run-name.ts';
export { filterText, parseFilter, searchLimits, type SearchRules } from './search-grammar.ts';
export { checkOrderSize, parseOrderBy } from './search-order.ts';
export {
  experimentRules,
  loggedModelRules,
  modelVersionRules,
  registeredModelRules,
  runRules,
} from './search-rules.ts';
export type { Clause, Comparator, Entity, OrderTerm } from './search-types.ts';
export { int64Text, jsonText } from './wire-answer.ts';
export { readBody } from './wire-body.ts';
export { Fields, readQuery } from './wire-fields.ts';
export * from './wire-registry.ts';
export * from './wire-tracking.ts';
export {
  checkWebhookName,
  exampleOfEvent,
  readWebhookEvent,
  readWebhookEvents,
  readWebhook,
  webhookEventToJson,
  webhookToJson,
  type Webhook,
  type WebhookEntity,
  type WebhookEvent,
  type WebhookStatus,
} from './webhooks.ts';
export { readOtlp, readOtlpJson, readSpan, writeOtlpJson, type ReceivedSpan, type SpanJson } from './otlp.ts';
export { readSpanText, spansFile, spanText } from './span-file.ts';
export { factsOf, totalUsage, usageOfStored, type TraceFacts } from './trace-facts.ts';
export {
  readTraceInfo,
  traceInfoToJson,
  traceRules,
  traceStates,
  traceToJson,
  type Trace,
  type TraceInfo,
  type TraceState,
} from './traces.ts';
