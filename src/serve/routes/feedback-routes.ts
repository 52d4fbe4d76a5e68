import { isMlopsError, MlopsError } from '../../base/index.ts';
import type { Request, Shell } from '../../http/index.ts';
import { intakeLimit, takeFeedback, takePredictions, type Intake } from '../../monitor/index.ts';
import { parseJson } from '../wire/json-reader.ts';
import type { ServingContext } from './context.ts';

/** A label may be a list of boxes; it is no place for documents. */
const feedbackLimit = 256 * 1024;

/**
 * What is to stand in the log beside this server's own predictions: `POST /feedback` and `/predictions/labels` put the
 * truth beside a prediction, `POST /predictions` takes those of models that run elsewhere. One record, a list, or
 * `{"labels": [...]}` and `{"predictions": [...]}`; all of a request or nothing.
 */
export function addFeedbackRoutes(shell: Shell, context: ServingContext): void {
  const routes = [
    ['/feedback', takeFeedback, feedbackLimit],
    ['/predictions/labels', takeFeedback, intakeLimit],
    ['/predictions', takePredictions, intakeLimit],
  ] as const;
  for (const [path, take, bodyLimit] of routes) {
    shell.post(path, { bodyLimit, config: { scope: 'predict' } }, (request, reply) => {
      const { ids } = keep(context, () => take(bodyOf(request)));
      void reply.code(202);
      const [only] = ids;
      return ids.length === 1 ? { ids, prediction_id: only, status: 'accepted' } : { ids };
    });
  }
}

function keep({ predictionLog: log }: ServingContext, take: () => Intake): Intake {
  if (log === undefined) {
    throw new MlopsError('bad_request', 'there is no prediction log to add to', {
      hint: 'start the server with --log-predictions',
    });
  }
  const taken = checked(take);
  const { lines } = taken;
  if (lines.length === 0) return taken;
  if (log.takesFeedback(lines.length) && log.append(lines.join('\n'), lines.length)) return taken;
  throw new MlopsError('overloaded', 'more comes than the prediction log takes', {
    hint: 'send it again in a moment',
    data: { retry_after: 1 },
  });
}

/** Integers beyond 2^53 are kept as text: they are identifiers. */
function bodyOf(request: Request): unknown {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  return withoutBigints(parseJson(body, true, request.headers['content-type']));
}

function withoutBigints(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(withoutBigints);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutBigints(inner)]));
}

/** A wrong field is this server's `invalid_input`, with its path. */
function checked(take: () => Intake): Intake {
  try {
    return take();
  } catch (error) {
    if (!isMlopsError(error, 'invalid_value')) throw error;
    const path = error.data?.['field'];
    throw new MlopsError('invalid_input', error.message, {
      cause: error,
      ...(path === undefined ? {} : { data: { path } }),
    });
  }
}
