import { checkGrant, type Caller } from '../../auth/index.ts';
import { MlopsError } from '../../base/index.ts';
import type { Fields } from '../../mlflow/index.ts';
import {
  administered,
  given,
  grantJson,
  needRole,
  needUser,
  number,
  roleJson,
  type AuthApi,
  type AuthRoute,
  type Call,
} from './auth-api.ts';
import { denied } from './needs.ts';

const version = '3.0';

/** Roles, what they grant, and who has them (MLflow 3.13 and later). */
export function roleRoutes(api: AuthApi): readonly AuthRoute[] {
  const { door } = api;
  const { store } = door;
  /** The caller administers the workspace of the role that is meant. */
  const manage = async ({ caller, fields }: Call): Promise<void> => {
    if (caller.user.isAdmin) return;
    const workspace = await workspaceOf(api, fields);
    if (workspace === undefined || !administered(caller.roles).has(workspace)) throw denied();
  };
  const view = async ({ caller, fields }: Call): Promise<void> => {
    if (caller.user.isAdmin) return;
    const workspace = await workspaceOf(api, fields);
    if (!caller.roles.some((role) => role.workspace === workspace)) throw denied();
  };
  const managed = (route: Omit<AuthRoute, 'version'>): AuthRoute => ({
    ...route,
    version,
    answer: async (call) => {
      await manage(call);
      return route.answer(call);
    },
  });
  const viewed = (route: Omit<AuthRoute, 'version'>): AuthRoute => ({
    ...route,
    version,
    answer: async (call) => {
      await view(call);
      return route.answer(call);
    },
  });
  return [
    managed({
      method: 'POST',
      path: '/roles/create',
      answer: async ({ fields }) => {
        const name = given(fields, 'name');
        const workspace = given(fields, 'workspace');
        if (name.trim() === '') throw invalid('Role name cannot be empty.');
        if (workspace.trim() === '') throw invalid('Workspace cannot be empty.');
        refuseReserved(name);
        const description = describe(fields, 'Role description must be a string or null.');
        return { role: roleJson(await door.changed(store.createRole({ name, workspace, description }))) };
      },
    }),
    viewed({
      method: 'GET',
      path: '/roles/get',
      answer: async ({ fields }) => ({ role: roleJson(await needRole(api, number(fields, 'role_id'))) }),
    }),
    {
      method: 'GET',
      path: '/roles/list',
      version,
      lists: ['workspace'],
      answer: async ({ fields, caller }) => {
        const wanted = fields.texts('workspace');
        if (!caller.user.isAdmin) needPresence(caller, wanted);
        if (wanted.some((workspace) => workspace.trim() === '')) {
          throw invalid("Parameter 'workspace' must be a non-empty string when provided.");
        }
        const roles = await store.listRoles(wanted.length === 0 ? undefined : wanted);
        return { roles: roles.map(roleJson) };
      },
    },
    managed({
      method: 'PATCH',
      path: '/roles/update',
      answer: async ({ fields }) => {
        const id = number(fields, 'role_id');
        const name = fields.raw('name') === undefined ? undefined : given(fields, 'name');
        const description = describe(fields, 'Role description must be a string.');
        if (name === undefined && description === undefined) {
          throw invalid("At least one of 'name' or 'description' must be provided to update a role.");
        }
        if (name?.trim() === '') throw invalid('Role name cannot be empty.');
        if (name !== undefined) refuseReserved(name);
        await door.changed(store.updateRole(id, { name, description }));
        return { role: roleJson(await needRole(api, id)) };
      },
    }),
    managed({
      method: 'DELETE',
      path: '/roles/delete',
      answer: async ({ fields }) => {
        const { id } = await needRole(api, number(fields, 'role_id'));
        await door.changed(store.deleteRole(id));
        return {};
      },
    }),
    managed({
      method: 'POST',
      path: '/roles/permissions/add',
      answer: async ({ fields }) => {
        const roleId = number(fields, 'role_id');
        const resourceType = given(fields, 'resource_type');
        const resourcePattern = given(fields, 'resource_pattern');
        const permission = given(fields, 'permission');
        checkGrant({ resourceType, resourcePattern, permission });
        await needRole(api, roleId);
        const grant = await door.changed(store.addGrant({ roleId, resourceType, resourcePattern, permission }));
        return { role_permission: grantJson(grant) };
      },
    }),
    managed({
      method: 'DELETE',
      path: '/roles/permissions/remove',
      answer: async ({ fields }) => {
        const { id } = await needGrant(api, number(fields, 'role_permission_id'));
        await door.changed(store.removeGrant(id));
        return {};
      },
    }),
    viewed({
      method: 'GET',
      path: '/roles/permissions/list',
      answer: async ({ fields }) => ({
        role_permissions: (await needRole(api, number(fields, 'role_id'))).permissions.map(grantJson),
      }),
    }),
    managed({
      method: 'PATCH',
      path: '/roles/permissions/update',
      answer: async ({ fields }) => {
        const id = number(fields, 'role_permission_id');
        const permission = given(fields, 'permission');
        const grant = await needGrant(api, id);
        checkGrant({ ...grant, permission });
        await door.changed(store.updateGrant(id, permission));
        return { role_permission: grantJson({ ...grant, permission }) };
      },
    }),
    managed({
      method: 'POST',
      path: '/roles/assign',
      answer: async ({ fields }) => {
        const username = given(fields, 'username');
        const roleId = number(fields, 'role_id');
        const user = await needUser(api, username);
        await needRole(api, roleId);
        const { id } = await door.changed(store.addMember(user.id, roleId));
        return { assignment: { id, user_id: user.id, role_id: roleId } };
      },
    }),
    managed({
      method: 'DELETE',
      path: '/roles/unassign',
      answer: async ({ fields }) => {
        const username = given(fields, 'username');
        const roleId = number(fields, 'role_id');
        const user = await needUser(api, username);
        if (await door.changed(store.removeMember(user.id, roleId))) return {};
        const what = `User role assignment (user_id=${user.id}, role_id=${roleId})`;
        throw new MlopsError('resource_missing', `${what} not found`);
      },
    }),
    managed({
      method: 'GET',
      path: '/roles/users/list',
      answer: async ({ fields }) => {
        const { id: roleId } = await needRole(api, number(fields, 'role_id'));
        const members = await store.membersOf(roleId);
        return { assignments: members.map(({ id, userId }) => ({ id, user_id: userId, role_id: roleId })) };
      },
    }),
  ];
}

