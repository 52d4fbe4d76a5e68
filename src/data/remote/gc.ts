import * as fs from 'node:fs';

import type { BlobStore } from '../../storage/index.ts';
import { isMlopsError } from '../../base/index.ts';
import { readManifestDigests } from '../workspace/manifest-file.ts';
import { isDirectoryId, type Content, type HashName } from '../ids/content.ts';
import type { DataContext, WorkOptions } from '../context/context.ts';
import { listObjects, objectKey, objectPath } from '../ids/layout.ts';
import { clearStaging } from '../jobs/staging.ts';
import { remoteObjects } from './remote-objects.ts';

/**
 * Everything that the given contents need, by hash name: manifests and their files. `onUnreadable` is told of
 * manifests that the cache does not have (or not whole), whose files are therefore not among them.
 */
export function usedObjects(
  ctx: DataContext,
  contents: Iterable<Content>,
  onUnreadable?: (manifest: Content) => void,
): Map<HashName, Set<string>> {
  const used = new Map<HashName, Set<string>>([
    ['md5', new Set()],
    ['md5-dos2unix', new Set()],
  ]);
  for (const content of contents) {
    const ids = used.get(content.hashName);
    if (ids === undefined || ids.has(content.md5)) continue;
    ids.add(content.md5);
    if (!isDirectoryId(content.md5)) continue;
    const files = filesIfReadable(ctx, content);
    if (files === undefined) onUnreadable?.(content);
    for (const md5 of files ?? []) ids.add(md5);
  }
  return used;
}

function filesIfReadable(ctx: DataContext, content: Content): string[] | undefined {
  try {
    return readManifestDigests(ctx, content);
  } catch (error) {
    if (isMlopsError(error, 'object_missing') || isMlopsError(error, 'corrupt_object')) return undefined;
    throw error;
  }
}

/** Objects of the cache that nothing uses, manifests first: what is deleted first must not be needed by the rest. */
export function unusedLocal(ctx: DataContext, hashName: HashName, used: ReadonlySet<string>): string[] {
  return manifestsFirst([...listObjects(ctx.cacheDir, hashName)].filter((id) => !used.has(id)));
}

export async function unusedRemote(
  store: BlobStore,
  hashName: HashName,
  used: ReadonlySet<string>,
  options: WorkOptions = {},
): Promise<string[]> {
  const present = await remoteObjects(store, hashName, undefined, { jobs: 16, signal: options.signal });
  return manifestsFirst([...present].filter((id) => !used.has(id)));
}

function manifestsFirst(ids: readonly string[]): string[] {
  return [...ids.filter(isDirectoryId), ...ids.filter((id) => !isDirectoryId(id))];
}

export function removeLocal(
  ctx: DataContext,
  hashName: HashName,
  ids: readonly string[],
  options: WorkOptions = {},
): void {
  ids.forEach((id, i) => {
    if (i % 200 === 0) {
      options.signal?.throwIfAborted();
      options.onProgress?.({ name: 'removing', unit: 'files', done: i, total: ids.length });
    }
    fs.rmSync(objectPath(ctx.cacheDir, id, hashName), { force: true });
    ctx.verified.forget(id, hashName);
  });
  if (hashName === 'md5') clearStaging(ctx.cacheDir);
  ctx.forgetObjects();
}

export async function removeRemote(
  store: BlobStore,
  hashName: HashName,
  ids: readonly string[],
  options: WorkOptions = {},
): Promise<void> {
  for (let start = 0; start < ids.length; start += 1000) {
    options.onProgress?.({ name: 'removing from the remote', unit: 'files', done: start, total: ids.length });
    const keys = ids.slice(start, start + 1000).map((id) => objectKey(id, hashName));
    await store.remove(keys, { signal: options.signal });
  }
}
