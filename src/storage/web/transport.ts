import * as http from 'node:http';
import * as https from 'node:https';
import { urlToHttpOptions } from 'node:url';

import type { ProxyRoute } from './proxy.ts';
import { needsCleanEnd } from '../../base/index.ts';

export interface WebRequest {
  readonly method: string;
  /** Scheme, host and port count. */
  readonly origin: URL;
  /** Escaped, with the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
}

export interface WebSettings {
  /** False: any certificate is taken. Otherwise the certificates to trust, or the system's. */
  readonly trust: boolean | Buffer;
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** Milliseconds without a byte. */
  readonly readTimeout: number;
  /** Open at once to one server; more requests wait. */
  readonly sockets: number;
}

/** Sends requests over kept connections, through the proxies that the environment names. */
export interface WebTransport {
  /**
   * The answer, whatever its status. Failures of the connection are thrown as Node throws them, those of a
   * proxy as `remote_unreachable` or `remote_denied`, with the proxy's name.
   */
  send(request: WebRequest, signal?: AbortSignal): Promise<http.IncomingMessage>;
  /** For messages: ' through the proxy ...' (without its password), or ''. */
  through(origin: URL): string;
  /** For a client of another maker whose requests go to one https server. */
  agentFor(origin: URL): Promise<https.Agent>;
  close(): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Route extends Partial<ProxyRoute> {
  readonly secure: boolean;
  readonly address: http.RequestOptions;
  readonly agent: http.Agent;
}

export function webTransport(settings: WebSettings, env: Environment = process.env): WebTransport {
  const { trust, sockets, readTimeout: timeout, connectTimeout } = settings;
  const common = { keepAlive: true, maxSockets: sockets };
  const certificates = trust === true ? {} : trust === false ? { rejectUnauthorized: false } : { ca: trust };
  const plain = new http.Agent(common);
  const secured = new https.Agent({ ...common, ...certificates });
  const mayProxy = Object.keys(env).some((name) => /^https?_proxy$/i.test(name) && env[name] !== '');
  const routes = new Map<string, Route>();
  const agents: http.Agent[] = [plain, secured];
  const routeTo = async (origin: URL): Promise<Route> => {
    const { protocol, hostname, port } = urlToHttpOptions(origin);
    const address = { host: hostname ?? '', ...(port === undefined ? {} : { port }) };
    const secure = protocol === 'https:';
    const proxied = mayProxy
      ? (await import('./proxy.ts')).proxyRoute(origin, env, { ...common, ...certificates, connectTimeout })
      : undefined;
    const route = { secure, address, agent: secure ? secured : plain, ...proxied };
    if (proxied !== undefined) agents.push(proxied.agent);
    routes.set(origin.origin, route);
    return route;
  };
  return {
    async send(request, signal) {
      needsCleanEnd();
      const route = routes.get(request.origin.origin) ?? (await routeTo(request.origin));
      signal?.throwIfAborted();
      return exchange(request, route, { timeout, connectTimeout }, signal);
    },
    through(origin) {
      const name = routes.get(origin.origin)?.name;
      return name === undefined ? '' : ` through the proxy ${name}`;
    },
    agentFor: async (origin) => (routes.get(origin.origin) ?? (await routeTo(origin))).agent as https.Agent,
    close() {
      for (const agent of agents) agent.destroy();
    },
  };
}

function exchange(
  request: WebRequest,
  route: Route,
  times: { readonly timeout: number; readonly connectTimeout: number },
  signal: AbortSignal | undefined,
): Promise<http.IncomingMessage> {
  const { method, origin, path, headers, body } = request;
  return new Promise((resolve, reject) => {
    const sent = (route.secure ? https : http).request({
      ...route.address,
      method,
      path: `${route.pathStart ?? ''}${path}`,
      headers: { host: origin.host, ...headers, ...route.headers },
      agent: route.agent,
      timeout: times.timeout,
    });
    if (signal !== undefined) destroyWith(signal, sent);
    const late = (what: string): void => {
      sent.destroy(Object.assign(new Error(what), { code: 'ETIMEDOUT' }));
    };
    sent.once('timeout', () => late('no answer in time'));
    // Waiting for a free connection does not count.
    sent.once('socket', (socket) => {
      if (sent.reusedSocket) return;
      const connecting = setTimeout(() => late('no connection in time'), times.connectTimeout);
      socket.once(route.secure ? 'secureConnect' : 'connect', () => clearTimeout(connecting));
      sent.once('close', () => clearTimeout(connecting));
    });
    sent.once('response', (answer) => {
      if (answer.statusCode !== 407 || route.refused === undefined) return resolve(answer);
      answer.resume();
      reject(route.refused(answer));
    });
    sent.once('error', (error) => reject(route.explain?.(error) ?? error));
    sent.end(body);
  });
}

const underWay = new WeakMap<AbortSignal, Set<http.ClientRequest>>();

/** One listener for all requests of a signal: what Node does for each of them costs as much as signing it. */
function destroyWith(signal: AbortSignal, request: http.ClientRequest): void {
  let requests = underWay.get(signal);
  if (requests === undefined) {
    const all = new Set<http.ClientRequest>();
    underWay.set(signal, all);
    signal.addEventListener('abort', () => {
      for (const one of all) one.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    });
    requests = all;
  }
  requests.add(request);
  request.once('close', () => requests.delete(request));
}
