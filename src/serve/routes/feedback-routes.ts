import { MlopsError } from '../../base/index.ts';
import type { Shell } from '../../http/index.ts';
import type { ServingContext } from './context.ts';
import { optionalText } from '../protocols/envelope.ts';
import { readObject } from '../protocols/native-protocol.ts';
import { isObject } from '../wire/json-reader.ts';

/** A label may be a list of boxes; it is no place for documents. */
const bodyLimit = 256 * 1024;

/** `POST /feedback`: `{"prediction_id": ..., "label": ..., "comment"?}` puts the truth beside a prediction. */
export function addFeedbackRoutes(shell: Shell, context: ServingContext): void {
  shell.post('/feedback', { bodyLimit, config: { scope: 'predict' } }, (request, reply) => {
    const log = context.predictionLog;
    if (log === undefined) {
      throw new MlopsError('bad_request', 'there is no prediction log to add feedback to', {
        hint: 'start the server with --log-predictions',
      });
    }
    const body = readObject(request.body, true, request.headers['content-type']);
    const id = optionalText(body, 'prediction_id');
    const { label } = body;
    if (id === undefined || id.length > 200 || label === undefined || isObject(label)) {
      throw new MlopsError('invalid_input', "feedback needs a 'prediction_id' and a 'label'", {
        data: { path: id === undefined ? 'prediction_id' : 'label' },
      });
    }
    const comment = optionalText(body, 'comment')?.slice(0, 10_000);
    const line = { kind: 'feedback', prediction_id: id, at: Date.now(), label, comment };
    // Integers beyond 2^53 are kept as text: they are identifiers.
    const text = JSON.stringify(line, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    if (!log.takesFeedback() || !log.append(text)) {
      throw new MlopsError('overloaded', 'more feedback comes than the prediction log takes', {
        hint: 'send it again in a moment',
        data: { retry_after: 1 },
      });
    }
    void reply.code(202);
    return { prediction_id: id, status: 'accepted' };
  });
}
