/**
 * The shell of every server: limits, request ids, guard, errors as responses, graceful close.
 *
 * Words: a *guard* says which hosts and origins are answered; a *verifier* who asks, for a *scope*; a *drain* is the
 * time that answers get when a server stops.
 * Never: knows a route of its own, except that one is missing.
 */
export { failureOf, mlflowErrorBody, ownErrorBody, type Failure } from './failure.ts';
export { createGuard, isLoopback, loopbackHosts, type GuardOptions } from './guard.ts';
export { attach, explainListen, listen, type Listening, type ListenOptions } from './listen.ts';
export {
  createShell,
  givenId,
  type AccessEntry,
  type ErrorRenderer,
  type Identity,
  type Reply,
  type Request,
  type Scope,
  type Shell,
  type ShellOptions,
  type Verifier,
} from './shell.ts';
export { RequestMetrics } from './request-metrics.ts';
export { followTls, readTls, type TlsFiles } from './tls.ts';
export { parseTraceparent, type TraceContext } from './trace.ts';
export type { TrafficLimits } from './traffic-limits.ts';
