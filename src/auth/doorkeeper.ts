import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

import { ownRoleName, type AuthStore, type Role, type StoredToken, type User } from './auth-store.ts';
import { checkPassword } from './passwords.ts';
import { allowed, checkGrant, type GrantLike, type PermissionName, type Requirement } from './permissions.ts';
import { tokenHash } from './tokens.ts';

/** Who calls, with all that decides what they may do. */
export interface Caller {
  readonly user: User;
  readonly roles: readonly Role[];
  /** What the roles grant in the default workspace. */
  readonly grants: readonly GrantLike[];
  /** What a token allows; undefined for a password, which allows all. */
  readonly scopes: ReadonlySet<string> | undefined;
  readonly token: StoredToken | undefined;
}

/** Wrong passwords in a row before a user is locked, and for how long: longer each time. */
const mostFailures = 10;
const lockBase = 30_000;
const longestLock = 15 * 60_000;

/** How long a change by another process may stay unseen. */
const freshness = 1000;
const mostRemembered = 10_000;

export const defaultWorkspace = 'default';

/**
 * Knows callers by what they send, and decides what they may do. Users, roles and tokens are kept in memory until the
 * store says that something changed; a password that was right is remembered by a keyed hash, so that a request with
 * one costs what a request with a token costs.
 */
export class Doorkeeper {
  readonly store: AuthStore;
  readonly fallback: PermissionName;
  readonly #secret = randomBytes(32);
  readonly #users = new Map<string, Omit<Caller, 'scopes' | 'token'> | undefined>();
  readonly #tokens = new Map<string, StoredToken | undefined>();
  readonly #right = new Map<string, string>();
  readonly #touched = new Map<string, number>();
  #revision = -1;
  #checkedAt = -Infinity;

  /** @param fallback what users may do with resources of which no grant speaks. */
  constructor(store: AuthStore, fallback: PermissionName) {
    this.store = store;
    this.fallback = fallback;
  }

  /** The caller with this name and password; undefined when they are not right. */
  async byPassword(username: string, password: string): Promise<Caller | undefined> {
    await this.#refresh();
    const known = await this.#known(username);
    const hash = known?.user.passwordHash ?? '';
    const mark = createHmac('sha256', this.#secret).update(`${hash}\n${password}`).digest('base64');
    if (known !== undefined && hash !== '' && this.#right.get(username) === mark) {
      return { ...known, scopes: undefined, token: undefined };
    }
    if (known !== undefined && known.user.lockedUntil > Date.now()) return undefined;
    const right = (await checkPassword(password, hash === '' ? undefined : hash)) && known !== undefined;
    // Logins of administrators with the password that everybody knows stay closed, also after a migration.
    if (!right || (known.user.isAdmin && password === 'password1234')) {
      if (known !== undefined) await this.#failed(known.user);
      return undefined;
    }
    if (known.user.failures > 0)
      await this.changed(this.store.updateUser(known.user.id, { failures: 0, lockedUntil: 0 }));
    remember(this.#right, username, mark);
    return { ...known, scopes: undefined, token: undefined };
  }

  /** The caller with this token; undefined when it is none, or is over. */
  async byToken(secret: string): Promise<Caller | undefined> {
    await this.#refresh();
    const [, id] = /^mlops_([0-9a-f]{12})_/.exec(secret) ?? [];
    if (id === undefined) return undefined;
    if (!this.#tokens.has(id)) remember(this.#tokens, id, await this.store.findToken(id));
    const token = this.#tokens.get(id);
    const same = timingSafeEqual(Buffer.from(tokenHash(secret)), Buffer.from(token?.hash ?? '0'.repeat(64)));
    const now = Date.now();
    if (token === undefined || !same || (token.expires !== 0 && token.expires < now)) return undefined;
    const user = await this.store.userById(token.userId);
    const known = user === undefined ? undefined : await this.#known(user.username);
    if (known === undefined) return undefined;
    if (now - Math.max(token.lastUsed, this.#touched.get(id) ?? 0) > 60_000) {
      remember(this.#touched, id, now);
      await this.store.touchToken(id, now);
    }
    return { ...known, scopes: token.kind === 'session' ? undefined : new Set(token.scopes.split(',')), token };
  }

  /** The caller of this name, whom somebody else has let in. */
  async byName(username: string): Promise<Caller | undefined> {
    await this.#refresh();
    const known = await this.#known(username);
    return known === undefined ? undefined : { ...known, scopes: undefined, token: undefined };
  }

  may(caller: Caller, requirements: readonly Requirement[]): boolean {
    return caller.user.isAdmin || allowed(caller.grants, requirements, this.fallback);
  }

  /** Gives one user a permission, in place of what they had on the same resource. */
  async grant(userId: number, grant: GrantLike): Promise<void> {
    checkGrant(grant);
    const roleId = await this.ownRole(userId);
    await this.changed(this.store.putGrant({ roleId, ...grant }));
  }

  /** The role that holds what is granted to one user; made when first needed. */
  async ownRole(userId: number): Promise<number> {
    const name = ownRoleName(userId);
    const found = await this.store.roleNamed(defaultWorkspace, name);
    if (found !== undefined) return found.id;
    try {
      const { id } = await this.store.createRole({ name, workspace: defaultWorkspace, description: undefined });
      await this.store.addMember(userId, id);
      return id;
    } catch (error) {
      // Another request made it at the same time.
      const made = await this.store.roleNamed(defaultWorkspace, name);
      if (made === undefined) throw error;
      return made.id;
    }
  }

  /** Waits for a change, and forgets what it may have changed. */
  async changed<Value>(change: Promise<Value>): Promise<Value> {
    try {
      return await change;
    } finally {
      this.#forget();
    }
  }

  #forget(): void {
    this.#users.clear();
    this.#tokens.clear();
    this.#checkedAt = -Infinity;
  }

  async #refresh(): Promise<void> {
    const now = performance.now();
    if (now - this.#checkedAt < freshness) return;
    const revision = await this.store.revision();
    if (revision !== this.#revision) this.#forget();
    this.#revision = revision;
    this.#checkedAt = now;
  }

  async #known(username: string): Promise<Omit<Caller, 'scopes' | 'token'> | undefined> {
    if (this.#users.has(username)) return this.#users.get(username);
    const user = await this.store.findUser(username);
    const roles = user === undefined ? [] : await this.store.rolesOf(user.id);
    const here = roles.filter(({ workspace }) => workspace === defaultWorkspace);
    const known = user === undefined ? undefined : { user, roles, grants: here.flatMap((role) => role.permissions) };
    // Names that nobody has are not kept: anybody can send any number of them.
    if (known !== undefined) remember(this.#users, username, known);
    return known;
  }

  async #failed(user: User): Promise<void> {
    const failures = user.failures + 1;
    const rounds = Math.floor(failures / mostFailures);
    const locks = failures % mostFailures === 0;
    const lockedUntil = locks ? Date.now() + Math.min(lockBase * 2 ** (rounds - 1), longestLock) : user.lockedUntil;
    await this.changed(this.store.updateUser(user.id, { failures, lockedUntil }));
  }
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (map.size >= mostRemembered) map.clear();
  map.set(key, value);
}
