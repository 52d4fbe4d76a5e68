import * as fs from 'node:fs';

import { isSystemError } from '../../base/index.ts';
import { isDirectoryId } from '../ids/content.ts';
import type { DataContext, WorkOptions } from '../context/context.ts';
import { digestFile } from '../ids/digest.ts';
import { listObjects, objectPath } from '../ids/layout.ts';
import { cannotClone, placeAtomically } from '../jobs/place-file.ts';

export interface Migration {
  /** Objects that are now also there under their DVC 3 name. */
  readonly migrated: readonly string[];
  /** Objects whose content is not what their name promises: they stay where they are. */
  readonly corrupt: readonly string[];
}

/** How many objects of DVC 2 the cache holds. */
export function countLegacy(ctx: DataContext): number {
  return listObjects(ctx.cacheDir, 'md5-dos2unix').size;
}

/**
 * Gives every object of DVC 2's layout its DVC 3 name too: the digest of its raw bytes below `files/md5`,
 * hard-linked where the file system can (nothing takes more space), copied where not. DVC 2's names stay,
 * for the commits that know only those.
 */
export async function migrateObjects(ctx: DataContext, options: WorkOptions = {}): Promise<Migration> {
  const ids = [...listObjects(ctx.cacheDir, 'md5-dos2unix')];
  const migrated: string[] = [];
  const corrupt: string[] = [];
  for (const [done, id] of ids.entries()) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ name: 'migrating', unit: 'files', done, total: ids.length });
    const file = objectPath(ctx.cacheDir, id, 'md5-dos2unix');
    const suffix = isDirectoryId(id) ? '.dir' : '';
    if ((await digestFile(file, 'md5-dos2unix', options)) !== id.slice(0, 32)) {
      corrupt.push(file);
      continue;
    }
    const target = objectPath(ctx.cacheDir, `${await digestFile(file, 'md5', options)}${suffix}`, 'md5');
    if (fs.existsSync(target)) continue;
    placeAtomically(target, (temp) => linkOrCopy(file, temp, ctx.objectMode));
    migrated.push(target);
  }
  ctx.forgetObjects();
  return { migrated, corrupt };
}

function linkOrCopy(file: string, target: string, mode: number): void {
  try {
    fs.linkSync(file, target);
    return;
  } catch (error) {
    if (!isSystemError(error, 'EPERM', 'EMLINK', ...cannotClone)) throw error;
  }
  fs.copyFileSync(file, target, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
  fs.chmodSync(target, mode);
}
