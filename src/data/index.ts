/**
 * Content-addressed data: digests by a stat index, the cache, links, checkout, transfer, fsck, gc.
 *
 * Words: an *object* is content under its *id* (md5; `.dir` for a folder's *manifest*); *facts* are what tells a
 * change of a file without reading it (size, mtime, ctime, inode); a *lane* is a thread that hashes and copies; a
 * *plan* is a checkout that was compared and not yet done.
 * Never: loses a file that is in no cache, reads YAML, or knows stages.
 */
export { applyCheckout, checkoutOut, refuseUnsaved, rememberLink, type CheckoutOptions } from './workspace/checkout.ts';
export { planCheckout, type CheckoutPlan, type PlanOptions } from './workspace/checkout-plan.ts';
export { commitOut, hashPath, type CommitOptions } from './workspace/commit.ts';
export { isDirectoryId, type Content, type HashName, type TreeFile } from './ids/content.ts';
export { openData, withoutPlaces, type DataContext, type DataSettings, type WorkOptions } from './context/context.ts';
export { digestOf } from './ids/digest.ts';
export { missingObjects, fileContent } from './workspace/file.ts';
export { findObject, objectKey, objectPath } from './ids/layout.ts';
export type { LinkType } from './jobs/links.ts';
export { readManifest, writeManifest } from './workspace/manifest-file.ts';
export { manifestId, parseManifest } from './ids/manifest.ts';
export { countLegacy, migrateObjects, type Migration } from './workspace/migrate.ts';
export { findUnusedLinks, removeOut, unprotect } from './workspace/remove.ts';
export { objectExists, statusOf, type ContentStatus } from './workspace/status.ts';
export { readTree, type WorkspaceTree } from './workspace/tree.ts';
export type { IgnoreRule } from './index/walk.ts';
export { checkCache, checkRemote, readAgain, repair, type Finding, type ObjectState } from './remote/fsck.ts';
export { removeLocal, removeRemote, unusedLocal, unusedRemote, usedObjects } from './remote/gc.ts';
export { remoteObjects } from './remote/remote-objects.ts';
export { cloudStatus, fetchContents, pushContents, type CloudStatus, type PartOfContent } from './remote/sync.ts';
export { moveObjects, type MoveResult, type ObjectFailure, type TransferOptions } from './remote/transfer.ts';
