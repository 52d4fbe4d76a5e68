import {
  checkPassword,
  hashPassword,
  ownRoleName,
  refuseWeakPassword,
  type Role,
  type User,
} from '../../auth/index.ts';
import { MlopsError } from '../../base/index.ts';
import type { Request } from '../../http/index.ts';
import type { Json } from '../../mlflow/index.ts';
import {
  administered,
  given,
  grantJson,
  needAdmin,
  needUser,
  PlainAnswer,
  roleJson,
  type AuthApi,
  type AuthRoute,
  type Call,
} from './auth-api.ts';
import { denied } from './needs.ts';
import { csrfToken } from './sessions.ts';

const version = '2.0';

/** Users, as MLflow 3.17 has them; its clients until 3.12 get what they expect beside that. */
export function userRoutes(api: AuthApi): readonly AuthRoute[] {
  const { door } = api;
  return [
    { method: 'POST', path: '/users/create', version, answer: (call) => create(api, call) },
    {
      method: 'GET',
      path: '/users/get',
      version,
      answer: async ({ fields, caller, request }) => {
        const username = given(fields, 'username');
        if (username !== caller.user.username) needAdmin(caller);
        return { user: await userJson(api, await needUser(api, username), request) };
      },
    },
    {
      method: 'GET',
      path: '/users/list',
      version,
      answer: async ({ caller }) => {
        const own = administered(caller.roles);
        const users: Json[] = [];
        for (const user of await door.store.listUsers()) {
          const all = caller.user.isAdmin || user.id === caller.user.id;
          const roles = (await door.store.rolesOf(user.id)).filter(({ workspace }) => all || own.has(workspace));
          users.push({ ...plainUser(user), roles: roles.map(roleJson) });
        }
        return { users };
      },
    },
    {
      method: 'GET',
      path: '/users/current',
      version,
      answer: async ({ caller: { user, token } }) => ({
        user: plainUser(user),
        is_basic_auth: true,
        // What a page sends with its changes.
        ...(token?.kind === 'session' ? { csrf_token: csrfToken(token.hash) } : {}),
      }),
    },
    { method: 'PATCH', path: '/users/update-password', version, answer: (call) => updatePassword(api, call) },
    {
      method: 'PATCH',
      path: '/users/update-admin',
      version,
      answer: async ({ fields, caller }) => {
        needAdmin(caller);
        const username = given(fields, 'username');
        const raw = fields.raw('is_admin');
        if (raw === undefined) throw fields.missing('is_admin');
        const isAdmin = raw === true || raw === 1 || raw === 'true' || raw === 'True';
        const user = await needUser(api, username);
        await door.changed(door.store.updateUser(user.id, { isAdmin }));
        return {};
      },
    },
    {
      method: 'DELETE',
      path: '/users/delete',
      version,
      answer: async ({ fields, caller }) => {
        needAdmin(caller);
        const username = given(fields, 'username');
        if (username === caller.user.username) {
          throw new MlopsError(
            'bad_request',
            'Users cannot delete their own account. Ask another admin to delete this user instead.',
          );
        }
        const user = await needUser(api, username);
        await door.changed(door.store.deleteUser(user.id));
        return {};
      },
    },
    {
      method: 'GET',
      path: '/users/current/permissions',
      version: '3.0',
      answer: async ({ caller: { user } }) => permissionsOf(user, await door.store.rolesOf(user.id)),
    },
    {
      method: 'GET',
      path: '/users/permissions/list',
      version: '3.0',
      answer: async (call) => {
        const { user, roles } = await visibleRoles(api, call);
        return permissionsOf(user, roles);
      },
    },
    {
      method: 'GET',
      path: '/users/roles/list',
      version: '3.0',
      answer: async (call) => ({ roles: (await visibleRoles(api, call)).roles.map(roleJson) }),
    },
  ];
}

async function create(api: AuthApi, { fields, caller, request }: Call): Promise<Json | PlainAnswer> {
  const { door } = api;
  if (!caller.user.isAdmin && administered(caller.roles).size === 0) throw denied();
  const [type = ''] = (request.headers['content-type'] ?? '').split(';', 1);
  if (type.trim().toLowerCase() !== 'application/json') {
    return new PlainAnswer(400, 'Invalid content type. Must be application/json');
  }
  const username = given(fields, 'username');
  const password = given(fields, 'password');
  if (username === '' || password === '') return new PlainAnswer(400, 'Username and password cannot be empty.');
  const user = await makeUser(api, username, password);
  return { user: await userJson({ ...api, door }, user, request) };
}

