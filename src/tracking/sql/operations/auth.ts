import {
  ownRoleName,
  type AuditEntry,
  type AuthStore,
  type Grant,
  type Membership,
  type NewGrant,
  type Role,
  type StoredToken,
  type User,
} from '../../../auth/index.ts';
import { MlopsError } from '../../../base/index.ts';
import type { Context } from '../context.ts';
import { allOf, among, join, raw, sql, type Sql } from '../sql.ts';
import { all, get, one, run, type Work } from '../work.ts';

interface UserRow {
  readonly id: number;
  readonly username: string;
  readonly password_hash: string;
  readonly is_admin: number;
  readonly kind: User['kind'];
  readonly failures: number;
  readonly locked_until: number;
}

interface RoleRow {
  readonly id: number;
  readonly name: string;
  readonly workspace: string;
  readonly description: string | null;
}

interface GrantRow {
  readonly id: number;
  readonly role_id: number;
  readonly resource_type: string;
  readonly resource_pattern: string;
  readonly permission: string;
}

export function authOf(c: Context): AuthStore {
  const first: First = async (query, to) => {
    const row = await c.read(() => get<object>(query));
    return row === undefined ? undefined : to(row as never);
  };
  const change = <Value>(work: () => Work<Value>): Promise<Value> =>
    c.write(function* () {
      const value = yield* work();
      yield* run(sql`UPDATE auth_revision SET n = n + 1`);
      return value;
    });
  return {
    revision: () =>
      c.read(function* () {
        return (yield* one<{ n: number }>(sql`SELECT n FROM auth_revision`)).n;
      }),
    countUsers: () =>
      c.read(function* () {
        return (yield* one<{ n: number }>(sql`SELECT count(*) AS n FROM auth_users`)).n;
      }),
    createUser: (user) =>
      change(function* () {
        const { username, passwordHash, isAdmin, kind } = user;
        const row = yield* get<UserRow>(
          sql`INSERT INTO auth_users (username, password_hash, is_admin, kind)
            VALUES (${username}, ${passwordHash}, ${isAdmin ? 1 : 0}, ${kind})
            ON CONFLICT (username) DO NOTHING RETURNING *`,
        );
        if (row === undefined) throw taken(`User (username=${username}) already exists.`);
        return toUser(row);
      }),
    findUser: (username) => first(sql`SELECT * FROM auth_users WHERE username = ${username}`, toUser),
    userById: (id) => first(sql`SELECT * FROM auth_users WHERE id = ${id}`, toUser),
    listUsers: () =>
      c.read(function* () {
        return (yield* all<UserRow>(sql`SELECT * FROM auth_users ORDER BY id`)).map(toUser);
      }),
    updateUser: (id, { passwordHash, isAdmin, failures, lockedUntil }) =>
      change(function* () {
        const sets = [
          ...(passwordHash === undefined ? [] : [sql`password_hash = ${passwordHash}`]),
          ...(isAdmin === undefined ? [] : [sql`is_admin = ${isAdmin ? 1 : 0}`]),
          ...(failures === undefined ? [] : [sql`failures = ${failures}`]),
          ...(lockedUntil === undefined ? [] : [sql`locked_until = ${lockedUntil}`]),
        ];
        if (sets.length > 0) yield* run(sql`UPDATE auth_users SET ${join(sets, ', ')} WHERE id = ${id}`);
      }),
    deleteUser: (id) =>
      change(function* () {
        yield* run(sql`DELETE FROM auth_roles WHERE name = ${ownRoleName(id)}`);
        yield* run(sql`DELETE FROM auth_users WHERE id = ${id}`);
      }),
    ...rolesHalf(c, change),
    ...grantsHalf(first, change),
    ...tokensHalf(c, first, change),
    addAudit: (entry) =>
      c.write(function* () {
        const { at, who, what, target, from, result } = entry;
        yield* run(
          sql`INSERT INTO audit ("at", who, what, target, "from", result)
            VALUES (${at}, ${who}, ${what}, ${target}, ${from}, ${result})`,
        );
      }),
    listAudit: ({ limit, after }) =>
      c.read(function* () {
        if (after !== undefined) {
          return yield* all<AuditEntry & { n: number }>(
            sql`SELECT * FROM audit WHERE n > ${after} ORDER BY n LIMIT ${limit}`,
          );
        }
        return (yield* all<AuditEntry & { n: number }>(
          sql`SELECT * FROM audit ORDER BY n DESC LIMIT ${limit}`,
        )).toReversed();
      }),
  };
}

