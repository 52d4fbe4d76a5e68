import * as http from 'node:http';
import type { FastifyInstance } from 'fastify';

const draining = new WeakSet<object>();

/** Responses begun from now on, also to requests that came before, tell the client to close its connection. */
export function startDraining(shell: FastifyInstance): void {
  draining.add(shell.server);
  // Streams without an end, which would be waited for.
  shell.server.emit('draining');
}

/** A response that asks its server, when the head is written, whether connections are to be kept. */
export class DrainingResponse<
  Request extends http.IncomingMessage = http.IncomingMessage,
> extends http.ServerResponse<Request> {
  // The signature has overloads that only pass through here.
  override writeHead(...args: unknown[]): this {
    // A request that was destroyed has no socket any more.
    const server = (this.req.socket as { server?: object } | null)?.server;
    if (server !== undefined && draining.has(server)) this.shouldKeepAlive = false;
    return super.writeHead(...(args as [number]));
  }
}
