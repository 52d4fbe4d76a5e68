/** The web-server shell: limits, ids, guard, errors as responses, graceful close. */
export { mlflowErrorBody, ownErrorBody, type Failure } from './failure.ts';
export { createGuard, isLoopback, loopbackHosts, type GuardOptions } from './guard.ts';
export { attach, explainListen, listen, type Listening, type ListenOptions } from './listen.ts';
export {
  createShell,
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
export { parseTraceparent, type TraceContext } from './trace.ts';
