/** API keys: hashed, scoped, revocable without a restart. */
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
