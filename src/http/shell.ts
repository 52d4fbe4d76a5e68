import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { MlopsError, silentLogger, type Logger } from '../base/index.ts';
import type { BodyLimits } from './body-budget.ts';
import { readBodies } from './bodies.ts';
import { DrainingResponse } from './draining.ts';
import { failureOf, ownErrorBody, type Failure } from './failure.ts';
import { createGuard, type GuardOptions } from './guard.ts';
import { ProgressWatch, type ProgressLimits } from './progress.ts';
import type { RequestMetrics } from './request-metrics.ts';
import { answerBrokenRequest, noRoute, rememberMethods } from './routes.ts';
import type { TlsPair } from './tls.ts';
import { childTraceparent, parseTraceparent, type TraceContext } from './trace.ts';
import { RateLimiter, type TrafficLimits } from './traffic-limits.ts';

export type Shell = FastifyInstance;
export type { FastifyReply as Reply, FastifyRequest as Request } from 'fastify';

/** What a caller must be allowed to do. `public` needs nothing. */
export type Scope = 'public' | 'predict' | 'admin' | 'read' | 'write';

/** Who calls, as the verifier knows it. */
export interface Identity {
  readonly name: string;
  readonly scopes: readonly string[];
}

/**
 * Decides who may call a route: throws MlopsError `unauthorized` or `forbidden`. Runs before the body is read.
 */
export type Verifier = (request: Pick<FastifyRequest, 'headers'>, scope: Scope) => Identity | undefined;

/** Turns a failure into a response body; objects are sent as JSON, strings as text. */
export type ErrorRenderer = (failure: Failure, request: FastifyRequest) => unknown;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Default `public`. */
    scope?: Scope;
    /** Replaces the shell's error body for this route. */
    errors?: ErrorRenderer;
  }
  interface FastifyRequest {
    identity: Identity | undefined;
    trace: TraceContext | undefined;
    /** Where the answer is written, for requests with a body. */
    answer: ServerResponse | undefined;
  }
}

export interface AccessEntry {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly milliseconds: number;
  readonly bytes: number | undefined;
  readonly remote: string | undefined;
  readonly caller: string | undefined;
  readonly trace: string | undefined;
}

export interface ShellOptions {
  /** Largest body after decompression, in bytes. Default 64 MiB. */
  readonly bodyLimit?: number | undefined;
  readonly guard?: GuardOptions | undefined;
  /**
   * Sees every request before all else, for servers with rules of their own about hosts and origins: sets headers,
   * or answers itself and returns false.
   */
  readonly screen?: ((request: FastifyRequest, reply: FastifyReply) => boolean) | undefined;
  /** Changes the target of a request before it is routed. */
  readonly rewrite?: ((target: string) => string) | undefined;
  readonly verify?: Verifier | undefined;
  /** Error body of routes without their own, and of unknown ones. Default: our own shape. */
  readonly errors?: ErrorRenderer | undefined;
  /** Answers unknown addresses in its own way, or returns undefined. */
  readonly notFound?: ((request: FastifyRequest, reply: FastifyReply) => FastifyReply | undefined) | undefined;
  /** Told about every finished request. */
  readonly onAccess?: ((entry: AccessEntry) => void) | undefined;
  readonly log?: Logger | undefined;
  /** What all bodies together may take. */
  readonly bodies?: Partial<BodyLimits> | undefined;
  /** How bodies have to come on. */
  readonly progress?: Partial<ProgressLimits> | undefined;
  /** Speaks TLS with these. */
  readonly tls?: TlsPair | undefined;
  /** Proxies whose X-Forwarded-For, -Host and -Proto are believed: addresses, networks, `loopback`. */
  readonly trustedProxies?: readonly string[] | undefined;
  readonly limits?: TrafficLimits | undefined;
  /** Counts the requests. */
  readonly metrics?: RequestMetrics | undefined;
  /** Milliseconds to receive a whole request. Default 300,000; headers alone have 60,000. */
  readonly requestTimeout?: number | undefined;
}

