/**
 * Who calls, and what they may do: users with passwords, tokens and API keys, roles with grants, decisions.
 *
 * Words: a *secret* is shown once, when its key or token is made; a *scope* (`read`, `predict`, `admin`) is what one
 * allows; a *grant* gives a role a *permission* (READ to MANAGE, or DENY) on resources; a *requirement* is what an
 * act needs; the *doorkeeper* knows callers by what they send.
 * Never: keeps or logs a secret, or knows what a resource is.
 */
export {
  createKey,
  keyOf,
  keyVerifier,
  revokeKey,
  type KeyIdentity,
  type KeyScope,
  type KeyStore,
  type StoredKey,
} from './api-keys.ts';
export { fileKeyStore, memoryKeyStore } from './key-stores.ts';
export { ownRoleName } from './auth-store.ts';
export type { AuditEntry, AuthStore, Grant, Membership, NewGrant, Role, StoredToken, User } from './auth-store.ts';
export {
  checkGrant,
  checkType,
  governing,
  isPermission,
  permissionLevels,
  type Action,
  type GrantLike,
  type Key,
  type PermissionName,
  type Requirement,
} from './permissions.ts';
export { checkPassword, hashPassword, refuseWeakPassword } from './passwords.ts';
export { Doorkeeper, type Caller } from './doorkeeper.ts';
export { newToken } from './tokens.ts';
