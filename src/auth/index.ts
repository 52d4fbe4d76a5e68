/**
 * API keys: hashed, scoped, revocable without a restart.
 *
 * Words: a *secret* is shown once, when its key is made; a *scope* (`predict`, `admin`) is what a key allows.
 * Never: keeps or logs a secret.
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
