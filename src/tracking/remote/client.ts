import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import { messageOf, MlopsError, needsCleanEnd, withoutTrailing, type ErrorCode } from '../../base/index.ts';
import { Fields } from '../../mlflow/index.ts';

export interface RemoteOptions {
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Milliseconds for one request. Default 120,000. */
  readonly timeout?: number | undefined;
  /** How often a request that a server could not serve now is tried again. Default 3. */
  readonly retries?: number | undefined;
  /** Ends a request under way, and every later one, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** MLflow's REST protocol: JSON in and out, errors as MlopsErrors with the server's own text. */
export class RemoteClient {
  /** Without credentials and trailing slash. */
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeout: number;
  readonly #retries: number;
  readonly #signal: AbortSignal | undefined;

  constructor(uri: string, options: RemoteOptions) {
    const url = new URL(uri);
    const username = options.username ?? decodeURIComponent(url.username);
    const password = options.password ?? decodeURIComponent(url.password);
    url.username = '';
    url.password = '';
    this.url = withoutTrailing(url.href, '/');
    this.#headers = { 'user-agent': 'mlops', ...authorization(options.token, username, password) };
    this.#timeout = options.timeout ?? 120_000;
    this.#retries = options.retries ?? 3;
    this.#signal = options.signal;
  }

  async get(path: string, query: Query = {}): Promise<Fields> {
    return this.#json('GET', `/api/${path}${queryText(query)}`, undefined);
  }

  async post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Fields> {
    // Some calls exist only for MLflow's own pages, under another root.
    return this.#json('POST', path.startsWith('/') ? path : `/api/${path}`, body, headers);
  }

  async send(method: 'PATCH' | 'DELETE', path: string, body: unknown): Promise<Fields> {
    return this.#json(method, `/api/${path}`, body);
  }

  /** A request whose answer is bytes; the body of an upload may be a stream, which is not sent twice. */
  async raw(
    method: 'GET' | 'PUT' | 'DELETE',
    path: string,
    options: { readonly body?: Uint8Array | Readable; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Response> {
    const { body, headers } = options;
    const once = body instanceof Readable;
    return this.#request(method, `/api/${path}`, {
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }) },
      body: once ? Readable.toWeb(body) : body,
      ...(once ? { duplex: 'half' } : {}),
    });
  }

  async #json(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Fields> {
    const response = await this.#request(method, path, {
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    try {
      return new Fields((text === '' ? {} : JSON.parse(text)) as Record<string, unknown>);
    } catch (error) {
      throw new MlopsError('tracking_refused', `${this.url} answered something that is no JSON`, {
        hint: 'is that the address of a tracking server?',
        cause: error,
      });
    }
  }

  async #request(
    method: string,
    path: string,
    init: { headers: Readonly<Record<string, string>>; body?: unknown; duplex?: string },
  ): Promise<Response> {
    const tries = init.duplex === undefined ? this.#retries : 0;
    for (let attempt = 0; ; attempt++) {
      const last = attempt >= tries;
      const timeout = AbortSignal.timeout(this.#timeout);
      needsCleanEnd();
      try {
        const response = await fetch(this.url + path, {
          method,
          ...(init as RequestInit),
          headers: { ...this.#headers, ...init.headers },
          signal: this.#signal === undefined ? timeout : AbortSignal.any([timeout, this.#signal]),
        });
        if (response.ok) return response;
        if (last || ![408, 429, 502, 503, 504].includes(response.status)) throw await refusal(response, this.url);
      } catch (error) {
        this.#signal?.throwIfAborted();
        if (error instanceof MlopsError) throw error;
        if (last) throw this.#unreachable(error);
      }
      await delay(100 * 3 ** attempt);
    }
  }

  #unreachable(error: unknown): MlopsError {
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    return new MlopsError('tracking_unreachable', `the tracking server ${this.url} does not answer: ${cause}`, {
      hint: 'check MLFLOW_TRACKING_URI, and that the server runs',
      cause: error,
    });
  }
}

function authorization(token: string | undefined, username: string, password: string): Record<string, string> {
  if (token !== undefined && token !== '') return { authorization: `Bearer ${token}` };
  if (username === '') return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

function queryText(query: Query): string {
  const text = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const item of value as readonly string[]) text.append(key, item);
    else if (value !== undefined) text.append(key, String(value));
  }
  return text.size === 0 ? '' : `?${text.toString()}`;
}

const codes: Readonly<Record<string, ErrorCode>> = {
  RESOURCE_DOES_NOT_EXIST: 'resource_missing',
  RESOURCE_ALREADY_EXISTS: 'resource_exists',
  INVALID_PARAMETER_VALUE: 'invalid_value',
  INVALID_STATE: 'invalid_state',
  BAD_REQUEST: 'bad_request',
  NOT_IMPLEMENTED: 'not_implemented',
  ENDPOINT_NOT_FOUND: 'not_implemented',
  PERMISSION_DENIED: 'forbidden',
  UNAUTHENTICATED: 'unauthorized',
};
const statuses: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_implemented',
  405: 'not_implemented',
  501: 'not_implemented',
};

async function refusal(response: Response, url: string): Promise<MlopsError> {
  const text = await response.text();
  let body: Fields | undefined;
  try {
    body = new Fields(JSON.parse(text) as Record<string, unknown>);
  } catch {
    // A proxy or an old server answers with a page.
  }
  const code = body?.text('error_code') ?? '';
  const said = body?.text('message');
  const fallback = response.status >= 500 ? 'tracking_unreachable' : 'tracking_refused';
  return new MlopsError(
    codes[code] ?? statuses[response.status] ?? fallback,
    said ?? `${url} answered ${response.status} ${response.statusText}`,
    { data: { status: response.status, ...(code === '' ? {} : { error_code: code }) } },
  );
}
