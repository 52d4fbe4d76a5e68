import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';

import { MlopsError } from '../base/index.ts';

export interface KnownRoute {
  readonly pattern: RegExp;
  readonly method: string;
}

/** Collects every route added from now on, to tell an unknown path (404) from a wrong method (405). */
export function rememberMethods(shell: FastifyInstance): readonly KnownRoute[] {
  const routes: KnownRoute[] = [];
  shell.addHook('onRoute', ({ url, method }) => {
    const source = url
      .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replace(/:\w+/g, '[^/]+')
      .replace(/\*/g, '.*');
    for (const one of [method].flat()) routes.push({ pattern: new RegExp(`^${source}$`), method: one });
  });
  return routes;
}

export function noRoute(request: FastifyRequest, routes: readonly KnownRoute[]): MlopsError {
  const [path = ''] = request.url.split('?', 1);
  const allowed = [...new Set(routes.filter((route) => route.pattern.test(path)).map((route) => route.method))];
  if (allowed.length === 0 || allowed.includes(request.method)) {
    return new MlopsError('no_such_route', `there is no ${request.method} ${path.slice(0, 200)} here`);
  }
  return new MlopsError('method_not_allowed', `${path.slice(0, 200)} does not take ${request.method}`, {
    hint: `use ${allowed.join(' or ')}`,
    data: { allow: allowed.join(', ') },
  });
}

/** Bytes that are no HTTP request never reach a route: answered here, and the connection is closed. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  let status = '400 Bad Request';
  if (error.code === 'HPE_HEADER_OVERFLOW') status = '431 Request Header Fields Too Large';
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') status = '408 Request Timeout';
  const body = JSON.stringify({ error: { code: 'bad_request', message: status.slice(4) } });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}
