import { keyOf, type Caller, type Doorkeeper } from '../../auth/index.ts';
import { MlopsError, type Logger } from '../../base/index.ts';
import type { Reply, Request, Scope, Shell } from '../../http/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { addAuthRoutes, type AuthApi } from './auth-api.ts';
import { Auditor } from './audit.ts';
import { grantRoutes } from './grant-routes.ts';
import { callers, denied, Gate } from './needs.ts';
import { roleRoutes } from './role-routes.ts';
import { ruleOf } from './route-rules.ts';
import { addLoginPages } from './login-pages.ts';
import { cookieOf, csrfToken, sameText, sessionCookie } from './sessions.ts';
import { userRoutes } from './user-routes.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined;
  }
}

export interface AccessOptions {
  readonly door: Doorkeeper;
  /** Not guarded. */
  readonly store: TrackingStore;
  readonly prefix?: string | undefined;
  readonly log: Logger;
  /** The header in which a proxy in front names the user whom it has let in; none is believed by default. */
  readonly proxyHeader?: string | undefined;
}

const notKnown =
  'You are not authenticated. Please see https://www.mlflow.org/docs/latest/auth/index.html#authenticating-to-mlflow on how to authenticate.';

const safe = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Asks for a login on every route that is added from now on, judges by `route-rules.ts`, and adds the calls about users,
 * roles and grants.
 */
export function addAccess(shell: Shell, options: AccessOptions): AuthApi {
  const { door, store, prefix = '', log } = options;
  const gate = new Gate(door);
  const api: AuthApi = { door, store, gate, audit: new Auditor(door.store, log) };
  shell.decorateRequest('caller', undefined);
  shell.addHook('onRequest', async (request, reply) => {
    const { url: pattern } = request.routeOptions;
    const rule = pattern === undefined ? undefined : ruleOf(request.method, pattern, prefix);
    if (rule === 'open') return;
    const caller = await callerOf(request, options, api.audit);
    if (caller === undefined) return askForLogin(request, reply, prefix);
    request.caller = caller;
    const scope = request.routeOptions.config.scope ?? 'read';
    request.identity = { name: caller.user.username, scopes: [...(caller.scopes ?? ['read', 'write', 'admin'])] };
    refuseScope(caller, scope);
  });
  shell.addHook('preHandler', (request, _reply, done) => {
    const { caller } = request;
    if (caller === undefined) done();
    else callers.run(caller, done);
  });
  shell.addHook('preHandler', async (request) => {
    if (request.caller !== undefined) await judge(request, prefix, { gate, store });
  });
  addAuthRoutes(shell, prefix, [...userRoutes(api), ...roleRoutes(api), ...grantRoutes(api)], api.audit);
  addLoginPages(shell, prefix, api);
  return api;
}

async function judge(request: Request, prefix: string, asked: { gate: Gate; store: TrackingStore }): Promise<void> {
  const rule = ruleOf(request.method, request.routeOptions.url ?? '', prefix);
  if (rule === 'signed' || rule === 'store' || rule === 'open' || request.caller?.user.isAdmin === true) return;
  // A route that nobody thought of is nobody's.
  if (rule === undefined || rule === 'admin') throw denied();
  await rule({ request, ...asked });
}

/** A token that may only read changes nothing, whoever has it. */
function refuseScope({ scopes }: Caller, scope: Scope): void {
  if (scopes === undefined || scopes.has('admin')) return;
  if (scope === 'public' || scopes.has(scope)) return;
  if (scope === 'read' && scopes.has('write')) return;
  throw new MlopsError('forbidden', `this token may not do that: it needs the scope '${scope}'`, {
    hint: `mlops auth token create USERNAME --scope ${scope}`,
  });
}

async function callerOf(request: Request, options: AccessOptions, audit: Auditor): Promise<Caller | undefined> {
  const { door, proxyHeader } = options;
  const { authorization } = request.headers;
  const [, basic] = /^basic\s+([\w+/=-]+)\s*$/i.exec(authorization ?? '') ?? [];
  if (basic !== undefined) {
    const text = Buffer.from(basic, 'base64').toString('utf8');
    const at = text.indexOf(':');
    const [username, password] = at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    const found = (await door.byPassword(username, password)) ?? (await tokenAsPassword(door, username, password));
    if (found === undefined) await audit.done(request, 'sign-in', '', 'refused', username.slice(0, 200));
    return found;
  }
  const secret = keyOf(request.headers);
  if (secret !== undefined) {
    const found = await door.byToken(secret);
    if (found === undefined) await audit.done(request, 'sign-in', 'token', 'refused', secret.slice(0, 18));
    return found?.token?.kind === 'token' ? found : undefined;
  }
  const session = cookieOf(request, sessionCookie);
  if (session !== undefined) {
    const found = await door.byToken(session);
    if (found?.token?.kind !== 'session') return undefined;
    refuseForeign(request, found.token.hash);
    return found;
  }
  const proxied = proxyHeader === undefined ? undefined : request.headers[proxyHeader];
  return typeof proxied === 'string' && proxied !== '' ? door.byName(proxied) : undefined;
}

/** Programs that only know names and passwords may send a token as one. */
async function tokenAsPassword(door: Doorkeeper, username: string, password: string): Promise<Caller | undefined> {
  const found = await door.byToken(password);
  const same = username === '' || username === 'token' || found?.user.username === username;
  return found?.token?.kind === 'token' && same ? found : undefined;
}

/** A browser sends a cookie along whoever asks: what changes something must come from a page of ours. */
function refuseForeign(request: Request, hash: string): void {
  if (safe.has(request.method) || request.headers['sec-fetch-site'] === 'same-origin') return;
  const given = request.headers['x-csrf-token'];
  if (typeof given === 'string' && sameText(given, csrfToken(hash))) return;
  throw new MlopsError('forbidden', 'the change did not come from a page of this server', {
    hint: 'send the csrf_token of users/current as X-CSRF-Token',
  });
}

/** A person with a browser gets the page for it; all others are told as by MLflow's server. */
function askForLogin(request: Request, reply: Reply, prefix: string): Reply {
  const path = request.url.split('?', 1)[0] ?? '/';
  const page = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
  if (page && !/\/(?:ajax-)?api\//.test(path)) {
    return reply.redirect(`${prefix}/login?next=${encodeURIComponent(request.url)}`);
  }
  return reply
    .code(401)
    .headers({ 'www-authenticate': 'Basic realm="mlflow"', 'content-type': 'text/html; charset=utf-8' })
    .send(notKnown);
}
