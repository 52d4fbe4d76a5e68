import { MlopsError } from '../base/index.ts';
import { keptValues } from './descriptors.ts';

/** One thing found in a picture: a label's has no score. */
export interface Detection {
  /** Left, top, width, height. */
  readonly box: readonly [number, number, number, number];
  readonly label: string;
  readonly score?: number;
}

export type Answer = string | number | boolean | readonly Detection[];

/** A prediction as statistics see it, wherever it was made. The keys are those of the file format. */
export interface Entry {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly model: string;
  readonly version?: string;
  /** What is large is described: see `descriptors.ts`. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly prediction?: Answer;
  /** Probabilities by label. */
  readonly scores?: Readonly<Record<string, number>>;
  readonly latency_ms?: number;
  readonly error?: string;
  /** Of the traffic rule by which the version was chosen. */
  readonly arm?: string;
}

export interface LabelEntry {
  readonly id: string;
  readonly label: Answer;
  readonly at: number;
}

/** What turned out of a prediction: what is true, what it was worth, or both. */
export interface FeedbackEntry extends Omit<LabelEntry, 'label'> {
  readonly label?: Answer;
  readonly reward?: number;
  readonly comment?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * A prediction as a client sent it, checked. What is absent is filled in: the time, the id, and `model` where a default
 * is given.
 * @throws MlopsError `invalid_value` naming the field.
 */
export function toEntry(
  fields: Fields,
  defaults: { readonly id: () => string; readonly now: () => number; readonly model?: string | undefined },
): Entry {
  const model = fields['model'] ?? defaults.model;
  if (typeof model !== 'string' || model === '') throw wrong('model', 'is missing');
  const { version, arm, inputs, scores, latency_ms: latency, error } = fields;
  return {
    id: idOf(fields) ?? defaults.id(),
    at: fields['at'] === undefined || fields['at'] === null ? defaults.now() : timeOf(fields['at']),
    model,
    ...(isAbsent(version) ? {} : { version: textOf(version, 'version') }),
    ...(isAbsent(arm) ? {} : { arm: textOf(arm, 'arm') }),
    ...(isAbsent(inputs) ? {} : { inputs: keptValues(objectOf(inputs, 'inputs')) }),
    ...(isAbsent(fields['prediction']) ? {} : { prediction: answerOf(fields['prediction'], 'prediction') }),
    ...(isAbsent(scores) ? {} : { scores: scoresOf(scores) }),
    ...(isAbsent(latency) ? {} : { latency_ms: numberOf(latency, 'latency_ms') }),
    ...(isAbsent(error) || error === '' ? {} : { error: typeof error === 'string' ? error : JSON.stringify(error) }),
  };
}

/** A prediction as a line of the log. */
export function predictionLine(entry: Entry): string {
  return JSON.stringify({ kind: 'prediction', ...entry });
}

/** Feedback as a line of the log. */
export function feedbackLine({ id, label, reward, at, comment }: FeedbackEntry): string {
  return JSON.stringify({ kind: 'feedback', prediction_id: id, at, label, reward, comment });
}

/**
 * Feedback as a client sent it, checked: a label, a reward or both, with a comment where there is one.
 * @throws MlopsError `invalid_value` naming the field.
 */
export function toFeedback(fields: Fields, now: () => number): FeedbackEntry {
  const { label, reward, comment } = fields;
  const id = idOf(fields);
  if (id === undefined) throw wrong('id', 'is missing');
  if (isAbsent(label) && isAbsent(reward)) throw wrong('label', 'is missing, and so is a reward');
  if (!isAbsent(comment) && typeof comment !== 'string') throw wrong('comment', 'is no text');
  return {
    id,
    at: isAbsent(fields['at']) ? now() : timeOf(fields['at']),
    ...(isAbsent(label) ? {} : { label: answerOf(label, 'label') }),
    ...(isAbsent(reward) ? {} : { reward: numberOf(reward, 'reward') }),
    ...(isAbsent(comment) ? {} : { comment: comment.slice(0, 10_000) }),
  };
}

/** A label as a client sent it, checked. @throws MlopsError `invalid_value` naming the field. */
export function toLabel(fields: Fields, now: () => number): LabelEntry {
  const id = idOf(fields);
  if (id === undefined) throw wrong('id', 'is missing');
  if (isAbsent(fields['label'])) throw wrong('label', 'is missing');
  const at = isAbsent(fields['at']) ? now() : timeOf(fields['at']);
  return { id, label: answerOf(fields['label'], 'label'), at };
}

/** Milliseconds since the epoch, or an ISO 8601 text. @throws MlopsError `invalid_value`. */
export function timeOf(value: unknown): number {
  if (typeof value === 'number' && isTime(value)) return value;
  const parsed = typeof value === 'string' && /^\d{4}-\d\d/.test(value) ? Date.parse(zoned(value)) : Number.NaN;
  if (!Number.isNaN(parsed)) return parsed;
  throw wrong('at', `is no time: ${JSON.stringify(value)}`);
}

/** Whether a date can be made of it, in milliseconds since the epoch. */
export function isTime(value: number): boolean {
  return Math.abs(value) <= 8.64e15;
}

/** A time without a zone is UTC, whatever the machine's is. */
function zoned(text: string): string {
  return /T|\d \d/.test(text) && !/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? `${text.replace(' ', 'T')}Z` : text;
}

const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;

function wrong(field: string, what: string): MlopsError {
  return new MlopsError('invalid_value', `'${field}' ${what}`, { data: { field } });
}

/** `id` and `prediction_id` are the same word. */
function idOf(fields: Fields): string | undefined {
  const id = fields['id'] ?? fields['prediction_id'];
  if (isAbsent(id) || id === '') return undefined;
  return textOf(id, 'id');
}

function textOf(value: unknown, field: string): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string' && value.length <= 200) return value;
  throw wrong(field, 'is no text of at most 200 characters');
}

function numberOf(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw wrong(field, `is no number: ${JSON.stringify(value)}`);
}

function objectOf(value: unknown, field: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw wrong(field, 'is no object');
}

function scoresOf(value: unknown): Readonly<Record<string, number>> {
  const entries = Object.entries(objectOf(value, 'scores')).filter(([, score]) => !isAbsent(score));
  return Object.fromEntries(entries.map(([label, score]) => [label, numberOf(score, `scores.${label}`)]));
}

function answerOf(value: unknown, field: string): Answer {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return numberOf(value, field);
  if (Array.isArray(value)) return value.map((item) => detectionOf(item, field));
  throw wrong(field, 'is no label, number or list of boxes');
}

function detectionOf(value: unknown, field: string): Detection {
  const { box, label, score } = objectOf(value, field);
  if (!Array.isArray(box) || box.length !== 4) throw wrong(`${field}.box`, 'is not [x, y, width, height]');
  const [x, y, width, height] = box.map((side) => numberOf(side, `${field}.box`));
  return {
    box: [x ?? 0, y ?? 0, width ?? 0, height ?? 0],
    label: textOf(label, `${field}.label`),
    ...(isAbsent(score) ? {} : { score: numberOf(score, `${field}.score`) }),
  };
}
