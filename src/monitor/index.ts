/** Monitoring: the prediction log, its writer and its reader. */
export { PredictionLog, type PredictionLogOptions } from './prediction-log.ts';
export { PredictionSampler, type PredictionSink, type SamplerOptions } from './prediction-sampler.ts';
export { readPredictionLog, type FeedbackRecord, type LogRecord, type PredictionRecord } from './prediction-reader.ts';
