import { isMlopsError } from '../../base/index.ts';
import { isDirectoryId, readManifest, type TreeFile } from '../../data/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';

/** The files of a folder by its id; none of what is no folder, or whose list is not in the cache or broken. */
export function folderFiles(repo: Pick<DataRepo, 'data'>, md5: string): readonly TreeFile[] {
  if (!isDirectoryId(md5)) return [];
  for (const hashName of ['md5', 'md5-dos2unix'] as const) {
    try {
      return readManifest(repo.data, { md5, hashName });
    } catch (error) {
      if (!isMlopsError(error)) throw error;
    }
  }
  return [];
}