async function needGrant({ door }: AuthApi, id: number) {
  const grant = await door.store.findGrant(id);
  if (grant === undefined) throw new MlopsError('resource_missing', `Role permission with id=${id} not found`);
  return grant;
}

/** The workspace of the role that a request means; undefined for one that does not exist. */
async function workspaceOf({ door }: AuthApi, fields: Fields): Promise<string | undefined> {
  if (fields.has('role_id')) return (await door.store.findRole(number(fields, 'role_id')))?.workspace;
  if (fields.has('role_permission_id')) {
    const grant = await door.store.findGrant(number(fields, 'role_permission_id'));
    return grant === undefined ? undefined : (await door.store.findRole(grant.roleId))?.workspace;
  }
  const workspace = fields.text('workspace');
  if (workspace === undefined) throw invalid('Request must include one of: role_id, role_permission_id, workspace.');
  if (workspace.trim() === '') throw invalid("Parameter 'workspace' must be a non-empty string.");
  return workspace;
}

function needPresence({ roles }: Caller, wanted: readonly string[]): void {
  const present = new Set(roles.map(({ workspace }) => workspace));
  const asked = wanted.map((workspace) => workspace.trim()).filter((workspace) => workspace !== '');
  if (asked.length === 0 || !asked.every((workspace) => present.has(workspace))) throw denied();
}

function describe(fields: Fields, wrong: string): string | undefined {
  const value = fields.raw('description');
  if (value !== undefined && typeof value !== 'string') throw invalid(wrong);
  return value;
}

function refuseReserved(name: string): void {
  if (!name.startsWith('__user_')) return;
  throw invalid(
    `Role name '${name}' uses the reserved '__user_' prefix, which is held for the per-user permission representation. Choose a different name.`,
  );
}

function invalid(message: string): MlopsError {
  return new MlopsError('invalid_value', message);
}
