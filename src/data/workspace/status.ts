import * as fs from 'node:fs';

import { isMlopsError } from '../../base/index.ts';
import { hashPath } from './commit.ts';
import { readManifestDigests } from './manifest-file.ts';
import { isDirectoryId, type Content } from '../ids/content.ts';
import type { DataContext, WorkOptions } from '../context/context.ts';
import { missingObjects } from './file.ts';

export type ContentStatus = 'new' | 'modified' | 'deleted' | 'not in cache';

/**
 * How a dep or out differs from what was recorded, in DVC's words; undefined when it does not.
 * For cached outs a recorded object (or one of a directory's) that the cache lacks comes first.
 */
export async function statusOf(
  ctx: DataContext,
  target: string,
  recorded: Content | undefined,
  options: WorkOptions & { readonly cached: boolean },
): Promise<ContentStatus | undefined> {
  if (recorded !== undefined && options.cached && !objectExists(ctx, recorded)) return 'not in cache';
  if (!fs.existsSync(target)) return 'deleted';
  if (recorded === undefined) return 'new';
  const current = await hashPath(ctx, target, { ...options, hashName: recorded.hashName });
  if (current === undefined) return 'deleted';
  return current.md5 === recorded.md5 ? undefined : 'modified';
}

/** Whether the cache has an object, and for a directory all of its files. */
export function objectExists(ctx: DataContext, content: Content): boolean {
  if (!ctx.hasObject(content.md5, content.hashName)) return false;
  if (!isDirectoryId(content.md5)) return true;
  if (ctx.complete.has(content.md5, content.hashName)) return true;
  const files = filesOf(ctx, content);
  if (files === undefined || missingObjects(ctx, content.hashName, files).size > 0) return false;
  ctx.complete.add(content.md5, content.hashName);
  return true;
}

/** A manifest that is broken is as good as absent. */
function filesOf(ctx: DataContext, content: Content): string[] | undefined {
  try {
    return readManifestDigests(ctx, content);
  } catch (error) {
    if (isMlopsError(error, 'corrupt_object')) return undefined;
    throw error;
  }
}
