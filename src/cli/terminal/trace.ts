import { subscribe } from 'node:diagnostics_channel';

import { formatBytes, formatDuration, plural, type Logger, type OnProgress, type Progress } from '../../base/index.ts';

/**
 * What `-v` says of long work: what was done, how much of it, and how long that took.
 * @returns what to report progress to, and to call at the end.
 */
export function traceWork(log: Logger): { readonly progress: OnProgress; end(): void } {
  let last: Progress | undefined;
  let startedAt = 0;
  const end = (): void => {
    if (last === undefined) return;
    const bytes = last.bytes === undefined || last.bytes.done === 0 ? '' : `, ${formatBytes(last.bytes.done)}`;
    const amount = last.unit === 'bytes' ? formatBytes(last.done) : plural(last.done, last.unit.slice(0, -1));
    log.info(`${last.name}: ${amount}${bytes} in ${formatDuration(Date.now() - startedAt)}`);
    last = undefined;
  };
  return {
    progress(progress) {
      if (progress.name !== last?.name || progress.done < last.done) {
        end();
        startedAt = Date.now();
      }
      last = progress;
    },
    end,
  };
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly origin?: unknown;
  readonly protocol?: string;
  readonly host?: string;
  getHeader?(name: string): unknown;
}

let telling: ((line: string) => void) | undefined;

/** What `-vv` says of every HTTP request: method, address and status, with its time. Never a query, a header or a body. */
export function traceRequests(log: Logger): void {
  const first = telling === undefined;
  telling = (line) => log.debug(line);
  if (!first) return;
  const begun = new WeakMap<object, number>();
  const start = (message: unknown): void => {
    const { request } = message as { request: object };
    begun.set(request, Date.now());
  };
  const finish = (message: unknown): void => {
    const { request, response, error } = message as {
      request: Sent;
      response?: { statusCode?: number };
      error?: Error;
    };
    const took = formatDuration(Date.now() - (begun.get(request) ?? Date.now()));
    telling?.(
      `${request.method ?? ''} ${addressOf(request)} ${response?.statusCode ?? error?.message ?? ''} in ${took}`,
    );
  };
  subscribe('http.client.request.start', start);
  subscribe('http.client.response.finish', finish);
  subscribe('http.client.request.error', finish);
  subscribe('undici:request:create', start);
  subscribe('undici:request:headers', finish);
  subscribe('undici:request:error', finish);
}

function addressOf(request: Sent): string {
  const path = (request.path ?? '').split('?')[0] ?? '';
  if (request.origin !== undefined) return `${String(request.origin)}${path}`;
  return `${request.protocol ?? 'http:'}//${String(request.getHeader?.('host') ?? request.host ?? '')}${path}`;
}
