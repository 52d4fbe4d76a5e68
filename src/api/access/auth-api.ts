import type { Caller, Doorkeeper, Role, User } from '../../auth/index.ts';
import { MlopsError } from '../../base/index.ts';
import { mlflowErrorBody, type Reply, type Request, type Shell } from '../../http/index.ts';
import { readBody, readQuery, type Fields, type Json } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import type { Auditor } from './audit.ts';
import { caller, denied, type Gate } from './needs.ts';
import { addRule } from './route-rules.ts';

/** What calls about users, roles and grants need. */
export interface AuthApi {
  readonly door: Doorkeeper;
  /** Not guarded. */
  readonly store: TrackingStore;
  readonly gate: Gate;
  readonly audit: Auditor;
}

export interface Call {
  readonly fields: Fields;
  readonly request: Request;
  readonly caller: Caller;
}

/** One call of MLflow's auth API. An answer may be plain text with a status of its own. */
export interface AuthRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/mlflow`. */
  readonly path: string;
  readonly version: '2.0' | '3.0';
  /** Names of query parameters that are lists. */
  readonly lists?: readonly string[];
  answer(call: Call): Promise<Json | PlainAnswer>;
}

export class PlainAnswer {
  readonly status: number;
  readonly text: string;

  constructor(status: number, text: string) {
    this.status = status;
    this.text = text;
  }
}

/** Puts calls at `/api` and `/ajax-api`. Each decides itself who may make it. */
export function addAuthRoutes(shell: Shell, prefix: string, routes: readonly AuthRoute[], audit: Auditor): void {
  for (const route of routes) {
    const path = `/${route.version}/mlflow${route.path}`;
    addRule('signed', [`${route.method} /api${path}`]);
    for (const root of ['api', 'ajax-api']) {
      shell.route({
        method: route.method,
        url: `${prefix}/${root}${path}`,
        exposeHeadRoute: false,
        config: { scope: route.method === 'GET' ? 'read' : 'admin', errors: mlflowErrorBody },
        handler: (request, reply) => answer(route, request, reply, audit),
      });
    }
  }
}

async function answer(route: AuthRoute, request: Request, reply: Reply, audit: Auditor): Promise<Reply> {
  const query = request.query as Record<string, unknown>;
  const isJson = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() === 'application/json';
  const inQuery = route.method === 'GET' || (route.method === 'DELETE' && !isJson);
  const fields = inQuery ? readQuery(query, route.lists) : isJson ? readBody(request.body) : readBody(undefined);
  const changes = route.method !== 'GET';
  try {
    const given = await route.answer({ fields, request, caller: caller() });
    if (changes) await audit.done(request, route.path.slice(1), targetOf(fields), 'done');
    if (given instanceof PlainAnswer) {
      return await reply.code(given.status).header('content-type', 'text/html; charset=utf-8').send(given.text);
    }
    return await reply.header('content-type', 'application/json').send(JSON.stringify(given));
  } catch (error) {
    const why = error instanceof MlopsError ? error.code : 'failed';
    if (changes) await audit.done(request, route.path.slice(1), targetOf(fields), why);
    throw error;
  }
}

/** What a change was about; never a password. */
function targetOf(fields: Fields): string {
  const names = [
    ...['username', 'name', 'workspace', 'role_id', 'role_permission_id', 'experiment_id', 'scorer_name'],
    ...['resource_type', 'resource_id', 'resource_pattern', 'permission', 'is_admin'],
  ];
  return names
    .flatMap((name) => {
      const value = fields.all()[name];
      return value === undefined ? [] : [`${name}=${String(value).slice(0, 200)}`];
    })
    .join(' ');
}

/** @throws MlopsError `resource_missing`, in MLflow's words. */
export async function needUser({ door }: AuthApi, username: string): Promise<User> {
  const user = await door.store.findUser(username);
  if (user === undefined) throw new MlopsError('resource_missing', `User with username=${username} not found`);
  return user;
}

export async function needRole({ door }: AuthApi, id: number): Promise<Role> {
  const role = await door.store.findRole(id);
  if (role === undefined) throw new MlopsError('resource_missing', `Role with id=${id} not found`);
  return role;
}

/** A text that is there; it may be empty. */
export function given(fields: Fields, name: string): string {
  const value = fields.text(name);
  if (value === undefined) throw fields.missing(name);
  return value;
}

export function number(fields: Fields, name: string): number {
  const value = fields.raw(name);
  if (value === undefined) throw fields.missing(name);
  const text = String(value).trim();
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  if (typeof value === 'number') return Math.trunc(value);
  throw new MlopsError('invalid_value', `Parameter '${name}' must be an integer. Got: '${text.slice(0, 200)}'`);
}

/** Workspaces that a caller administers. */
export function administered(roles: readonly Role[]): ReadonlySet<string> {
  const mine = roles.filter(({ permissions }) =>
    permissions.some(
      ({ resourceType, resourcePattern, permission }) =>
        resourceType === 'workspace' && resourcePattern === '*' && permission === 'MANAGE',
    ),
  );
  return new Set(mine.map(({ workspace }) => workspace));
}

export function needAdmin({ user }: Caller): void {
  if (!user.isAdmin) throw denied();
}

export function roleJson({ id, name, workspace, description, permissions }: Role): Json {
  return { id, name, workspace, description: description ?? null, permissions: permissions.map(grantJson) };
}

export function grantJson(grant: Role['permissions'][number]): Json {
  const { id, roleId, resourceType, resourcePattern, permission } = grant;
  return { id, role_id: roleId, resource_type: resourceType, resource_pattern: resourcePattern, permission };
}