type Change = <Value>(work: () => Work<Value>) => Promise<Value>;
/** The first row of a query, read by `to`, which knows what its columns are. */
type First = <Value>(query: Sql, to: (row: never) => Value) => Promise<Value | undefined>;
type Half<Key extends keyof AuthStore> = Pick<AuthStore, Key>;

function* rolesWhere(condition: Sql): Work<readonly Role[]> {
  const roles = yield* all<RoleRow>(sql`SELECT * FROM auth_roles WHERE ${condition} ORDER BY id`);
  if (roles.length === 0) return [];
  const ids = roles.map(({ id }) => id);
  const rows = yield* all<GrantRow>(sql`SELECT * FROM auth_grants WHERE ${among(raw('role_id'), ids)} ORDER BY id`);
  const grants = new Map<number, Grant[]>();
  for (const row of rows) grants.set(row.role_id, [...(grants.get(row.role_id) ?? []), toGrant(row)]);
  return roles.map(({ description, ...role }) => ({
    ...role,
    description: description ?? undefined,
    permissions: grants.get(role.id) ?? [],
  }));
}

function rolesHalf(
  c: Context,
  change: Change,
): Half<
  | 'createRole'
  | 'findRole'
  | 'roleNamed'
  | 'listRoles'
  | 'updateRole'
  | 'deleteRole'
  | 'rolesOf'
  | 'addMember'
  | 'removeMember'
  | 'membersOf'
> {
  const free = function* (workspace: string, name: string, id: number): Work<boolean> {
    return (
      (yield* get(sql`SELECT 1 FROM auth_roles WHERE workspace = ${workspace} AND name = ${name} AND id <> ${id}`)) ===
      undefined
    );
  };
  const where = (condition: Sql): Promise<readonly Role[]> => c.read(() => rolesWhere(condition));
  return {
    createRole: ({ name, workspace, description }) =>
      change(function* () {
        const row = yield* get<RoleRow>(
          sql`INSERT INTO auth_roles (name, workspace, description) VALUES (${name}, ${workspace}, ${description})
            ON CONFLICT (workspace, name) DO NOTHING RETURNING *`,
        );
        if (row === undefined) throw taken(`Role (name=${name}, workspace=${workspace}) already exists.`);
        return { ...row, description, permissions: [] };
      }),
    findRole: async (id) => (await where(sql`id = ${id}`))[0],
    roleNamed: async (workspace, name) => (await where(sql`workspace = ${workspace} AND name = ${name}`))[0],
    listRoles: (workspaces) => where(workspaces === undefined ? allOf([]) : among(raw('workspace'), workspaces)),
    updateRole: (id, { name, description }) =>
      change(function* () {
        const role = yield* get<RoleRow>(sql`SELECT * FROM auth_roles WHERE id = ${id}`);
        if (role === undefined) throw missing(`Role with id=${id} not found`);
        if (name !== undefined && !(yield* free(role.workspace, name, id))) {
          throw taken(`Role with name=${name} already exists in workspace=${role.workspace}`);
        }
        yield* run(
          sql`UPDATE auth_roles SET name = ${name ?? role.name}, description = ${description ?? role.description}
            WHERE id = ${id}`,
        );
      }),
    deleteRole: (id) =>
      change(function* () {
        yield* run(sql`DELETE FROM auth_roles WHERE id = ${id}`);
      }),
    rolesOf: (userId) => where(sql`id IN (SELECT role_id FROM auth_members WHERE user_id = ${userId})`),
    addMember: (userId, roleId) =>
      change(function* () {
        const row = yield* get<{ id: number }>(
          sql`INSERT INTO auth_members (user_id, role_id) VALUES (${userId}, ${roleId})
            ON CONFLICT (user_id, role_id) DO NOTHING RETURNING id`,
        );
        if (row === undefined) {
          throw taken(`User role assignment (user_id=${userId}, role_id=${roleId}) already exists`);
        }
        return { id: row.id, userId, roleId };
      }),
    removeMember: (userId, roleId) =>
      change(function* () {
        return (yield* run(sql`DELETE FROM auth_members WHERE user_id = ${userId} AND role_id = ${roleId}`)) > 0;
      }),
    membersOf: (roleId) =>
      c.read(function* () {
        const rows = yield* all<{ id: number; user_id: number }>(
          sql`SELECT id, user_id FROM auth_members WHERE role_id = ${roleId} ORDER BY id`,
        );
        return rows.map(({ id, user_id: userId }): Membership => ({ id, userId, roleId }));
      }),
  };
}

