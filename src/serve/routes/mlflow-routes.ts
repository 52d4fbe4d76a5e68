import { mlflowErrorBody, type ErrorRenderer, type Request, type Shell } from '../../http/index.ts';
import type { Lease } from '../running/router.ts';
import type { ServingContext } from './context.ts';
import { answer } from './answer.ts';
import { boundTo, leaseOf, queryTarget, tellVersion } from './binding.ts';

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
  const invokes = { config: { errors, scope: 'predict' as const }, onRequest: boundTo(context.router, queryTarget) };
  shell.post('/invocations', invokes, async (request, reply) => {
    const lease = await leaseOf(context.router, request, queryTarget(request));
    try {
      const { body, predictionId } = await invoke(context, request, lease);
      void reply.header('content-type', 'application/json; charset=utf-8');
      if (predictionId !== undefined) void reply.header('x-prediction-id', predictionId);
      tellVersion(reply, lease);
      return body;
    } finally {
      lease.release();
    }
  });
}

async function invoke(context: ServingContext, request: Request, lease: Lease) {
  const { version } = lease;
  const asked = { protocol: 'scoring', contentType: request.headers['content-type'] } as const;
  const opening = context.threads.open(asked, request.body, version.exactIntegers);
  const exchange = opening instanceof Promise ? await opening : opening;
  try {
    const empty = exchange.isEmpty(version);
    if (empty instanceof Promise ? await empty : empty) return { body: '{"predictions":[]}', predictionId: undefined };
    return await answer(context, request, exchange, { lease });
  } finally {
    exchange.close();
  }
}
