import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

import { MlopsError } from '../base/index.ts';
import { mlflowErrorBody, type Identity, type Reply, type Request, type Scope, type Shell } from '../http/index.ts';
import { decodeOnce, jsonText, readBody, readQuery, type Fields, type Json } from '../mlflow/index.ts';

const zip = promisify(gzip);

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
  /** True: answers go out as gzip where the caller reads that, for the web UI. */
  readonly compressed?: boolean;
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

/**
 * A target as MLflow's server reads it: slashes that are too many are left out, but for those in names of artifacts,
 * and bytes that are no UTF-8 become U+FFFD, so that any name can be routed.
 */
export function tidyTarget(target: string): string {
  if (!target.includes('//') && !target.includes('%')) return target;
  const end = target.indexOf('?');
  const path = end === -1 ? target : target.slice(0, end);
  const merged = path.includes('/mlflow-artifacts/') ? path.replace(/^\/+/, '/') : path.replaceAll(/\/{2,}/g, '/');
  const readable = merged.replaceAll(/(?:%[0-9a-f]{2})+|%/gi, (escapes) => {
    if (escapes === '%') return '%25';
    const text = decodeOnce(escapes);
    return text.includes('\ufffd') ? encodeURIComponent(text) : escapes;
  });
  return readable + (end === -1 ? '' : target.slice(end));
}

async function run(route: ApiRoute, request: Request, reply: Reply): Promise<Reply> {
  const { method, lists } = route;
  if (method === 'POST' || method === 'PUT') checkContentType(request);
  const query = request.query as Record<string, unknown>;
  // A GET may have its fields in a body, when it has no query.
  const inQuery = method === 'GET' && Object.keys(query).length > 0;
  const fields = inQuery ? readQuery(query, lists) : readBody(request.body);
  const answer = await route.answer(fields, request.params as Record<string, string>, request.identity);
  const text = typeof answer === 'string' ? answer : jsonText(answer);
  void reply.header('content-type', 'application/json');
  if (route.compressed !== true) return reply.send(text);
  void reply.headers({ 'cache-control': 'no-store', vary: 'Accept-Encoding' });
  const isWorth = text.length > 1000 && (request.headers['accept-encoding'] ?? '').includes('gzip');
  return isWorth ? reply.header('content-encoding', 'gzip').send(await zip(text)) : reply.send(text);
}

/** A page of another site can post text without asking; JSON it cannot. */
function checkContentType(request: Request): void {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';', 1);
  if (type.trim().toLowerCase() === 'application/json') return;
  throw new MlopsError('invalid_value', `Bad Request. Content-Type must be one of ['application/json'].`);
}
