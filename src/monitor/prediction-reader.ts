import * as fs from 'node:fs';

import { MlopsError } from '../base/index.ts';
import { isTime } from './entry.ts';
import { headerLine, predictionLogFormat, segmentFiles } from './prediction-log.ts';
import { readSegmentIndex } from './segment-index.ts';
import { wholeLines, type Part } from './whole-lines.ts';

type Names<Value> = Readonly<Record<string, Value>>;

/** A logged prediction: of a server, or of an application, which has no outputs but a prediction. */
export interface PredictionRecord {
  readonly kind: 'prediction';
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly model: string;
  readonly version?: string;
  /** Of a traffic rule. */
  readonly arm?: string;
  readonly run_id?: string;
  /** Of the model's file. */
  readonly md5?: string;
  /** Of a server: nested lists by name, or a hash where they were too large. Of an application: values by name. */
  readonly inputs?: Names<unknown>;
  readonly outputs?: Names<unknown>;
  /** What the client sent, a row each, where that is not the inputs themselves or those were too large. */
  readonly rows?: readonly Names<unknown>[];
  /** One for each row, like `predictions` and `scores`. */
  readonly labels?: readonly (string | null)[];
  /** Numbers, where there are no labels. */
  readonly predictions?: readonly (number | null)[];
  /** Probabilities by label. */
  readonly scores?: readonly Names<number>[] | Names<number>;
  /** How many rows there were and which of them are here, where these are not all. */
  readonly row_count?: number;
  readonly row_at?: readonly number[];
  /** Of an application. */
  readonly prediction?: unknown;
  readonly error?: string;
  readonly latency_ms?: number;
  readonly request_id?: string;
  readonly trace_id?: string;
}

/** What turned out to be true for a prediction, or what it was worth. */
export interface FeedbackRecord {
  readonly kind: 'feedback';
  readonly prediction_id: string;
  readonly at: number;
  readonly label?: unknown;
  readonly reward?: number;
  readonly comment?: string;
}

export type LogRecord = PredictionRecord | FeedbackRecord;

/** Which records of a log are wanted. */
export interface ReadOptions {
  /** Milliseconds since the epoch: from here on, and before there. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly kind?: LogRecord['kind'] | undefined;
  /** Told of lines that are no record, but for one that a crash cut short. */
  readonly onSkipped?: ((file: string, line: string) => void) | undefined;
}

/**
 * Reads the records of a log, oldest segment first. Segments and parts of them that hold nothing of the time that is
 * asked for are not read. Lines that a crash cut short, or that are no record, are left out.
 *
 * @throws MlopsError `bad_json` for a segment of a newer format.
 */
export async function* readPredictionLog(directory: string, options: ReadOptions = {}): AsyncGenerator<LogRecord> {
  const { since = -Infinity, until = Infinity, kind } = options;
  for (const file of segmentFiles(directory)) {
    checkHeader(file);
    for (const part of partsOf(file, options)) {
      for await (const { bytes } of wholeLines(file, part)) {
        for (const line of bytes.toString().split('\n')) {
          if (line === '') continue;
          const value = parse(line);
          if (!isRecord(value)) {
            const kind = (value as { kind?: string } | undefined)?.kind;
            if (kind !== 'index' && kind !== 'forgotten') options.onSkipped?.(file, line);
          } else if (value.at >= since && value.at < until && (kind === undefined || value.kind === kind)) yield value;
        }
      }
    }
  }
}

/** The stretches of a segment in which something of the time and kind may lie; behind the header. */
export function partsOf(file: string, { since = -Infinity, until = Infinity, kind }: ReadOptions): Part[] {
  const whole = [{ from: headerLine.length }];
  if (since === -Infinity && until === Infinity && kind !== 'feedback') return whole;
  const index = readSegmentIndex(file);
  if (index === undefined) return whole;
  if (kind === 'feedback' && index.labels === 0) return [];
  const parts: { from: number; to: number }[] = [];
  for (const [from, to, first, last] of index.blocks) {
    if (last < since || first >= until) continue;
    const before = parts.at(-1);
    if (before?.to === from) before.to = to;
    else parts.push({ from, to });
  }
  return parts;
}

/** The record of a line; undefined for one that is none. */
export function recordOf(line: string): LogRecord | undefined {
  const value = parse(line);
  return isRecord(value) ? value : undefined;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const isList =
  (of: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every(of);
const orNull =
  (of: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === null || of(value);

/** What the fields of a prediction must be where they are there. */
const fieldChecks: Readonly<Record<string, (value: unknown) => boolean>> = {
  version: isText,
  arm: isText,
  run_id: isText,
  md5: isText,
  inputs: isObject,
  outputs: isObject,
  rows: isList(isObject),
  labels: isList(orNull(isText)),
  predictions: isList(orNull(isNumber)),
  scores: (value) => isObject(value) || isList(isObject)(value),
  row_count: isNumber,
  row_at: isList(isNumber),
  error: isText,
  latency_ms: isNumber,
  request_id: isText,
  trace_id: isText,
};

/** A line may come from anywhere: what is read later has the types that its record says. */
function isRecord(value: unknown): value is LogRecord {
  if (!isObject(value)) return false;
  const record = value as Readonly<Record<string, unknown>>;
  if (!isNumber(record['at']) || !isTime(record['at'])) return false;
  if (record['kind'] === 'feedback') {
    const { reward } = record;
    if (reward !== undefined && !isNumber(reward)) return false;
    return isText(record['prediction_id']) && (record['label'] !== undefined || reward !== undefined);
  }
  if (record['kind'] !== 'prediction' || !isText(record['id']) || !isText(record['model'])) return false;
  for (const name in record)
    if (Object.hasOwn(fieldChecks, name) && fieldChecks[name]?.(record[name]) !== true) return false;
  const lists = ['rows', 'labels', 'predictions', 'row_at'].flatMap((name) => {
    const list = record[name];
    return Array.isArray(list) ? [list.length] : [];
  });
  return lists.every((length) => length === lists[0]);
}

/**
 * A segment that is just begun may have no header yet: nothing is read of it.
 * @throws MlopsError `bad_json` for a newer format.
 */
export function checkHeader(file: string): void {
  const handle = fs.openSync(file, 'r');
  try {
    const start = Buffer.alloc(headerLine.length);
    const length = fs.readSync(handle, start, 0, start.length, 0);
    if (headerLine.startsWith(start.toString('latin1', 0, length))) return;
  } finally {
    fs.closeSync(handle);
  }
  throw new MlopsError('bad_json', `'${file}' is not a prediction log of format ${predictionLogFormat}`, {
    hint: 'it was written by another version of mlops',
  });
}