function* insertGrant(grant: NewGrant, conflict: Sql): Work<Grant | undefined> {
  const { roleId, resourceType, resourcePattern, permission } = grant;
  const row = yield* get<GrantRow>(
    sql`INSERT INTO auth_grants (role_id, resource_type, resource_pattern, permission)
      VALUES (${roleId}, ${resourceType}, ${resourcePattern}, ${permission})
      ON CONFLICT (role_id, resource_type, resource_pattern) ${conflict} RETURNING *`,
  );
  return row === undefined ? undefined : toGrant(row);
}

function grantsHalf(
  first: First,
  change: Change,
): Half<'addGrant' | 'putGrant' | 'findGrant' | 'updateGrant' | 'removeGrant' | 'moveGrants'> {
  return {
    addGrant: (grant) =>
      change(function* () {
        const made = yield* insertGrant(grant, raw('DO NOTHING'));
        if (made !== undefined) return made;
        const { roleId, resourceType, resourcePattern } = grant;
        throw taken(
          `Role permission (role_id=${roleId}, resource_type=${resourceType}, resource_pattern=${resourcePattern}) already exists.`,
        );
      }),
    putGrant: (grant) =>
      change(function* () {
        yield* insertGrant(grant, raw('DO UPDATE SET permission = excluded.permission'));
      }),
    findGrant: (id) => first(sql`SELECT * FROM auth_grants WHERE id = ${id}`, toGrant),
    updateGrant: (id, permission) =>
      change(function* () {
        yield* run(sql`UPDATE auth_grants SET permission = ${permission} WHERE id = ${id}`);
      }),
    removeGrant: (id) =>
      change(function* () {
        yield* run(sql`DELETE FROM auth_grants WHERE id = ${id}`);
      }),
    moveGrants: (resourceType, resourcePattern, renamed) =>
      change(function* () {
        const own = sql`resource_type = ${resourceType} AND role_id IN (
          SELECT id FROM auth_roles WHERE name LIKE '\\_\\_user\\_%' ESCAPE '\\')`;
        if (renamed === undefined) {
          yield* run(sql`DELETE FROM auth_grants WHERE resource_pattern = ${resourcePattern} AND ${own}`);
          return;
        }
        yield* run(sql`DELETE FROM auth_grants WHERE resource_pattern = ${renamed} AND ${own}`);
        yield* run(
          sql`UPDATE auth_grants SET resource_pattern = ${renamed} WHERE resource_pattern = ${resourcePattern} AND ${own}`,
        );
      }),
  };
}

interface TokenRow extends Omit<StoredToken, 'userId' | 'lastUsed'> {
  readonly user_id: number;
  readonly last_used: number;
}

function tokensHalf(
  c: Context,
  first: First,
  change: Change,
): Half<'addToken' | 'findToken' | 'listTokens' | 'removeToken' | 'touchToken'> {
  const toToken = ({ user_id: userId, last_used: lastUsed, ...rest }: TokenRow): StoredToken => ({
    ...rest,
    userId,
    lastUsed,
  });
  return {
    addToken: (token) =>
      c.write(function* () {
        const { id, userId, name, kind, hash, scopes, created, expires, lastUsed } = token;
        yield* run(
          sql`INSERT INTO auth_tokens (id, user_id, name, kind, hash, scopes, created, expires, last_used)
            VALUES (${id}, ${userId}, ${name}, ${kind}, ${hash}, ${scopes}, ${created}, ${expires}, ${lastUsed})`,
        );
      }),
    findToken: (id) => first(sql`SELECT * FROM auth_tokens WHERE id = ${id}`, toToken),
    listTokens: () =>
      c.read(function* () {
        return (yield* all<TokenRow>(sql`SELECT * FROM auth_tokens ORDER BY created, id`)).map(toToken);
      }),
    removeToken: (id) =>
      change(function* () {
        return (yield* run(sql`DELETE FROM auth_tokens WHERE id = ${id}`)) > 0;
      }),
    touchToken: (id, at) =>
      c.write(function* () {
        yield* run(sql`UPDATE auth_tokens SET last_used = ${at} WHERE id = ${id}`);
      }),
  };
}

function toUser(row: UserRow): User {
  const { id, username, kind, failures } = row;
  const { password_hash: passwordHash, locked_until: lockedUntil } = row;
  return { id, username, passwordHash, isAdmin: row.is_admin !== 0, kind, failures, lockedUntil };
}

function toGrant(row: GrantRow): Grant {
  const { id, permission } = row;
  const { role_id: roleId, resource_type: resourceType, resource_pattern: resourcePattern } = row;
  return { id, roleId, resourceType, resourcePattern, permission };
}

function taken(message: string): MlopsError {
  return new MlopsError('resource_exists', message);
}

function missing(message: string): MlopsError {
  return new MlopsError('resource_missing', message);
}
