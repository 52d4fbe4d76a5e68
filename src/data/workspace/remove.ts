import * as fs from 'node:fs';

import type { DataContext, WorkOptions } from '../context/context.ts';
import { hashPath } from './commit.ts';
import { objectExists } from './status.ts';
import { replaceByLink } from '../jobs/links.ts';
import { walk } from '../index/walk.ts';

/** Deletes an output from the workspace; the cache keeps its content. */
export function removeOut(ctx: DataContext, target: string): void {
  ctx.places?.require(target);
  fs.rmSync(target, { recursive: true, force: true });
  if (target.startsWith(`${ctx.root}/`)) ctx.index.putLink(target.slice(ctx.root.length + 1), undefined);
}

/**
 * Turns links into copies, so that editing a file cannot change the cache.
 * @returns how many files were links.
 */
export function unprotect(ctx: DataContext, target: string, options: WorkOptions = {}): number {
  ctx.places?.require(target);
  if (!fs.statSync(target).isDirectory()) return unprotectFile(target) ? 1 : 0;
  let count = 0;
  for (const { path: directory, names } of walk(target, ctx.ignored, options.signal)) {
    for (const name of names) if (unprotectFile(`${directory}/${name}`)) count++;
  }
  return count;
}

function unprotectFile(file: string): boolean {
  const stat = fs.lstatSync(file);
  const mode = (fs.statSync(file).mode | 0o644 | 0o200) & 0o777;
  if (stat.isSymbolicLink() || stat.nlink > 1) {
    replaceByLink('copy', stat.isSymbolicLink() ? fs.realpathSync(file) : file, file, mode);
    return true;
  }
  if ((stat.mode & 0o200) === 0) fs.chmodSync(file, mode);
  return false;
}

/**
 * Outputs that were filled from the cache and are tracked no more, and whose content is what was put there
 * and is still in the cache: deleting them loses nothing. Others are forgotten, never deleted.
 */
export async function findUnusedLinks(ctx: DataContext, used: ReadonlySet<string>): Promise<string[]> {
  const unused: string[] = [];
  for (const [relative, md5] of ctx.index.links()) {
    if (used.has(relative)) continue;
    const target = `${ctx.root}/${relative}`;
    const inUse = [...used].some((other) => other.startsWith(`${relative}/`) || relative.startsWith(`${other}/`));
    if (!inUse && ctx.places?.allows(target) !== false && fs.existsSync(target) && (await isSavedAs(ctx, target, md5)))
      unused.push(target);
    else ctx.index.putLink(relative, undefined);
  }
  return unused;
}

async function isSavedAs(ctx: DataContext, target: string, md5: string): Promise<boolean> {
  for (const hashName of ['md5', 'md5-dos2unix'] as const) {
    if (!ctx.hasObject(md5, hashName)) continue;
    const current = await hashPath(ctx, target, { hashName });
    if (current?.md5 === md5) return objectExists(ctx, current);
  }
  return false;
}
