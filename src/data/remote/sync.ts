import * as fs from 'node:fs';

import type { BlobStore } from '../../storage/index.ts';
import { isMlopsError } from '../../base/index.ts';
import { readManifest, readManifestDigests } from '../workspace/manifest-file.ts';
import { isDirectoryId, type Content, type HashName } from '../ids/content.ts';
import type { DataContext } from '../context/context.ts';
import { missingObjects } from '../workspace/file.ts';
import { warmLanes } from '../jobs/lanes.ts';
import { objectKey } from '../ids/layout.ts';
import { remoteObjects } from './remote-objects.ts';
import { moveObjects, type MoveResult, type ObjectFailure, type TransferOptions } from './transfer.ts';

const hashNames: readonly HashName[] = ['md5', 'md5-dos2unix'];

/** The contents of each hash name that they have. */
function* byHashName<Item extends Content>(contents: readonly Item[]): Iterable<[HashName, Item[]]> {
  for (const hashName of hashNames) {
    const own = contents.filter((content) => content.hashName === hashName);
    if (own.length > 0) yield [hashName, own];
  }
}

/** Objects by hash name, directories with their files. */
interface Closure {
  readonly files: Set<string>;
  readonly directories: Map<string, readonly string[]>;
}

/**
 * Sends what the remote lacks of these contents. Files go before the manifest of their directory, and a
 * manifest is sent only when all of its files are there: a directory on the remote is never promised
 * before it is whole. A file that the remote lost is sent again although its manifest is there.
 */
export async function pushContents(
  ctx: DataContext,
  store: BlobStore,
  contents: readonly Content[],
  options: TransferOptions = {},
): Promise<MoveResult> {
  const moved: string[] = [];
  const failures: ObjectFailure[] = [];
  for (const [hashName, own] of byHashName(contents)) {
    const closure = expand(ctx, own, failures);
    const all = [...closure.files, ...closure.directories.keys()];
    // Into a new folder everything goes.
    if (store.directory !== undefined && !fs.existsSync(store.directory)) warmLanes(all.length);
    const present = await remoteObjects(store, hashName, all, { jobs: options.jobs ?? 16, signal: options.signal });
    const lacking = [...closure.files].filter((id) => !present.has(id));
    const large = own.some(({ size }) => size === undefined || size >= largeFolder);
    const sent = await moveObjects(ctx, store, 'up', hashName, lacking, { ...options, large, name: 'pushing' });
    const failed = new Set(sent.failures.map(({ md5 }) => md5));
    const ready = [...closure.directories]
      .filter(([id, files]) => !present.has(id) && !files.some((file) => failed.has(file)))
      .map(([id]) => id);
    const manifests = await moveObjects(ctx, store, 'up', hashName, ready, {
      ...options,
      large: false,
      name: 'pushing folders',
    });
    moved.push(...sent.moved, ...manifests.moved);
    failures.push(...sent.failures, ...manifests.failures);
  }
  return { moved, failures };
}

/** Bytes that take longer to hash than the index takes to open. */
const largeFolder = 64 << 20;

/** A directory whose manifest the cache lacks cannot be sent; whether the remote has it is not looked up. */
function expand(ctx: DataContext, contents: readonly Content[], failures: ObjectFailure[]): Closure {
  const files = new Set<string>();
  const directories = new Map<string, readonly string[]>();
  for (const content of contents) {
    if (!isDirectoryId(content.md5)) files.add(content.md5);
    else if (!directories.has(content.md5)) {
      const children = childrenOf(ctx, content, failures);
      if (children === undefined) continue;
      directories.set(content.md5, children);
      for (const child of children) files.add(child);
    }
  }
  return { files, directories };
}

function childrenOf(ctx: DataContext, content: Content, failures: ObjectFailure[]): string[] | undefined {
  try {
    return readManifestDigests(ctx, content);
  } catch (error) {
    if (!isMlopsError(error, 'object_missing') && !isMlopsError(error, 'corrupt_object')) throw error;
    const reason = error.code === 'object_missing' ? 'missing' : 'corrupt';
    failures.push({ md5: content.md5, hashName: content.hashName, reason, message: error.message });
    return undefined;
  }
}

/** A content, or of a directory only the file or folder at this relative path. */
export type PartOfContent = Content & {
  readonly within?: string | undefined;
  /** Absolute path of the output that is to get this content and is not there yet. */
  readonly placedAt?: string | undefined;
};

