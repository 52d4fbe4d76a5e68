/** Monitoring: the prediction log, its writer and its reader. */
export { PredictionLog, type PredictionLogOptions } from './prediction-log.ts';
export { readPredictionLog, type FeedbackRecord, type LogRecord, type PredictionRecord } from './prediction-reader.ts';
