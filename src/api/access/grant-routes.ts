import {
  checkGrant,
  checkType,
  governing,
  ownRoleName,
  permissionLevels,
  type Caller,
  type Grant,
  type PermissionName,
  type User,
} from '../../auth/index.ts';
import { isMlopsError, MlopsError } from '../../base/index.ts';
import type { Fields, Json } from '../../mlflow/index.ts';
import { administered, given, needUser, type AuthApi, type AuthRoute } from './auth-api.ts';
import { denied } from './needs.ts';

/** What single users are granted: by any type of resource (3.13 and later), and by one route for each type (until 3.12). */
export function grantRoutes(api: AuthApi): readonly AuthRoute[] {
  return [...unified(api), ...kinds.flatMap((kind) => perResource(api, kind))];
}

function unified(api: AuthApi): readonly AuthRoute[] {
  const { door } = api;
  const named = (fields: Fields): { readonly username: string; readonly type: string; readonly id: string } => {
    const type = given(fields, 'resource_type');
    const id = given(fields, 'resource_id');
    return { username: given(fields, 'username'), type, id };
  };
  return [
    {
      method: 'POST',
      path: '/users/permissions/grant',
      version: '3.0',
      answer: async ({ fields, caller }) => {
        const { username, type, id } = named(fields);
        needManage(api, caller, type, id);
        const permission = given(fields, 'permission');
        const user = await needUser(api, username);
        checkGrant({ resourceType: type, resourcePattern: id, permission });
        await add(api, user, { resourceType: type, resourcePattern: id, permission }, () =>
          exists(`Permission for user=${username} on resource_type=${type}, resource_id=${id} already exists.`),
        );
        return {};
      },
    },
    {
      method: 'POST',
      path: '/users/permissions/revoke',
      version: '3.0',
      answer: async ({ fields, caller }) => {
        const { username, type, id } = named(fields);
        needManage(api, caller, type, id);
        const user = await needUser(api, username);
        const grant = await ownGrant(api, user, type, id);
        if (grant === undefined) {
          throw absent(`Permission for user=${username} on resource_type=${type}, resource_id=${id} not found.`);
        }
        await door.changed(door.store.removeGrant(grant.id));
        return {};
      },
    },
    {
      method: 'GET',
      path: '/users/permissions/get',
      version: '3.0',
      answer: async ({ fields, caller }) => {
        const type = given(fields, 'resource_type');
        refuseWorkspace(type);
        const username = given(fields, 'username');
        const all = caller.user.isAdmin || username === caller.user.username;
        if (!all && !administered(caller.roles).has('default')) throw denied();
        const user = await door.store.findUser(username);
        if (user === undefined && !caller.user.isAdmin) throw denied();
        const id = given(fields, 'resource_id');
        const permission = await effective(api, await needUser(api, username), type, id);
        return { allowed: permissionLevels[permission].can.includes('use'), permission };
      },
    },
  ];
}

/** What the routes until 3.12 call their resources. */
interface Kind {
  readonly type: string;
  readonly root: string;
  readonly version: '2.0' | '3.0';
  /** Name of the object in an answer. */
  readonly answer: string;
  /** Words of refusals. */
  readonly words: string;
  readonly keys: readonly string[];
}

const kinds: readonly Kind[] = [
  {
    type: 'experiment',
    root: '/experiments',
    version: '2.0',
    answer: 'experiment_permission',
    words: 'Experiment permission',
    keys: ['experiment_id'],
  },
  {
    type: 'registered_model',
    root: '/registered-models',
    version: '2.0',
    answer: 'registered_model_permission',
    words: 'Registered model permission',
    keys: ['name'],
  },
  {
    type: 'scorer',
    root: '/scorers',
    version: '3.0',
    answer: 'scorer_permission',
    words: 'Scorer permission',
    keys: ['experiment_id', 'scorer_name'],
  },
  {
    type: 'gateway_secret',
    root: '/gateway/secrets',
    version: '3.0',
    answer: 'gateway_secret_permission',
    words: 'Gateway secret permission',
    keys: ['secret_id'],
  },
  {
    type: 'gateway_endpoint',
    root: '/gateway/endpoints',
    version: '3.0',
    answer: 'gateway_endpoint_permission',
    words: 'Gateway endpoint permission',
    keys: ['endpoint_id'],
  },
  {
    type: 'gateway_model_definition',
    root: '/gateway/model-definitions',
    version: '3.0',
    answer: 'gateway_model_definition_permission',
    words: 'Gateway model definition permission',
    keys: ['model_definition_id'],
  },
];

