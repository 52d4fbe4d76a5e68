import { MlopsError } from '../base/index.ts';
import { mlflowErrorBody, type Identity, type Reply, type Request, type Scope, type Shell } from '../http/index.ts';
import { readBody, readQuery, type Fields, type Json } from '../mlflow/index.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One endpoint of MLflow's REST protocol as data. */
export interface ApiRoute {
  readonly method: Method;
  /** Below `/api/2.0/mlflow`, beginning with `/`; parts like `:model_id` become params. */
  readonly path: string;
  /** Default `2.0`. */
  readonly version?: '2.0' | '3.0';
  /** True: only below `/ajax-api`, for the web UI. */
  readonly ajaxOnly?: boolean;
  /** Names of query parameters that are lists. */
  readonly lists?: readonly string[];
  /** What a caller must be allowed. Default `read` for GET, else `write`. */
  readonly scope?: Scope;
  /** The answer as JSON; text is sent as it is. */
  answer(
    fields: Fields,
    params: Readonly<Record<string, string>>,
    caller: Identity | undefined,
  ): Promise<Json | string>;
}

/** Puts endpoints at `/api` and `/ajax-api`, with MLflow's error bodies and content-type guard. */
export function addRoutes(shell: Shell, prefix: string, routes: readonly ApiRoute[]): void {
  for (const route of routes) {
    for (const root of route.ajaxOnly === true ? ['ajax-api'] : ['api', 'ajax-api']) {
      shell.route({
        method: route.method,
        url: `${prefix}/${root}/${route.version ?? '2.0'}/mlflow${route.path}`,
        exposeHeadRoute: false,
        config: { scope: route.scope ?? (route.method === 'GET' ? 'read' : 'write'), errors: mlflowErrorBody },
        handler: (request, reply) => run(route, request, reply),
      });
    }
  }
}

async function run(route: ApiRoute, request: Request, reply: Reply): Promise<Reply> {
  const { method, lists } = route;
  if (method === 'POST' || method === 'PUT') checkContentType(request);
  const fields = method === 'GET' ? readQuery(request.query as Record<string, unknown>, lists) : readBody(request.body);
  const answer = await route.answer(fields, request.params as Record<string, string>, request.identity);
  return reply
    .header('content-type', 'application/json')
    .send(typeof answer === 'string' ? answer : JSON.stringify(answer));
}

/** A page of another site can post text without asking; JSON it cannot. */
function checkContentType(request: Request): void {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';', 1);
  if (type.trim().toLowerCase() === 'application/json') return;
  throw new MlopsError('invalid_value', `Bad Request. Content-Type must be one of ['application/json'].`);
}
