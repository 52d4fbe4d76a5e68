import { MlopsError } from '../base/index.ts';
import type { Shell } from '../http/index.ts';
import { intakeLimit, PredictionLog, takeFeedback, takePredictions, type Intake } from '../monitor/index.ts';

export interface PredictionRoutesOptions {
  /** Folder of the prediction log. */
  readonly directory: string;
  readonly prefix: string;
  readonly onTrouble?: ((message: string) => void) | undefined;
}

/**
 * Predictions of models that run inside of applications: `POST /predictions` and `/predictions/labels` take one record,
 * a list, or `{"predictions": [...]}` and `{"labels": [...]}`, all or none, and answer 202 when they are in the log;
 * `GET /monitor/stats` tells of them.
 */
export function addPredictionRoutes(shell: Shell, { directory, prefix, onTrouble }: PredictionRoutesOptions): void {
  const log = new PredictionLog({ directory, onTrouble });
  shell.addHook('onClose', () => log.close());
  const keep = async ({ ids, lines }: Intake) => {
    if (lines.length > 0 && !(log.append(lines.join('\n'), lines.length) && (await log.flush()))) {
      throw new MlopsError('overloaded', 'the prediction log cannot be written at the moment', {
        hint: 'send it again in a moment',
        data: { retry_after: 1 },
      });
    }
    return { ids };
  };
  const routes = [
    ['/predictions', takePredictions],
    ['/predictions/labels', takeFeedback],
    ['/feedback', takeFeedback],
  ] as const;
  for (const [path, take] of routes) {
    const options = { bodyLimit: intakeLimit, config: { scope: 'write' as const } };
    shell.post(`${prefix}${path}`, options, async (request, reply) => {
      void reply.code(202);
      return keep(take(parsed(request.body)));
    });
  }
}

function parsed(body: unknown): unknown {
  try {
    return JSON.parse(Buffer.isBuffer(body) ? body.toString('utf8') : '');
  } catch (error) {
    throw new MlopsError('bad_request', 'the body is no JSON', { cause: error });
  }
}
