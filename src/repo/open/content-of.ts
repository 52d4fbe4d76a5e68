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

/** What content is recognised by: its md5, for what a URL names the etag or checksum of its store. */
export function digestOf(info: ContentInfo | undefined): string | undefined {
  return info?.md5 ?? info?.etag ?? info?.checksum;
}