/** @throws MlopsError `invalid_value` for a weak password, `resource_exists`. */
export async function makeUser({ door }: AuthApi, username: string, password: string): Promise<User> {
  refuseWeakPassword(password);
  const passwordHash = await hashPassword(password);
  return door.changed(door.store.createUser({ username, passwordHash, isAdmin: false, kind: 'person' }));
}

async function updatePassword(api: AuthApi, { fields, caller, request }: Call): Promise<Json> {
  const { door } = api;
  const username = given(fields, 'username');
  const own = username === caller.user.username;
  if (!own) needAdmin(caller);
  const password = given(fields, 'password');
  if (own && !isOld(request)) {
    const current = fields.filled('current_password');
    if (current === undefined) throw invalid('Current password is required when changing your own password.');
    if (!(await checkPassword(current, caller.user.passwordHash))) throw invalid('Current password does not match.');
    if (password === current) throw invalid('New password must differ from the current password.');
  }
  const user = await needUser(api, username);
  refuseWeakPassword(password);
  const passwordHash = await hashPassword(password);
  await door.changed(door.store.updateUser(user.id, { passwordHash, failures: 0, lockedUntil: 0 }));
  return {};
}

function invalid(message: string): MlopsError {
  return new MlopsError('invalid_value', message);
}

/** Roles of the user whom a request names, as far as the caller may see them. */
async function visibleRoles(
  api: AuthApi,
  { fields, caller }: Call,
): Promise<{ readonly user: User; readonly roles: readonly Role[] }> {
  const username = given(fields, 'username');
  const all = caller.user.isAdmin || username === caller.user.username;
  const own = administered(caller.roles);
  if (!all && own.size === 0) throw denied();
  const user = await api.door.store.findUser(username);
  if (user === undefined) {
    if (caller.user.isAdmin) await needUser(api, username);
    throw denied();
  }
  const roles = await api.door.store.rolesOf(user.id);
  const shown = roles.filter(({ workspace }) => all || own.has(workspace));
  if (!all && shown.length === 0) throw denied();
  return { user, roles: shown };
}

function permissionsOf(user: User, roles: readonly Role[]): Json {
  const permissions = roles.flatMap((role) =>
    role.permissions.map(({ resourceType, resourcePattern, permission }) => ({
      role_id: role.id,
      role_name: role.name,
      workspace: role.workspace,
      resource_type: resourceType,
      resource_pattern: resourcePattern,
      permission,
    })),
  );
  return { is_admin: user.isAdmin, permissions };
}

function plainUser({ id, username, isAdmin }: User): Json {
  return { id, username, is_admin: isAdmin };
}

/** Whether a client of MLflow until 3.12 asks. */
export function isOld(request: Request): boolean {
  const [, major = '', minor = ''] =
    /^mlflow-python-client\/(\d{1,4})\.(\d{1,4})/.exec(request.headers['user-agent'] ?? '') ?? [];
  return major !== '' && (Number(major) < 3 || (Number(major) === 3 && Number(minor) < 13));
}

async function userJson({ door }: AuthApi, user: User, request: Request): Promise<Json> {
  if (!isOld(request)) return plainUser(user);
  const own = (await door.store.rolesOf(user.id)).find(({ name }) => name === ownRoleName(user.id));
  const of = (type: string, key: string): Json[] =>
    (own?.permissions ?? [])
      .filter(({ resourceType }) => resourceType === type)
      .map((grant) => ({
        [key]: grantJson(grant)['resource_pattern'] ?? '',
        user_id: user.id,
        permission: grant.permission,
      }));
  return {
    ...plainUser(user),
    experiment_permissions: of('experiment', 'experiment_id'),
    registered_model_permissions: of('registered_model', 'name'),
    scorer_permissions: (own?.permissions ?? [])
      .filter(({ resourceType }) => resourceType === 'scorer')
      .map(({ resourcePattern, permission }) => {
        const [experiment = '', name = ''] = resourcePattern.split('/', 2);
        return { experiment_id: experiment, scorer_name: decodeURIComponent(name), user_id: user.id, permission };
      }),
    gateway_secret_permissions: of('gateway_secret', 'secret_id'),
    gateway_endpoint_permissions: of('gateway_endpoint', 'endpoint_id'),
    gateway_model_definition_permissions: of('gateway_model_definition', 'model_definition_id'),
  };
}
