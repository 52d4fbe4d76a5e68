/** Content-addressed data: digests by a stat index, the cache, links, checkout, transfer, fsck, gc. */
export { applyCheckout, checkoutOut, refuseUnsaved, rememberLink, type CheckoutOptions } from './checkout.ts';
export { planCheckout, type CheckoutPlan, type PlanOptions } from './checkout-plan.ts';
export { commitOut, hashPath, readManifest, writeManifest, type CommitOptions } from './commit.ts';
export { isDirectoryId, type Content, type HashName, type TreeFile } from './content.ts';
export { openData, type DataContext, type DataSettings, type WorkOptions } from './context.ts';
export { createStreamDigest, digestFile, digestOf } from './digest.ts';
export { missingObjects } from './file.ts';
export { idOfKey, listObjects, objectKey, objectPath } from './layout.ts';
export { defaultLinkTypes, type LinkType } from './links.ts';
export { formatManifest, parseManifest } from './manifest.ts';
export { findUnusedLinks, removeOut, unprotect } from './remove.ts';
export { makeStateDir } from './stat-index.ts';
export { objectExists, statusOf, type ContentStatus } from './status.ts';
export { contentOfTree, readTree, type WorkspaceTree } from './tree.ts';
export type { IgnoreRule } from './walk.ts';
