/** Stores of blobs by key, one port and its kinds, opened by URL. */
export type {
  BlobFacts,
  BlobInfo,
  BlobKey,
  BlobStore,
  DownloadOptions,
  LevelEntry,
  TransferOptions,
} from './blob-store.ts';
export { localStore, type LocalStoreOptions } from './local-store.ts';
export { memoryStore } from './memory-store.ts';
export { openStore, withoutSecrets } from './open-store.ts';
export type { RemoteOptions } from './remote-options.ts';
