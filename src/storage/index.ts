/** Stores of blobs by key, one port and its kinds, opened by URL. */
export type {
  BlobFacts,
  BlobInfo,
  BlobKey,
  BlobStore,
  DownloadOptions,
  LevelEntry,
  TransferOptions,
} from './port/blob-store.ts';
export { localStore, type LocalStoreOptions } from './local/local-store.ts';
export { memoryStore } from './local/memory-store.ts';
export { openStore, withoutSecrets } from './open/open-store.ts';
export type { RemoteOptions } from './port/remote-options.ts';