/** Brings what the cache lacks of these contents: manifests first, to know their files. */
export async function fetchContents(
  ctx: DataContext,
  store: BlobStore,
  contents: readonly PartOfContent[],
  options: TransferOptions = {},
): Promise<MoveResult> {
  const moved: string[] = [];
  const failures: ObjectFailure[] = [];
  for (const [hashName, own] of byHashName(contents)) {
    const folders = new Set(own.map(({ md5 }) => md5).filter(isDirectoryId));
    const lackingFolders = [...missingObjects(ctx, hashName, folders), ...brokenManifests(ctx, hashName, folders)];
    const manifests = await moveObjects(ctx, store, 'down', hashName, lackingFolders, {
      ...options,
      name: 'fetching folders',
    });
    failures.push(...manifests.failures);
    moved.push(...manifests.moved);
    const unknown = new Set(manifests.failures.map(({ md5 }) => md5));
    const wanted = wantedFiles(
      ctx,
      own.filter(({ md5 }) => !unknown.has(md5)),
    );
    const files = await moveObjects(ctx, store, 'down', hashName, [...missingObjects(ctx, hashName, wanted.keys())], {
      ...options,
      name: 'fetching',
      isPlaced: placedFiles(ctx, own, wanted),
    });
    moved.push(...files.moved);
    failures.push(...(await markLost(store, files.failures, wanted)));
  }
  return { moved, failures };
}

/** Which files a checkout will copy to where nothing is; undefined where none are, or are linked. */
function placedFiles(
  ctx: DataContext,
  contents: readonly PartOfContent[],
  wanted: ReadonlyMap<string, readonly string[]>,
): ((md5: string) => boolean) | undefined {
  const placed = new Set(
    contents.flatMap(({ md5, placedAt }) => (placedAt !== undefined && ctx.spares.isBeside(placedAt) ? [md5] : [])),
  );
  if (placed.size === 0 || ctx.linkType() !== 'copy') return undefined;
  return (md5) => placed.has(md5) || wanted.get(md5)?.some((folder) => placed.has(folder)) === true;
}

/** Ids of files, each with the directories that it was wanted for. */
function wantedFiles(ctx: DataContext, contents: readonly PartOfContent[]): Map<string, string[]> {
  const wanted = new Map<string, string[]>();
  const want = (file: string, folder: string): void => {
    const folders = wanted.get(file);
    if (folders === undefined) wanted.set(file, [folder]);
    else folders.push(folder);
  };
  const whole = new Set<string>();
  for (const content of contents) {
    const { md5, within } = content;
    if (!isDirectoryId(md5)) {
      if (!wanted.has(md5)) wanted.set(md5, []);
    } else if (within !== undefined) {
      for (const file of readManifest(ctx, content)) {
        if (file.relpath === within || file.relpath.startsWith(`${within}/`)) want(file.md5, md5);
      }
    } else if (!whole.has(md5)) {
      whole.add(md5);
      for (const file of readManifestDigests(ctx, content)) want(file, md5);
    }
  }
  return wanted;
}

/** Tells what the remote never had from what it lost: a manifest there promises its files. */
async function markLost(
  store: BlobStore,
  failures: readonly ObjectFailure[],
  wanted: ReadonlyMap<string, readonly string[]>,
): Promise<ObjectFailure[]> {
  const promised = new Map<string, boolean>();
  const result: ObjectFailure[] = [];
  for (const failure of failures) {
    let lost = false;
    for (const folder of failure.reason === 'missing' ? (wanted.get(failure.md5) ?? []) : []) {
      const known = promised.get(folder) ?? (await store.exists(objectKey(folder, failure.hashName)));
      promised.set(folder, known);
      lost ||= known;
    }
    result.push(lost ? { ...failure, reason: 'lost' } : failure);
  }
  return result;
}

function brokenManifests(ctx: DataContext, hashName: HashName, folders: Iterable<string>): string[] {
  return [...folders].filter((md5) => {
    if (!ctx.hasObject(md5, hashName)) return false;
    try {
      readManifest(ctx, { md5, hashName });
      return false;
    } catch (error) {
      if (isMlopsError(error, 'corrupt_object')) return true;
      throw error;
    }
  });
}

/** How a content stands between cache and remote, in DVC's words. */
export type CloudStatus = 'ok' | 'new' | 'deleted' | 'missing';

/** Compares cache and remote object by object. `new`: only here. `deleted`: only there. `missing`: nowhere. */
export async function cloudStatus(
  ctx: DataContext,
  store: BlobStore,
  contents: readonly Content[],
  options: TransferOptions = {},
): Promise<(id: { md5: string; hashName: HashName }) => CloudStatus> {
  const remote = new Map<HashName, Set<string>>();
  // Where one listing is faster than a look at each.
  const isMany = new Set<HashName>();
  for (const [hashName, own] of byHashName(contents)) {
    const { files, directories } = expand(ctx, own, []);
    const ids = [...files, ...directories.keys(), ...own.map(({ md5 }) => md5)];
    if (ids.length > 200) isMany.add(hashName);
    remote.set(
      hashName,
      await remoteObjects(store, hashName, ids, { jobs: options.jobs ?? 16, signal: options.signal }),
    );
  }
  return ({ md5, hashName }) => {
    const here = isMany.has(hashName) ? ctx.objects(hashName).has(md5) : ctx.hasObject(md5, hashName);
    const there = remote.get(hashName)?.has(md5) === true;
    if (here) return there ? 'ok' : 'new';
    return there ? 'deleted' : 'missing';
  };
}
