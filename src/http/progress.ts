import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

import { answerBrokenRequest } from './routes.ts';

export interface ProgressLimits {
  /** Milliseconds between two looks. Default 20,000. */
  readonly every: number;
  /** Bytes that a body must bring in that time, while somebody here wants them. Default 16 KiB. */
  readonly least: number;
}

/**
 * Ends requests whose bodies do not come on. A limit for the whole request would have to fit the largest upload over
 * the slowest line, and would let a client that says nothing keep its place for hours.
 */
export class ProgressWatch {
  readonly #limits: ProgressLimits;
  /** Bytes of the connection at the last look. */
  readonly #requests = new Map<IncomingMessage, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: Partial<ProgressLimits> = {}) {
    this.#limits = { every: 20_000, least: 16 * 1024, ...limits };
  }

  /** Follows a request with a body until that has come. */
  follow(request: IncomingMessage): void {
    // A request that is injected has no connection.
    if (request.complete || !(request.socket instanceof Socket)) return;
    this.#requests.set(request, request.socket.bytesRead);
    const forget = (): void => void this.#requests.delete(request);
    request.once('end', forget).once('close', forget);
    this.#timer ??= setInterval(() => this.#look(), this.#limits.every).unref();
  }

  #look(): void {
    for (const [request, before] of this.#requests) {
      const now = request.socket.bytesRead;
      this.#requests.set(request, now);
      // What waits here is not the client's fault: a disk or an object store is slow.
      if (now - before >= this.#limits.least || request.readableLength > 0) continue;
      this.#requests.delete(request);
      answerBrokenRequest(
        Object.assign(new Error('no progress'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }),
        request.socket,
      );
      request.socket.destroySoon();
    }
    if (this.#requests.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
