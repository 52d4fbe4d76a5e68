import type * as grpc from '@grpc/grpc-js';

import {
  failureOf,
  givenId,
  parseTraceparent,
  type Failure,
  type Scope,
  type TraceContext,
  type Verifier,
} from '../../http/index.ts';

/** The statuses that are answered here, by gRPC's numbers. */
export const status = {
  ...{ ok: 0, cancelled: 1, invalidArgument: 3, deadlineExceeded: 4, notFound: 5, alreadyExists: 6 },
  ...{ permissionDenied: 7, resourceExhausted: 8, failedPrecondition: 9, unimplemented: 12, internal: 13 },
  ...{ unavailable: 14, unauthenticated: 16 },
} as const;

/** As Triton has it, where it has one, by the HTTP status of the same error. */
const byHttp: Readonly<Record<number, number>> = {
  ...{ 400: status.invalidArgument, 401: status.unauthenticated, 403: status.permissionDenied, 404: status.notFound },
  ...{ 409: status.alreadyExists, 412: status.failedPrecondition, 413: status.resourceExhausted },
  ...{ 415: status.invalidArgument, 422: status.invalidArgument, 429: status.resourceExhausted },
  ...{ 499: status.cancelled, 501: status.unimplemented, 503: status.unavailable, 504: status.deadlineExceeded },
};

/** What is known of a call beside its message. */
export interface Caller {
  readonly id: string;
  readonly trace: TraceContext | undefined;
  readonly headers: Readonly<Record<string, string>>;
  gone(): boolean;
}

type AnyCall = Pick<
  grpc.ServerUnaryCall<unknown, unknown> | grpc.ServerDuplexStream<unknown, unknown>,
  'metadata' | 'cancelled' | 'getPeer'
>;

/** What calls need of the server around them. */
export interface CallParts {
  readonly verify: Verifier | undefined;
  readonly draining: boolean;
  readonly newId: () => string;
  /** Told of each call that was answered. */
  answered(entry: {
    id: string;
    path: string;
    failure: Failure | undefined;
    milliseconds: number;
    remote: string;
  }): void;
  /** Told of bugs. */
  bug(text: string): void;
}

export function callerOf(call: AnyCall, newId: () => string): Caller {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(call.metadata.getMap()))
    if (typeof value === 'string') headers[name] = value;
  return {
    id: givenId(headers['x-request-id']) ?? newId(),
    trace: parseTraceparent(headers['traceparent']),
    headers,
    gone: () => call.cancelled,
  };
}

/** What the client is told of an error, and what is counted. */
export function statusOf(
  error: unknown,
  caller: Caller,
  parts: CallParts,
): { failure: Failure; code: number; details: string } {
  const failure = failureOf(error, caller.id);
  if (failure.code === 'internal') {
    parts.bug(`call ${caller.id}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  const { message, hint } = failure;
  const text = hint === undefined ? message : `${message} (${hint})`;
  return { failure, code: byHttp[failure.status] ?? status.internal, details: text };
}

type Handler<Ask, Answer> = (request: Ask, caller: Caller) => Answer | Promise<Answer>;

/** A call of one message and one answer. */
export function unary<Ask, Answer>(
  parts: CallParts,
  scope: Scope,
  handle: Handler<Ask, Answer>,
): grpc.handleUnaryCall<Ask, Answer> {
  return (call, callback) => {
    const started = performance.now();
    const caller = callerOf(call, parts.newId);
    const tell = (failure: Failure | undefined): void => {
      const milliseconds = performance.now() - started;
      parts.answered({ id: caller.id, path: call.getPath(), failure, milliseconds, remote: call.getPeer() });
    };
    const run = async (): Promise<void> => {
      let answer: Answer;
      try {
        if (scope !== 'public') parts.verify?.(caller, scope);
        answer = await handle(call.request, caller);
      } catch (error) {
        const { failure, code, details } = statusOf(error, caller, parts);
        tell(failure);
        callback({ code, details });
        return;
      }
      tell(undefined);
      callback(null, answer);
    };
    void run();
  };
}
