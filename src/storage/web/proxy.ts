import * as http from 'node:http';
import * as https from 'node:https';
import { BlockList, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { isMlopsError, MlopsError } from '../../base/index.ts';
import { isCertificateError, isNetworkError, isPlainServer, networkWords } from './network-errors.ts';

/** How requests to one origin go through a proxy. */
export interface ProxyRoute {
  /** For messages: without user and password. */
  readonly name: string;
  /** Speaks TLS to whom it connects (`address`, or behind the tunnel). */
  readonly secure: boolean;
  readonly address: http.RequestOptions;
  readonly agent: http.Agent;
  /** Before the path: a proxy of plain http is asked for the whole URL. */
  readonly pathStart: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What a refusal by the proxy means. */
  refused(answer: http.IncomingMessage): MlopsError;
  /** A failure of the connection in words that name the proxy. */
  explain(error: Error): Error;
}

type Environment = Readonly<Record<string, string | undefined>>;
type ProxySettings = https.AgentOptions & { readonly connectTimeout: number };

/**
 * The route to `origin` that `http_proxy`, `https_proxy` and `no_proxy` ask for, also in upper case; undefined
 * when there is none. The rules are those of Python's urllib, which DVC's clients follow: lower case wins, a
 * variable that is empty counts as none, `HTTP_PROXY` is left alone where `REQUEST_METHOD` is set (CGI),
 * `all_proxy` does not count, and a loopback address goes through the proxy too, unless `no_proxy` names it.
 * @throws MlopsError `remote_misconfigured` for a value that is no http(s) URL.
 */
export function proxyRoute(origin: URL, env: Environment, settings: ProxySettings): ProxyRoute | undefined {
  const secure = origin.protocol === 'https:';
  const variable = secure ? 'https_proxy' : 'http_proxy';
  const value = valueOf(variable, env);
  if (value === undefined || bypasses(origin, valueOf('no_proxy', env) ?? '')) return undefined;
  const proxy = parseProxy(variable, value);
  const words = wordsFor(proxy, origin);
  if (secure) {
    const agent = new TunnelAgent(proxy, words, settings);
    return { ...words, secure, address: addressOf(origin), agent, pathStart: '', headers: {} };
  }
  const overTls = proxy.protocol === 'https:';
  return {
    ...words,
    secure: overTls,
    address: addressOf(proxy),
    agent: overTls ? new https.Agent(settings) : new http.Agent(settings),
    pathStart: origin.origin,
    headers: loginOf(proxy),
  };
}

function valueOf(name: string, env: Environment): string | undefined {
  const upper = name === 'http_proxy' && env['REQUEST_METHOD'] !== undefined ? undefined : env[name.toUpperCase()];
  return (env[name] ?? upper) || undefined;
}

/** `no_proxy`: `*`, or names with commas between; a name stands for what is below it too, and may have a port. */
function bypasses(origin: URL, list: string): boolean {
  const host = bare(origin.hostname);
  const port = origin.port === '' ? (origin.protocol === 'https:' ? '443' : '80') : origin.port;
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      if (entry.includes('/')) return isWithin(host, entry);
      const [, given = entry, wantedPort] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
      if (wantedPort !== undefined && wantedPort !== port) return false;
      const name = bare(given).replace(/^\*?\.+/, '');
      return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
    });
}

/** Of networks such as `10.0.0.0/8`. */
function isWithin(host: string, network: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  const kind = isIP(address);
  if (kind === 0 || isIP(host) !== kind || !/^\d{1,3}$/.test(bits) || Number(bits) > (kind === 4 ? 32 : 128))
    return false;
  const family = kind === 4 ? 'ipv4' : 'ipv6';
  const block = new BlockList();
  block.addSubnet(address, Number(bits), family);
  return block.check(host, family);
}

