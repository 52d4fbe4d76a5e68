/** The one place that talks to the server. */
export const prefix = document.documentElement.dataset['prefix'] ?? '';

/** A request that was not answered well: `status` 0 where no server was reached. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export const mlflow = '/ajax-api/2.0/mlflow';
export const mlflow3 = '/ajax-api/3.0/mlflow';

export function addressOf(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value]) search.append(key, String(one));
  }
  const text = search.toString();
  return `${prefix}${path}${text === '' ? '' : `?${text}`}`;
}

export async function get<Answer>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer> {
  return (await (await send('GET', addressOf(path, query), undefined, signal)).json()) as Answer;
}

export async function post<Answer>(path: string, body: object, signal?: AbortSignal): Promise<Answer> {
  return (await (await send('POST', addressOf(path), body, signal)).json()) as Answer;
}

export async function change(method: 'PATCH' | 'DELETE', path: string, body: object): Promise<void> {
  await send(method, addressOf(path), body);
}

export async function getText(address: string, most: number): Promise<{ text: string; cut: boolean }> {
  const response = await send('GET', address, undefined, undefined, { range: `bytes=0-${most - 1}` });
  const text = await response.text();
  const whole = response.headers.get('content-range')?.split('/')[1];
  return { text, cut: whole !== undefined && Number(whole) > most };
}

async function send(
  method: string,
  address: string,
  body?: object,
  signal?: AbortSignal,
  headers: Record<string, string> = {},
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError(0, 'The server cannot be reached.');
  }
  if (response.ok || response.status === 206) return response;
  // An empty file has no range.
  if (response.status === 416) return new Response('');
  throw new ApiError(response.status, await messageOf(response));
}

async function messageOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as { message?: string; error?: { message?: string } };
    return body.message ?? body.error?.message ?? text;
  } catch {
    return text === '' ? `${response.status} ${response.statusText}` : text.slice(0, 500);
  }
}
