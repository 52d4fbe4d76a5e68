import * as fs from 'node:fs';

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
 * Reads all records of a log, oldest segment first. Lines that a crash cut short, or that are no record, are left out.
 *
 * @throws MlopsError `bad_json` for a segment of a newer format.
 */
export async function* readPredictionLog(directory: string): AsyncGenerator<LogRecord> {
  for (const file of segmentFiles(directory)) {
    let first = true;
    for await (const lines of wholeLines(file)) {
      for (const line of lines) {
        const value = parse(line);
        if (first) checkHeader(value, file);
        else if (isRecord(value)) yield value;
        first = false;
      }
    }
  }
}

/** The lines of a file that end, those of a chunk together. A character is never cut: chunks end at a line's end. */
async function* wholeLines(file: string): AsyncGenerator<string[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of fs.createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(0x0a);
    rest = bytes.subarray(end + 1);
    if (end !== -1) yield bytes.toString('utf8', 0, end).split('\n');
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is LogRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, id, prediction_id: of } = value as Partial<PredictionRecord & FeedbackRecord>;
  return kind === 'prediction' ? typeof id === 'string' : kind === 'feedback' && typeof of === 'string';
}

function checkHeader(value: unknown, file: string): void {
  const format = (value as { mlops_prediction_log?: number } | undefined)?.mlops_prediction_log;
  if (format === predictionLogFormat) return;
  throw new MlopsError('bad_json', `'${file}' is not a prediction log of format ${predictionLogFormat}`, {
    hint: 'it was written by another version of mlops',
  });
}