function parseProxy(variable: string, value: string): URL {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && url.hostname !== '' && /^https?:$/.test(url.protocol)) return url;
  const what = url === undefined ? 'is not a URL' : `names a proxy of the kind '${url.protocol.slice(0, -1)}'`;
  throw new MlopsError('remote_misconfigured', `the environment variable ${variable} ${what}`, {
    hint: 'proxies are http://HOST:PORT or https://HOST:PORT; NO_PROXY lists what to reach without',
  });
}

function addressOf(url: URL): http.RequestOptions {
  return {
    host: bare(url.hostname),
    port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
  };
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function loginOf(proxy: URL): Record<string, string> {
  if (proxy.username === '' && proxy.password === '') return {};
  const text = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}

type Words = Pick<ProxyRoute, 'name' | 'refused' | 'explain'>;

function wordsFor(proxy: URL, origin: URL): Words {
  const name = `${proxy.protocol}//${proxy.host}`;
  return {
    name,
    refused: ({ statusCode, statusMessage }) =>
      new MlopsError(
        'remote_denied',
        `the proxy ${name} refuses ${origin.origin}: ${statusCode} ${statusMessage ?? ''}`.trim(),
        {
          hint:
            statusCode === 407
              ? 'give it user and password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT'
              : 'ask who runs it to let this address through, or name the address in NO_PROXY',
        },
      ),
    explain(error) {
      if (isMlopsError(error) || isCertificateError(error) || isPlainServer(error) || !isNetworkError(error))
        return error;
      return new MlopsError(
        'remote_unreachable',
        `${origin.origin} cannot be reached through the proxy ${name}: ${networkWords(error)}`,
        {
          hint: 'check HTTP_PROXY, HTTPS_PROXY and NO_PROXY',
          cause: error,
        },
      );
    },
  };
}

/** Connections to https servers through a tunnel that the proxy opens (CONNECT). */
class TunnelAgent extends https.Agent {
  readonly #proxy: URL;
  readonly #words: Words;
  readonly #settings: ProxySettings;

  constructor(proxy: URL, words: Words, settings: ProxySettings) {
    super(settings);
    this.#proxy = proxy;
    this.#words = words;
    this.#settings = settings;
  }

  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const done = callback as (error: Error | null, stream?: Duplex) => void;
    const target = `${urlHost(options.host ?? '')}:${options.port ?? 443}`;
    this.#openTunnel(target, (error, socket) => {
      if (socket === undefined) return done(error);
      const secured = { ...options, socket } as https.RequestOptions;
      done(null, super.createConnection(secured) ?? undefined);
    });
    return undefined;
  }

  #openTunnel(target: string, done: (error: Error | null, socket?: Socket) => void): void {
    const proxy = this.#proxy;
    const { connectTimeout, ca, rejectUnauthorized } = this.#settings;
    const asked = (proxy.protocol === 'https:' ? https : http).request({
      ...addressOf(proxy),
      ...(ca === undefined ? {} : { ca }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...loginOf(proxy) },
      agent: false,
    });
    const late = (): void => void asked.destroy(timedOut('no connection in time'));
    const timer = setTimeout(late, connectTimeout);
    asked.once('close', () => clearTimeout(timer));
    asked.once('error', (error) => done(this.#words.explain(error)));
    asked.once('connect', (answer, socket, head) => {
      clearTimeout(timer);
      if (answer.statusCode === 200) {
        if (head.length > 0) socket.unshift(head);
        return done(null, socket);
      }
      socket.destroy();
      const passing = (answer.statusCode ?? 0) >= 500;
      done(passing ? this.#words.explain(noWay(answer)) : this.#words.refused(answer));
    });
    asked.end();
  }
}

function noWay(answer: http.IncomingMessage): Error {
  return timedOut(`it answers ${answer.statusCode} ${answer.statusMessage ?? ''}`.trim());
}

function timedOut(what: string): Error {
  return Object.assign(new Error(what), { code: 'ETIMEDOUT' });
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
