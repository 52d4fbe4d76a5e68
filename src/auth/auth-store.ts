/** Who may sign in: a person with a password, or a service that only has tokens. */
export interface User {
  readonly id: number;
  readonly username: string;
  /** Empty: nobody can sign in with a password. */
  readonly passwordHash: string;
  readonly isAdmin: boolean;
  readonly kind: 'person' | 'service';
  /** Wrong passwords in a row. */
  readonly failures: number;
  /** Milliseconds since 1970 until which no password is tried; 0 for none. */
  readonly lockedUntil: number;
}

/** A named set of grants; a group is a role with members. */
export interface Role {
  readonly id: number;
  readonly name: string;
  readonly workspace: string;
  readonly description: string | undefined;
  readonly permissions: readonly Grant[];
}

export interface Grant {
  readonly id: number;
  readonly roleId: number;
  readonly resourceType: string;
  /** An id or a name, or `*`. */
  readonly resourcePattern: string;
  readonly permission: string;
}

export interface Membership {
  readonly id: number;
  readonly userId: number;
  readonly roleId: number;
}

/** A secret that stands for a user: of a program, or the session of a browser. */
export interface StoredToken {
  readonly id: string;
  readonly userId: number;
  readonly name: string;
  readonly kind: 'token' | 'session';
  /** SHA-256 of the whole secret, hex. */
  readonly hash: string;
  /** By commas: read, write, admin, predict. */
  readonly scopes: string;
  /** Milliseconds since 1970; 0: never. */
  readonly created: number;
  readonly expires: number;
  readonly lastUsed: number;
}

/** A line of the audit log. */
export interface AuditEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly who: string;
  readonly what: string;
  readonly target: string;
  /** Address of the caller. */
  readonly from: string;
  readonly result: string;
}

export type NewGrant = Omit<Grant, 'id'>;

/**
 * Port: users, roles, grants, tokens and the audit log. Names that are taken throw MlopsError `resource_exists`, ids
 * that are absent `resource_missing`, in the words of MLflow's server.
 */
export interface AuthStore {
  /** Changes whenever users, roles, grants or tokens did, in any process. */
  revision(): Promise<number>;
  countUsers(): Promise<number>;
  createUser(user: Pick<User, 'username' | 'passwordHash' | 'isAdmin' | 'kind'>): Promise<User>;
  findUser(username: string): Promise<User | undefined>;
  userById(id: number): Promise<User | undefined>;
  listUsers(): Promise<readonly User[]>;
  updateUser(
    id: number,
    change: Partial<Pick<User, 'passwordHash' | 'isAdmin' | 'failures' | 'lockedUntil'>>,
  ): Promise<void>;
  /** With what is only theirs: grants, memberships, tokens. */
  deleteUser(id: number): Promise<void>;
  createRole(role: Pick<Role, 'name' | 'workspace' | 'description'>): Promise<Role>;
  findRole(id: number): Promise<Role | undefined>;
  roleNamed(workspace: string, name: string): Promise<Role | undefined>;
  listRoles(workspaces?: readonly string[]): Promise<readonly Role[]>;
  updateRole(
    id: number,
    change: { readonly name?: string | undefined; readonly description?: string | undefined },
  ): Promise<void>;
  deleteRole(id: number): Promise<void>;
  rolesOf(userId: number): Promise<readonly Role[]>;
  addGrant(grant: NewGrant): Promise<Grant>;
  /** As `addGrant`, and replaces the permission of one that is there. */
  putGrant(grant: NewGrant): Promise<void>;
  findGrant(id: number): Promise<Grant | undefined>;
  updateGrant(id: number, permission: string): Promise<void>;
  removeGrant(id: number): Promise<void>;
  /** Takes a resource that is gone out of the grants of single users; with a new name it is renamed there. */
  moveGrants(resourceType: string, resourcePattern: string, renamed?: string): Promise<void>;
  addMember(userId: number, roleId: number): Promise<Membership>;
  /** @returns whether it was there. */
  removeMember(userId: number, roleId: number): Promise<boolean>;
  membersOf(roleId: number): Promise<readonly Membership[]>;
  addToken(token: StoredToken): Promise<void>;
  findToken(id: string): Promise<StoredToken | undefined>;
  listTokens(): Promise<readonly StoredToken[]>;
  removeToken(id: string): Promise<boolean>;
  touchToken(id: string, at: number): Promise<void>;
  addAudit(entry: AuditEntry): Promise<void>;
  /** The newest last; at most `limit`, before entry number `before`. */
  listAudit(query: {
    readonly limit: number;
    readonly after?: number | undefined;
  }): Promise<readonly (AuditEntry & { readonly n: number })[]>;
}

/** Name of the role that holds what was granted to one user. */
export function ownRoleName(userId: number): string {
  return `__user_${userId}__`;
}
