import { randomUUID } from 'node:crypto';

import { isMlopsError, MlopsError } from '../base/index.ts';
import { feedbackLine, predictionLine, toEntry, toFeedback } from './entry.ts';

/** Records that a client sent, checked, as lines of the log. */
export interface Intake {
  readonly ids: readonly string[];
  readonly lines: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** What a request to `/predictions` is at most, in bytes: a batch of records, not a data set. */
export const intakeLimit = 16 * 1024 * 1024;

/**
 * The predictions of a request: one record, a list, or `{"predictions": [...]}`. An id that is absent is made.
 *
 * @throws MlopsError `invalid_value` naming the record and the field.
 */
export function takePredictions(body: unknown): Intake {
  return take(body, 'predictions', (fields) => {
    const entry = toEntry(fields, { id: randomUUID, now: Date.now });
    return [entry.id, predictionLine(entry)];
  });
}

/** The feedback of a request, likewise: labels, rewards, comments. @throws MlopsError `invalid_value`. */
export function takeFeedback(body: unknown): Intake {
  return take(body, 'labels', (fields) => {
    const feedback = toFeedback(fields, Date.now);
    return [feedback.id, feedbackLine(feedback)];
  });
}

function take(body: unknown, key: string, of: (fields: Fields) => readonly [id: string, line: string]): Intake {
  const taken = recordsOf(body, key).map((fields, index) => named(index, () => of(fields)));
  return { ids: taken.map(([id]) => id), lines: taken.map(([, line]) => line) };
}

function recordsOf(body: unknown, key: string): readonly Fields[] {
  const inner = isObject(body) && body[key] !== undefined ? body[key] : body;
  const list: readonly unknown[] = Array.isArray(inner) ? inner : [inner];
  if (list.every(isObject)) return list;
  throw new MlopsError('invalid_value', `the body is one record, a list, or {"${key}": [...]}`);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Which record of a list is wrong. */
function named<Value>(index: number, make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    if (!isMlopsError(error, 'invalid_value')) throw error;
    throw new MlopsError('invalid_value', `record ${index}: ${error.message}`, { data: error.data, cause: error });
  }
}
