import { mlflowErrorBody, type ErrorRenderer, type Shell } from '../../http/index.ts';
import type { ServingContext } from './context.ts';
import { answer } from './answer.ts';

/** Answers `text/plain` for a wrong content type, as MLflow does, else its JSON shape; never a stack trace. */
const errors: ErrorRenderer = (failure) =>
  failure.code === 'unsupported_media' ? failure.message : mlflowErrorBody(failure);

/** The version of MLflow whose scoring server this one answers like. */
const mlflowVersion = '3.17.2';

/** MLflow's scoring server: `/invocations`, `/ping`, `/version`. */
export function addMlflowRoutes(shell: Shell, context: ServingContext): void {
  shell.get('/ping', { config: { errors } }, (_request, reply) => {
    void reply.code(context.ready() ? 200 : 503).type('application/json');
    return '\n';
  });
  shell.get('/version', { config: { errors } }, (_request, reply) => {
    void reply.type('text/plain; charset=utf-8');
    return mlflowVersion;
  });
  shell.post<{ Querystring: { model?: string; model_version?: string } }>(
    '/invocations',
    { config: { errors, scope: 'predict' } },
    async (request, reply) => {
      const asked = { protocol: 'scoring', contentType: request.headers['content-type'] } as const;
      const opening = context.threads.open(asked, request.body, context.anyExactIntegers());
      const exchange = opening instanceof Promise ? await opening : opening;
      try {
        void reply.header('content-type', 'application/json; charset=utf-8');
        const { model, model_version: version } = request.query;
        const empty = exchange.isEmpty(await context.repository.version(model, version));
        if (empty instanceof Promise ? await empty : empty) return '{"predictions":[]}';
        const { body, predictionId } = await answer(context, request, exchange, { model, version });
        void reply.header('x-prediction-id', predictionId);
        return body;
      } finally {
        exchange.close();
      }
    },
  );
}
