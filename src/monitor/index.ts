/**
 * Monitoring: the prediction log, its writer and its reader; what statistics tell of it; whether data drifted. Pure
 * where it computes: tables and records in, results out.
 *
 * Words: a *record* is one answered prediction; a record is *dropped* when the disk is too slow and *sampled out* when
 * it was not picked. Losing records is counted, and never slows a request down.
 * Never: sees what is to be redacted.
 */
export {
  advance,
  alertKey,
  announced,
  noticeOf,
  orphaned,
  type Alert,
  type AlertState,
  type Delivery,
  type Notice,
  type NoticeState,
  type Silence,
} from './alerts/alert.ts';
export {
  compare,
  ruleKinds,
  severities,
  type AlertRule,
  type Observation,
  type RuleKind,
  type Severity,
} from './alerts/rule.ts';
export { epsilonShares, thompsonShares } from './arms/allocate.ts';
export { compareArms, ratioMismatch, type ArmComparison } from './arms/compare-arms.ts';
export { sampleSize, type PlanOptions } from './arms/plan.ts';
export { corrections, type Correction } from './drift/correction.ts';
export { checkDrift, type DriftOptions } from './drift/check-drift.ts';
export { methods as driftMethods, type MethodName } from './drift/methods.ts';
export { checkTogether, isMultivariateName, multivariateNames } from './drift/multivariate.ts';
export type { ColumnDrift, DriftReport } from './drift/report.ts';
export { bucketKinds, bucketStarts } from './buckets.ts';
export { droppedSince } from './dropped-records.ts';
export { toEntry, toFeedback, type Answer, type Entry } from './entry.ts';
export { intakeLimit, takeFeedback, takePredictions, type Intake } from './intake.ts';
export { monitorGauges, type LookFacts, type ModelFacts } from './gauges.ts';
export { findPrediction } from './find-prediction.ts';
export { forgetRecords } from './forget-records.ts';
export { momentOf, spanOf } from './moment.ts';
export { ModelScore, pairedDifference, scoreNames, type Judged } from './performance/compare.ts';
export { driftSeries, type ColumnSeries } from './drift/series.ts';
export { estimatePerformance, type Estimate, type Reference } from './performance/estimate.ts';
export { performanceOf, tasks, type Performance, type PerformanceOptions } from './performance/performance.ts';
export { entriesOf, readEntries, readLabels } from './read-entries.ts';
export { logStats } from './summaries/log-stats.ts';
export { SegmentWriter } from './segment-writer.ts';
export { isSelected, type ModelStats, type Selection, type StatsOptions } from './stats.ts';
export type { Summary } from './summary.ts';
export { PredictionLog, type PredictionLogOptions } from './prediction-log.ts';
export { servedLine, sampleRows, type LoggedTensor, type SampledRows, type ServedPrediction } from './served-record.ts';
export { describeText } from './descriptors.ts';
export { PredictionSampler, type PredictionSink, type SamplerOptions } from './prediction-sampler.ts';
export { readPredictionLog, type FeedbackRecord, type LogRecord, type PredictionRecord } from './prediction-reader.ts';