const defaultBodyLimit = 64 * 1024 * 1024;

/**
 * A web server without routes: bodies arrive as Buffer whatever their type (decompressed when gzip or deflate),
 * every request has an id (`X-Request-Id`, echoed), every error becomes a response by the catalogue, unknown
 * paths are 404 and known ones with another method 405 with `Allow`.
 */
export async function createShell(options: ShellOptions = {}): Promise<Shell> {
  const { default: fastify } = await import('fastify');
  const log = options.log ?? silentLogger;
  const { bodyLimit = defaultBodyLimit, rewrite } = options;
  const shell = fastify({
    bodyLimit,
    logger: false,
    ...transportOf(options.tls),
    ...(options.trustedProxies === undefined ? {} : { trustProxy: [...options.trustedProxies] }),
    requestTimeout: options.requestTimeout ?? 300_000,
    keepAliveTimeout: 72_000,
    return503OnClosing: false,
    exposeHeadRoutes: true,
    genReqId: requestId,
    ...(rewrite === undefined ? {} : { rewriteUrl: ({ url = '' }: IncomingMessage): string => rewrite(url) }),
    routerOptions: { maxParamLength: 1_000 },
    // Our routes have no schemas: its compilers would be loaded for nothing, which takes 40 ms.
    schemaController: { compilersFactory: { buildValidator: refuseSchemas, buildSerializer: refuseSchemas } },
    frameworkErrors: (error, request, reply) =>
      void sendFailure(error, request as FastifyRequest, reply as FastifyReply),
    clientErrorHandler: answerBrokenRequest,
  });
  const render: ErrorRenderer = options.errors ?? ((failure, request) => ownErrorBody(failure, request.id));

  function sendFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const failure = failureOf(error, request.id);
    if (failure.code === 'internal') {
      log.error(`request ${request.id}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    const renderer = request.routeOptions?.config?.errors ?? render;
    const body = renderer(failure, request);
    void reply.code(failure.status).headers({ 'x-request-id': request.id, ...failure.headers });
    // Part of the body may still be on its way: the connection cannot be used again.
    const unread = failure.code === 'overloaded' && request.answer !== undefined && !request.raw.complete;
    if (failure.status === 413 || unread) void reply.header('connection', 'close');
    if (typeof body === 'string') return reply.type('text/plain; charset=utf-8').send(body);
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(body));
  }

  readBodies(shell, options.bodies);
  const methods = rememberMethods(shell);
  shell.decorateRequest('identity', undefined);
  shell.decorateRequest('trace', undefined);
  shell.decorateRequest('answer', undefined);
  shell.setErrorHandler((error, request, reply) => sendFailure(error, request, reply));
  shell.setNotFoundHandler(
    (request, reply) => options.notFound?.(request, reply) ?? sendFailure(noRoute(request, methods), request, reply),
  );
  const { connections } = options.limits ?? {};
  if (connections !== undefined) shell.server.maxConnections = connections;
  addEntryHook(shell, options);
  if (options.metrics !== undefined) addMetricsHook(shell, options.metrics);
  if (options.onAccess !== undefined) addAccessHook(shell, options.onAccess);
  return shell;
}

/** What Node's server is made of: of one with TLS, as of one without, connections close while it drains. */
function transportOf(tls: TlsPair | undefined): { http: object } | { https: object } {
  if (tls === undefined) return { http: { ServerResponse: DrainingResponse } };
  return { https: { ...tls, ServerResponse: DrainingResponse } };
}

function refuseSchemas(): never {
  throw new Error('routes of this shell have no schemas: validate in the handler');
}

const processId = randomBytes(4).toString('hex');
let counter = 0;

/** The id that a caller gives its request, when it is a sane one. */
export function givenId(id: string | string[] | undefined): string | undefined {
  return typeof id === 'string' && /^[\w.:-]{1,128}$/.test(id) ? id : undefined;
}

/** The caller's id, else a fresh one: unique over processes and restarts. */
function requestId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = givenId(request.headers['x-request-id']);
  if (given !== undefined) return given;
  counter++;
  return `${processId}-${counter.toString(36)}`;
}

/** One hook for everything that happens before a handler, because each hook costs some microseconds. */
function addEntryHook(shell: Shell, options: ShellOptions): void {
  const guard = options.guard === undefined ? undefined : createGuard(options.guard);
  const origins = options.guard?.allowedOrigins ?? [];
  const { screen, verify, metrics } = options;
  const progress = new ProgressWatch(options.progress);
  const admit = admission(options);
  shell.addHook('onRequest', (request, reply, done) => {
    const { headers } = request;
    void reply.header('x-request-id', request.id);
    metrics?.begin();
    try {
      if (hasTwoHosts(request.raw.rawHeaders)) throw new MlopsError('bad_request', 'the request has two Host headers');
      if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) {
        request.answer = reply.raw;
        progress.follow(request.raw);
      }
      if (screen?.(request, reply) === false) return;
      guard?.(headers);
      if (headers.origin !== undefined && origins.length > 0) allowOrigin(request, reply, origins);
      if (headers['traceparent'] !== undefined) followTrace(request, reply);
      // A browser asks before it sends credentials: the preflight itself is answered without any.
      if (request.method === 'OPTIONS' && headers['access-control-request-method'] !== undefined) {
        void reply.code(204).send();
        return;
      }
      const scope = request.routeOptions.config.scope ?? 'public';
      if (verify !== undefined && scope !== 'public') request.identity = verify(request, scope);
      if (scope !== 'public') admit(request);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Refuses a request that comes too fast, or while too many are under way. */
function admission({ limits = {}, metrics }: ShellOptions): (request: FastifyRequest) => void {
  const { rate, requests = Infinity } = limits;
  const limiter = rate === undefined ? undefined : new RateLimiter(rate);
  return (request) => {
    limiter?.take(request.identity?.name ?? request.ip);
    // This one is counted already.
    if (metrics !== undefined && metrics.underWay > requests) {
      throw new MlopsError('overloaded', `more than ${requests} requests are under way`, { data: { retry_after: 1 } });
    }
  };
}

function addMetricsHook(shell: Shell, metrics: RequestMetrics): void {
  shell.addHook('onResponse', (request, reply, done) => {
    metrics.end(request.method, reply.statusCode, reply.elapsedTime);
    done();
  });
}

/** Node takes the first one; a proxy before it may have looked at the other. */
function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts > 1;
}

function followTrace(request: FastifyRequest, reply: FastifyReply): void {
  request.trace = parseTraceparent(request.headers['traceparent'] as string);
  if (request.trace !== undefined) void reply.header('traceresponse', childTraceparent(request.trace));
}

function allowOrigin(request: FastifyRequest, reply: FastifyReply, allowed: readonly string[]): void {
  const origin = request.headers.origin ?? '';
  if (!allowed.includes('*') && !allowed.includes(origin)) return;
  void reply.headers({
    'access-control-allow-origin': allowed.includes('*') ? '*' : origin,
    vary: 'Origin',
    'access-control-expose-headers': 'X-Request-Id, Retry-After, Inference-Header-Content-Length',
  });
  if (request.method !== 'OPTIONS') return;
  void reply.headers({
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
    'access-control-allow-headers': request.headers['access-control-request-headers'] ?? 'content-type',
    'access-control-max-age': '600',
  });
}

function addAccessHook(shell: Shell, onAccess: (entry: AccessEntry) => void): void {
  shell.addHook('onResponse', (request, reply, done) => {
    const bytes = Number(reply.getHeader('content-length'));
    onAccess({
      id: request.id,
      method: request.method,
      path: request.url,
      status: reply.statusCode,
      milliseconds: Math.round(reply.elapsedTime * 1000) / 1000,
      bytes: Number.isNaN(bytes) ? undefined : bytes,
      remote: request.ip,
      caller: request.identity?.name,
      trace: request.trace?.traceId,
    });
    done();
  });
}
