import * as net from 'node:net';

import type { Reply, Request } from '../http/index.ts';

export interface HostGuardOptions {
  /**
   * Names a request may give as Host: `name`, `name:port`, `*.example.com`, an address, `10.*`, or `*` for any.
   * Default: this machine and private networks, as MLflow.
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Origins (`https://app.example`) whose pages may call, or `*`. Those of this machine always may. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** Path that precedes the routes, `/mlflow` or ''. */
  readonly prefix?: string | undefined;
}

const changing = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Keeps pages of other sites away from a server that trusts whoever reaches it: refuses foreign Host headers (DNS
 * rebinding) and changes that come from foreign origins, in MLflow's words. `/health` and `/version` answer all.
 *
 * @returns a screen for `createShell`.
 */
export function hostGuard(options: HostGuardOptions = {}): (request: Request, reply: Reply) => boolean {
  const isHost = hostCheck(options.allowedHosts);
  const isOrigin = originCheck(options.allowedOrigins ?? []);
  const open = new Set(['/health', '/version'].map((path) => `${options.prefix ?? ''}${path}`));
  let lastHost: string | undefined;
  return (request, reply) => {
    const { host, origin } = request.headers;
    void reply.header('x-content-type-options', 'nosniff').header('x-frame-options', 'SAMEORIGIN');
    if (host === undefined || host !== lastHost) {
      if (!open.has(pathOf(request)) && !isHost(host ?? '')) return refuseHost(host ?? '', reply);
      if (isHost(host ?? '')) lastHost = host;
    }
    if (origin === undefined) return true;
    const allowed = isOrigin(origin) || isSame(origin, host);
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
      return answerPreflight(request, reply, origin, allowed);
    }
    if (allowed) allowOrigin(reply, origin);
    else if (changing.has(request.method)) {
      return refuse(reply, 403, 'Cross-origin request blocked', `--cors-allowed-origins ${plain(origin)}`);
    }
    return true;
  };
}

function pathOf(request: Request): string {
  return request.url.split('?', 1)[0] ?? '';
}

function refuseHost(host: string, reply: Reply): false {
  const text = 'Invalid Host header - possible DNS rebinding attack detected';
  return refuse(reply, 403, text, `--allowed-hosts ${plain(host)}`);
}

function refuse(reply: Reply, status: number, text: string, flag: string): false {
  const way = flag.trimEnd().includes(' ') ? `\nTo allow it, start the server with ${flag}` : '';
  void reply.code(status).type('text/plain; charset=utf-8').send(`${text}${way}`);
  return false;
}

/** Only what can be a host or an origin is repeated in an answer. */
function plain(text: string): string {
  return /^[\w.:[\]/-]{1,253}$/.test(text) ? text : '';
}

function answerPreflight(request: Request, reply: Reply, origin: string, allowed: boolean): false {
  if (!allowed) return refuse(reply, 400, 'Disallowed CORS origin', `--cors-allowed-origins ${plain(origin)}`);
  allowOrigin(reply, origin);
  void reply
    .headers({
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
      'access-control-allow-headers': request.headers['access-control-request-headers'] ?? 'content-type',
      'access-control-max-age': '600',
    })
    .code(204)
    .send();
  return false;
}

function allowOrigin(reply: Reply, origin: string): void {
  void reply.headers({
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    vary: 'Origin',
  });
}

function isSame(origin: string, host: string | undefined): boolean {
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}

/** This machine and networks that are not routed. Addresses are parsed: `10.evil.com` is a name, not an address. */
function privateAddresses(): net.BlockList {
  const list = new net.BlockList();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('0.0.0.0', 'ipv4');
  list.addSubnet('10.0.0.0', 8, 'ipv4');
  list.addSubnet('172.16.0.0', 12, 'ipv4');
  list.addSubnet('192.168.0.0', 16, 'ipv4');
  list.addAddress('::1', 'ipv6');
  list.addSubnet('fc00::', 7, 'ipv6');
  return list;
}

function hostCheck(patterns: readonly string[] | undefined): (host: string) => boolean {
  if (patterns === undefined) {
    const addresses = privateAddresses();
    return (host) => {
      const name = split(host)?.name ?? '';
      if (net.isIPv4(name)) return addresses.check(name, 'ipv4');
      if (net.isIPv6(name)) return addresses.check(name, 'ipv6');
      return name === 'localhost';
    };
  }
  const wanted = patterns
    .map((pattern) => pattern.trim().toLowerCase())
    .filter((pattern) => /^[\w.:[\]*-]+$/.test(pattern));
  return (host) => {
    if (wanted.includes('*')) return true;
    const parts = split(host);
    return parts !== undefined && wanted.some((pattern) => fits(pattern, parts));
  };
}

interface Host {
  readonly name: string;
  readonly port: string;
}

/** `Localhost:5000` to name and port; `[::1]:80` to `::1`. Undefined for what is no host. */
function split(host: string): Host | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(host);
  if (match === null) return undefined;
  return { name: (match[1] ?? match[2] ?? '').toLowerCase().replace(/\.$/, ''), port: match[3] ?? '' };
}

function fits(pattern: string, { name, port }: Host): boolean {
  // Addresses of IPv6 may stand with or without brackets.
  const [, bracketed, plainName, wantedPort = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+|\*))?$/.exec(pattern) ?? [
    undefined,
    pattern,
  ];
  if (wantedPort !== '' && wantedPort !== '*' && wantedPort !== port) return false;
  const wanted = bracketed ?? plainName ?? pattern;
  if (!wanted.includes('*')) return wanted === name;
  // `10.*` means addresses: a name like 10.evil.com must not slip through.
  if (/^[\d.*]+$/.test(wanted) && net.isIP(name) === 0) return false;
  const source = wanted.replaceAll('.', String.raw`\.`).replaceAll('*', '.*');
  return new RegExp(`^${source}$`).test(name);
}

function originCheck(patterns: readonly string[]): (origin: string) => boolean {
  const wanted = new Set(patterns.map((origin) => origin.trim().toLowerCase().replace(/\/$/, '')));
  return (origin) => {
    const text = origin.toLowerCase();
    if (wanted.has('*') || wanted.has(text)) return true;
    return /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/.test(text);
  };
}
