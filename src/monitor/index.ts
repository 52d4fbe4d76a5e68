/**
 * Monitoring: the prediction log, its writer and its reader; what statistics tell of it; whether data drifted. Pure
 * where it computes: tables and records in, results out.
 */
export { corrections, type Correction } from './drift/correction.ts';
export { checkDrift, type DriftOptions } from './drift/check-drift.ts';
export { methods as driftMethods, type MethodName } from './drift/methods.ts';
export { checkTogether, isMultivariateName, multivariateNames } from './drift/multivariate.ts';
export type { ColumnDrift, DriftReport } from './drift/report.ts';
export { PredictionLog, type PredictionLogOptions } from './prediction-log.ts';
export { PredictionSampler, type PredictionSink, type SamplerOptions } from './prediction-sampler.ts';
export { readPredictionLog, type FeedbackRecord, type LogRecord, type PredictionRecord } from './prediction-reader.ts';
