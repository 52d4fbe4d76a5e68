import type { Reply, Request } from '../../http/index.ts';
import type { Lease, Router, Target } from '../running/router.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The version that the request was bound to before its body was read; taken over by its handler. */
    lease: Lease | undefined;
  }
}

type Done = (error?: Error) => void;
type Hook = (request: Request, reply: Reply, done: Done) => void;

/**
 * A hook that binds a request to the version that its target names, before its body is read.
 *
 * @throws what the router throws, as the answer.
 */
export function boundTo(router: Router, targetOf: (request: Request) => Target): Hook {
  return (request, reply, done) => {
    try {
      const lease = router.lease(targetOf(request));
      if (lease instanceof Promise) {
        void keepLate(lease, request, reply, done);
        return;
      }
      keep(lease, request, reply);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
}

async function keepLate(lease: Promise<Lease>, request: Request, reply: Reply, done: Done): Promise<void> {
  try {
    keep(await lease, request, reply);
  } catch (error) {
    done(error as Error);
    return;
  }
  done();
}

/** The same where the body has the last word: what is not there yet is left to it. */
export function boundEarly(router: Router, targetOf: (request: Request) => Target): Hook {
  return (request, reply, done) => {
    const lease = router.leaseLoaded(targetOf(request));
    if (lease !== undefined) keep(lease, request, reply);
    done();
  };
}

/** Until a handler takes it over, a lease ends with its request. */
function keep(lease: Lease, request: Request, { raw }: Reply): void {
  // Of a request behind another one on its connection nobody would say when that breaks: its handler takes a lease.
  if (raw.socket === null || raw.destroyed) {
    lease.release();
    return;
  }
  request.lease = lease;
  raw.once('close', () => takeLease(request)?.release());
}

/** Takes over the lease of a request; the caller releases it. */
export function takeLease(request: Request): Lease | undefined {
  const { lease } = request;
  request.lease = undefined;
  return lease;
}

/** The lease of a request for a target, taken over or new; the caller releases it. */
export function leaseOf(router: Router, request: Request, target: Target): Lease | Promise<Lease> {
  return takeLease(request) ?? router.lease(target);
}

/**
 * The lease for what a body names beside the one that was taken before it was read: that one where it is the same, else
 * another in its place. The caller releases it.
 */
export function leaseFor(router: Router, early: Lease | undefined, target: Target): Lease | Promise<Lease> {
  if (early !== undefined && isFor(early, target)) return early;
  early?.release();
  return router.lease(target);
}

function isFor({ version: { ref }, arm }: Lease, { model, version }: Target): boolean {
  if (model !== undefined && model !== ref.name) return false;
  return version === undefined || (version === ref.version && arm === undefined);
}

/** Says in headers who answered, where the answer has no place for it. */
export function tellVersion(reply: Reply, { version: { ref }, arm }: Lease): void {
  void reply.header('x-model-version', ref.version);
  if (arm !== undefined) void reply.header('x-model-arm', encodeURIComponent(arm.name));
}

/** What the query of a request's target says of its model. */
export interface VersionQuery {
  readonly model?: string;
  readonly model_version?: string;
}

export function queryTarget(request: Request): Target {
  const { model, model_version: version } = request.query as VersionQuery;
  return { model, version, headers: request.headers };
}
