import { randomUUID } from 'node:crypto';

import { isMlopsError, MlopsError } from '../base/index.ts';
import type { Shell } from '../http/index.ts';
import { PredictionLog, predictionLine, labelLine, toEntry, toLabel } from '../monitor/index.ts';

export interface PredictionRoutesOptions {
  /** Folder of the prediction log. */
  readonly directory: string;
  readonly prefix: string;
  readonly onTrouble?: ((message: string) => void) | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** A batch of records, not a data set. */
const bodyLimit = 16 * 1024 * 1024;

/**
 * Predictions of models that run inside of applications: `POST /predictions` and `/predictions/labels` take one record,
 * a list, or `{"predictions": [...]}` and `{"labels": [...]}`, all or none, and answer 202 when they are in the log;
 * `GET /monitor/stats` tells of them.
 */
export function addPredictionRoutes(shell: Shell, { directory, prefix, onTrouble }: PredictionRoutesOptions): void {
  const log = new PredictionLog({ directory, onTrouble });
  shell.addHook('onClose', () => log.close());
  const take = async (body: unknown, key: string, of: (fields: Fields) => { id: string; line: string }) => {
    const taken = recordsOf(body, key).map((fields, index) => named(index, () => of(fields)));
    if (
      taken.length > 0 &&
      !(log.append(taken.map(({ line }) => line).join('\n'), taken.length) && (await log.flush()))
    ) {
      throw new MlopsError('overloaded', 'the prediction log cannot be written at the moment', {
        hint: 'send it again in a moment',
        data: { retry_after: 1 },
      });
    }
    return { ids: taken.map(({ id }) => id) };
  };
  shell.post(`${prefix}/predictions`, { bodyLimit, config: { scope: 'write' } }, async (request, reply) => {
    void reply.code(202);
    return take(request.body, 'predictions', (fields) => {
      const entry = toEntry(fields, { id: randomUUID, now: Date.now });
      return { id: entry.id, line: predictionLine(entry) };
    });
  });
  for (const path of ['/predictions/labels', '/feedback']) {
    shell.post(`${prefix}${path}`, { bodyLimit, config: { scope: 'write' } }, async (request, reply) => {
      void reply.code(202);
      return take(request.body, 'labels', (fields) => {
        const label = toLabel(fields, Date.now);
        return { id: label.id, line: labelLine(label) };
      });
    });
  }
}

function recordsOf(body: unknown, key: string): readonly Fields[] {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.isBuffer(body) ? body.toString('utf8') : '');
  } catch (error) {
    throw new MlopsError('bad_request', 'the body is no JSON', { cause: error });
  }
  const inner = isObject(value) && value[key] !== undefined ? value[key] : value;
  const list = Array.isArray(inner) ? inner : [inner];
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
