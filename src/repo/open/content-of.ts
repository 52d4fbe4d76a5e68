import type { Content } from '../../data/index.ts';
import type { ContentInfo } from '../../project/index.ts';

/** The content a recorded entry names by md5; undefined when it names none. */
export function contentOf(info: ContentInfo | undefined): Content | undefined {
  if (info?.md5 === undefined) return undefined;
  return {
    md5: info.md5,
    hashName: info.hashName,
    ...(info.size === undefined ? {} : { size: info.size }),
    ...(info.nfiles === undefined ? {} : { nfiles: info.nfiles }),
    ...(info.isexec === undefined ? {} : { isexec: info.isexec }),
  };
}
