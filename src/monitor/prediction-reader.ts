import * as fs from 'node:fs';
import { createInterface } from 'node:readline';

import { MlopsError } from '../base/index.ts';
import { predictionLogFormat, segmentFiles } from './prediction-log.ts';

/** A logged prediction. Inputs and outputs are nested lists by name, or a hash where they were too large. */
export interface PredictionRecord {
  readonly kind: 'prediction';
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly model: string;
  readonly version: string;
  readonly run_id?: string;
  readonly md5: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly labels?: readonly string[];
  readonly latency_ms: number;
  readonly request_id: string;
  readonly trace_id?: string;
}

/** What turned out to be true for a prediction. */
export interface FeedbackRecord {
  readonly kind: 'feedback';
  readonly prediction_id: string;
  readonly at: number;
  readonly label: unknown;
  readonly comment?: string;
}

export type LogRecord = PredictionRecord | FeedbackRecord;

/**
 * Reads all records of a log, oldest segment first. A last line that a crash cut short is skipped.
 *
 * @throws MlopsError `bad_json` for a segment of a newer format.
 */
export async function* readPredictionLog(directory: string): AsyncGenerator<LogRecord> {
  for (const file of segmentFiles(directory)) {
    const lines = createInterface({ input: fs.createReadStream(file), crlfDelay: Infinity });
    let header = true;
    for await (const line of lines) {
      const value = parse(line);
      if (header) checkHeader(value, file);
      else if (value !== undefined) yield value as LogRecord;
      header = false;
    }
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function checkHeader(value: unknown, file: string): void {
  const format = (value as { mlops_prediction_log?: number } | undefined)?.mlops_prediction_log;
  if (format === predictionLogFormat) return;
  throw new MlopsError('bad_json', `'${file}' is not a prediction log of format ${predictionLogFormat}`, {
    hint: 'it was written by another version of mlops',
  });
}