function perResource(api: AuthApi, { type, root, version, answer: key, words, keys }: Kind): readonly AuthRoute[] {
  const { door } = api;
  const idOf = (values: readonly string[]): string =>
    values.map((value, i) => (i === 0 ? value : encodeURIComponent(value))).join('/');
  const read = (fields: Fields): { readonly values: readonly string[]; readonly username: string } => ({
    values: keys.map((name) => given(fields, name)),
    username: given(fields, 'username'),
  });
  const named = (values: readonly string[]): Record<string, string> =>
    Object.fromEntries(keys.map((name, i) => [name, values[i] ?? '']));
  const find = async (values: readonly string[], username: string): Promise<readonly [User, Grant]> => {
    const user = await needUser(api, username);
    const grant = await ownGrant(api, user, type, idOf(values));
    if (grant !== undefined) return [user, grant];
    const shown = Object.entries(named(values)).map(([name, value]) => `${name}=${value}`);
    throw absent(`${words} with ${[...shown, `username=${username}`].join(' and ')} not found`);
  };
  const check = (fields: Fields, id: string): string => {
    const permission = given(fields, 'permission');
    // Only here a permission may say that there is none.
    if (permission !== 'NO_PERMISSIONS') checkGrant({ resourceType: type, resourcePattern: id, permission });
    return permission;
  };
  const json = (values: readonly string[], user: User, permission: string): Json => ({
    [key]: { ...named(values), user_id: user.id, permission },
  });
  return [
    {
      method: 'POST',
      path: `${root}/permissions/create`,
      version,
      answer: async ({ fields, caller }) => {
        const { values, username } = read(fields);
        needManage(api, caller, type, idOf(values));
        const permission = check(fields, idOf(values));
        const user = await needUser(api, username);
        await add(api, user, { resourceType: type, resourcePattern: idOf(values), permission }, () => {
          const shown = Object.entries(named(values)).map(([name, value]) => `${name}=${value}`);
          return exists(`${words} (${[...shown, `username=${username}`].join(', ')}) already exists.`);
        });
        return json(values, user, permission);
      },
    },
    {
      method: 'GET',
      path: `${root}/permissions/get`,
      version,
      answer: async ({ fields, caller }) => {
        const { values, username } = read(fields);
        needManage(api, caller, type, idOf(values));
        const [user, { permission }] = await find(values, username);
        return json(values, user, permission);
      },
    },
    {
      method: 'PATCH',
      path: `${root}/permissions/update`,
      version,
      answer: async ({ fields, caller }) => {
        const { values, username } = read(fields);
        needManage(api, caller, type, idOf(values));
        const permission = check(fields, idOf(values));
        const [, { id }] = await find(values, username);
        await door.changed(door.store.updateGrant(id, permission));
        return {};
      },
    },
    {
      method: 'DELETE',
      path: `${root}/permissions/delete`,
      version,
      answer: async ({ fields, caller }) => {
        const { values, username } = read(fields);
        needManage(api, caller, type, idOf(values));
        const [, { id }] = await find(values, username);
        await door.changed(door.store.removeGrant(id));
        return {};
      },
    },
  ];
}

/** Who manages a resource may pass it on; what holds for all of a type, only administrators of the workspace. */
function needManage({ gate }: AuthApi, caller: Caller, type: string, id: string): void {
  refuseWorkspace(type);
  checkType(type);
  if (caller.user.isAdmin) return;
  if (id === '*') {
    if (!administered(caller.roles).has('default')) throw denied();
    return;
  }
  gate.need({ type, id, action: 'manage' });
}

function refuseWorkspace(type: string): void {
  if (type !== 'workspace') return;
  throw new MlopsError(
    'invalid_value',
    "resource_type 'workspace' is not supported by the per-user permission convenience APIs. Use set_workspace_permission / delete_workspace_permission for workspace-wide grants.",
  );
}

/** Types whose single resources can be asked about. */
const single = new Set(kinds.map(({ type }) => type)).add('mcp_server');

async function effective({ door }: AuthApi, user: User, type: string, id: string): Promise<PermissionName> {
  checkType(type);
  if (id !== '*' && !single.has(type)) {
    throw new MlopsError(
      'invalid_value',
      `resource_type '${type}' is not supported by the per-user permission convenience APIs.`,
    );
  }
  if (type === 'scorer' && id !== '*' && !id.includes('/')) {
    throw new MlopsError('invalid_value', "Invalid scorer resource_id. Expected '<experiment_id>/<scorer_name>'.");
  }
  const roles = (await door.store.rolesOf(user.id)).filter(({ workspace }) => workspace === 'default');
  const grants = roles.flatMap(({ permissions }) => permissions);
  return governing(grants, { type, id, action: 'read' }, door.fallback).permission;
}

async function ownGrant({ door }: AuthApi, user: User, type: string, id: string): Promise<Grant | undefined> {
  const own = await door.store.roleNamed('default', ownRoleName(user.id));
  return own?.permissions.find(({ resourceType, resourcePattern }) => resourceType === type && resourcePattern === id);
}

async function add(
  { door }: AuthApi,
  user: User,
  grant: { readonly resourceType: string; readonly resourcePattern: string; readonly permission: string },
  taken: () => MlopsError,
): Promise<void> {
  const roleId = await door.ownRole(user.id);
  try {
    await door.changed(door.store.addGrant({ roleId, ...grant }));
  } catch (error) {
    throw isMlopsError(error, 'resource_exists') ? taken() : error;
  }
}

function exists(message: string): MlopsError {
  return new MlopsError('resource_exists', message);
}

function absent(message: string): MlopsError {
  return new MlopsError('resource_missing', message);
}
