import { mlflowErrorBody, type ErrorRenderer, type Shell } from '../../http/index.ts';
import type { ServingContext } from './context.ts';
import { readScoring } from '../protocols/mlflow-protocol.ts';
import { scoringAnswer } from '../protocols/scoring-answer.ts';
import { answersRecords, isEmptyFrame, scoringFeeds } from '../protocols/scoring-frames.ts';

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
      const scoring = readScoring(request.body, request.headers['content-type'], context.anyExactIntegers());
      void reply.header('content-type', 'application/json; charset=utf-8');
      const { model, model_version: named } = request.query;
      if (isEmptyFrame(await context.repository.version(model, named), scoring)) return '{"predictions":[]}';
      const prediction = await context.predictor.predict({
        model,
        version: named,
        read: (version) => ({ feeds: scoringFeeds(version, scoring) }),
        gone: () => request.raw.socket.destroyed,
      });
      void reply.header('x-prediction-id', context.record(prediction, request));
      return scoringAnswer(prediction, answersRecords(prediction.version, scoring));
    },
  );
}
