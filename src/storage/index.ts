/**
 * Stores of blobs by key: one port, its kinds (memory, folder, S3, HTTP), opened by URL.
 *
 * Words: a *blob* is bytes under a *key* (`files/md5/ab/cdef...`); a *kind* is an implementation of the port; what may
 * pass is `remote_unreachable` and tried again by a wrapper, what will not is `remote_denied`.
 * Never: knows what the bytes are, hashes them, or keeps a secret in a message.
 */
export type {
  BlobFacts,
  BlobInfo,
  BlobKey,
  BlobStore,
  DirectAccess,
  DownloadOptions,
  LevelEntry,
  TransferOptions,
} from './port/blob-store.ts';
export { localStore, type LocalStoreOptions } from './local/local-store.ts';
export { memoryStore } from './local/memory-store.ts';
export { openStore, withoutSecrets } from './open/open-store.ts';
export { flagOption, type RemoteOptions } from './port/remote-options.ts';
