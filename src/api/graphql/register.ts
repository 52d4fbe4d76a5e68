import { isMlopsError, MlopsError } from '../../base/index.ts';
import { mlflowErrorBody, type Shell } from '../../http/index.ts';
import { jsonText, readBody, readQuery, type Fields, type Json } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { answerQuery } from './answer.ts';
import { parseQuery } from './parse.ts';

const bodyLimit = 256 * 1024;

/** The queries that MLflow's pages send instead of REST; read only, one operation, bounded. */
export function addGraphql(shell: Shell, prefix: string, store: TrackingStore): void {
  const config = { scope: 'read', errors: mlflowErrorBody } as const;
  const answer = async (fields: Fields): Promise<string> => {
    try {
      const variables = fields.raw('variables');
      const given = typeof variables === 'string' ? readBody(variables) : fields.message('variables');
      return jsonText(await answerQuery(store, parseQuery(fields.need('query'), given.all())));
    } catch (error) {
      if (!isMlopsError(error)) throw error;
      return JSON.stringify({ data: null, errors: [error.message] } satisfies Json);
    }
  };
  shell.post(`${prefix}/graphql`, { bodyLimit, config }, async (request, reply) => {
    const [type = ''] = (request.headers['content-type'] ?? '').split(';', 1);
    if (type.trim() !== 'application/json') {
      throw new MlopsError('invalid_value', `Bad Request. Content-Type must be one of ['application/json'].`);
    }
    return reply.header('content-type', 'application/json').send(await answer(readBody(request.body)));
  });
  shell.get(`${prefix}/graphql`, { config }, async (request, reply) =>
    reply
      .header('content-type', 'application/json')
      .send(await answer(readQuery(request.query as Record<string, unknown>))),
  );
}
