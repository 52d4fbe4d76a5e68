import type { IncomingMessage } from 'node:http';

import { isMlopsError, messageOf, MlopsError, withoutTrailing } from '../../base/index.ts';
import type { TransferOptions } from '../port/blob-store.ts';
import { answerDigest } from './digest.ts';
import { notFound } from '../port/keys.ts';
import { isCertificateError, isNetworkError, isPlainServer, networkWords } from '../web/network-errors.ts';
import {
  misconfigured,
  secondsOption,
  textOption,
  trusted,
  trustOption,
  type RemoteOptions,
} from '../port/remote-options.ts';
import { webTransport } from '../web/transport.ts';

export interface HttpClient {
  /** For messages: without credentials. */
  readonly url: string;
  /** Sends a GET or HEAD below the base URL and follows redirects. Failures are `MlopsError`s. */
  send(method: 'GET' | 'HEAD', key: string, options?: SendOptions): Promise<IncomingMessage>;
  close(): void;
}

export interface SendOptions extends TransferOptions {
  readonly headers?: Readonly<Record<string, string>>;
}

const maxRedirects = 10;

/**
 * A reader of one web server. Options as DVC has them: `auth` (basic, digest, custom), `user`, `password`,
 * `custom_auth_header`, `ssl_verify`, `connect_timeout`, `read_timeout`. User and password in the URL count too.
 * @throws MlopsError `remote_misconfigured`.
 */
export function httpClient(url: string, options: RemoteOptions): HttpClient {
  const base = new URL(url);
  const login = loginOf(base, options);
  base.username = '';
  base.password = '';
  const shown = withoutTrailing(base.href, '/');
  const transport = webTransport({
    trust: trusted(trustOption(options)),
    connectTimeout: secondsOption(options, 'connect_timeout') ?? 60_000,
    readTimeout: secondsOption(options, 'read_timeout') ?? 60_000,
    sockets: 64,
  });
  const attempt = async (
    method: string,
    target: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> => {
    const own = target.origin === base.origin ? login.headers : {};
    const path = target.pathname + target.search;
    const request = { method, origin: target, path, headers: { 'accept-encoding': 'identity', ...headers, ...own } };
    const answer = await transport.send(request, signal);
    if (answer.statusCode !== 401 || login.digest === undefined || target.origin !== base.origin) return answer;
    const authorization = answerDigest(answer.headers['www-authenticate'], { method, uri: path }, login.digest);
    if (authorization === undefined) return answer;
    answer.resume();
    return transport.send({ ...request, headers: { ...request.headers, authorization } }, signal);
  };
  return {
    url: shown,
    async send(method, key, sending = {}) {
      let target = new URL(`${shown}/${quoted(key)}`);
      for (let hop = 0; ; hop++) {
        sending.signal?.throwIfAborted();
        const answer = await attempt(method, target, sending.headers ?? {}, sending.signal).catch((error: unknown) => {
          sending.signal?.throwIfAborted();
          throw explainFailure(error, shown);
        });
        const next = redirectOf(answer, target);
        if (next === undefined) return checked(answer, key, shown, transport.through(target));
        answer.resume();
        if (hop === maxRedirects) throw misconfigured(`${shown} redirects in a circle`);
        target = next;
      }
    },
    close: () => transport.close(),
  };
}

interface Login {
  readonly headers: Readonly<Record<string, string>>;
  readonly digest: { readonly user: string; readonly password: string } | undefined;
}

function loginOf(base: URL, options: RemoteOptions): Login {
  const user = textOption(options, 'user') ?? (base.username === '' ? undefined : decodeURIComponent(base.username));
  const password =
    textOption(options, 'password') ?? (base.password === '' ? undefined : decodeURIComponent(base.password));
  const method = textOption(options, 'auth')?.toLowerCase() ?? (base.username === '' ? undefined : 'basic');
  if (method === undefined) return { headers: {}, digest: undefined };
  if (method === 'custom') {
    const header = textOption(options, 'custom_auth_header');
    if (header === undefined || password === undefined) {
      throw misconfigured("'auth = custom' needs both 'custom_auth_header' and 'password'");
    }
    return { headers: { [header.toLowerCase()]: password }, digest: undefined };
  }
  if (method !== 'basic' && method !== 'digest')
    throw misconfigured(`'auth' is basic, digest or custom, not '${method}'`);
  if (user === undefined || password === undefined) {
    throw misconfigured(`'auth = ${method}' needs both 'user' and 'password'`);
  }
  if (method === 'digest') return { headers: {}, digest: { user, password } };
  const token = Buffer.from(`${user}:${password}`).toString('base64');
  return { headers: { authorization: `Basic ${token}` }, digest: undefined };
}

function redirectOf(answer: IncomingMessage, from: URL): URL | undefined {
  const status = answer.statusCode ?? 0;
  const location = answer.headers.location;
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined;
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (next?.protocol === 'http:' || next?.protocol === 'https:') return next;
  const where = next === undefined ? 'nowhere' : `'${next.protocol}//'`;
  throw misconfigured(`${from.origin} redirects to ${where}, which is not an address of the web`);
}

function checked(answer: IncomingMessage, key: string, url: string, through: string): IncomingMessage {
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return answer;
  answer.resume();
  if (status === 404 || status === 410) throw notFound(key, url);
  const text = `${url}${through} answers ${status} ${answer.statusMessage ?? ''}`.trim();
  if ([401, 403, 407].includes(status)) {
    throw new MlopsError('remote_denied', text, {
      hint: 'set `auth`, `user` and `password` of the remote with `mlops remote modify --local`',
      data: { status },
    });
  }
  if ([408, 425, 429].includes(status) || (status >= 500 && status !== 501)) {
    throw new MlopsError('remote_unreachable', text, { hint: 'try again later', data: { status } });
  }
  throw new MlopsError('remote_misconfigured', `${text} for '${key}'`, { data: { status } });
}

function explainFailure(error: unknown, url: string): unknown {
  if (isMlopsError(error)) return error;
  if (isCertificateError(error)) {
    return new MlopsError('remote_misconfigured', `${url}: ${messageOf(error)}`, {
      hint: 'name the certificates to trust with the option `ssl_verify` of the remote',
      cause: error,
    });
  }
  if (isPlainServer(error)) {
    return new MlopsError('remote_misconfigured', `${url}: no TLS is spoken there`, {
      hint: 'its address begins with http://, or another port is meant',
      cause: error,
    });
  }
  if (!isNetworkError(error)) return error;
  return new MlopsError('remote_unreachable', `${url} does not answer: ${networkWords(error)}`, {
    hint: 'check the address and the network',
    cause: error,
  });
}

/** Keys and parts of URLs alike: what is escaped already stays, and so does a query. */
function quoted(key: string): string {
  return encodeURI(key)
    .replace(/%25([0-9a-f]{2})/gi, '%$1')
    .replaceAll('#', '%23');
}
