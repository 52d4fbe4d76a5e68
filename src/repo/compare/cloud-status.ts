import {
  cloudStatus,
  isDirectoryId,
  missingObjects,
  moveObjects,
  readManifest,
  type CloudStatus,
  type Content,
  type HashName,
} from '../../data/index.ts';
import { isMlopsError } from '../../base/index.ts';
import { openStore, type BlobStore } from '../../storage/index.ts';
import { contentOf } from '../open/content-of.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { absoluteOut } from '../open/targets.ts';
import { isImport, selectedOuts, type TransferCommand } from '../sync/transfer.ts';
import { requireRemote } from '../open/require-remote.ts';
import * as path from 'node:path';

/** Objects by the name DVC shows them under, with how they stand between cache and remote. */
export type CloudReport = ReadonlyMap<string, Exclude<CloudStatus, 'ok'>>;

interface Named {
  readonly name: string;
  readonly md5: string;
  readonly hashName: HashName;
}

/**
 * `status -c`: what a push or fetch would move. @throws MlopsError `no_remote`, and those of the store.
 */
export async function compareWithRemote(repo: DataRepo, command: TransferCommand): Promise<CloudReport> {
  const outs = selectedOuts(repo, command).filter(
    ({ stage, out }) =>
      out.cache &&
      out.push &&
      !isImport(stage) &&
      out.info?.md5 !== undefined &&
      (out.remote === undefined || out.remote === command.remote),
  );
  // What was imported is in its source; where there is nothing else, no remote is looked for.
  if (outs.length === 0) return new Map();
  const remote = requireRemote(repo, command.remote);
  const store = await openStore(remote.url, remote.options);
  const report = new Map<string, Exclude<CloudStatus, 'ok'>>();
  try {
    const contents = outs.flatMap((item) => contentOf(item.out.info) ?? []);
    await fetchManifests(repo, store, contents, command);
    const named = firstNames(
      outs.flatMap((item) =>
        namedObjects(repo, path.relative(repo.cwd, absoluteOut(repo, item.out)), contentOf(item.out.info), item.within),
      ),
    );
    const stateOf = await cloudStatus(repo.data, store, contents, command);
    for (const wanted of ['deleted', 'new', 'missing'] as const) {
      for (const item of named) if (stateOf(item) === wanted) report.set(item.name, wanted);
    }
  } finally {
    await store.close();
  }
  return report;
}

/** Folders are compared file by file, so their manifests are needed here, as DVC fetches them. */
async function fetchManifests(
  repo: DataRepo,
  store: BlobStore,
  contents: readonly Content[],
  command: TransferCommand,
): Promise<void> {
  for (const hashName of ['md5', 'md5-dos2unix'] as const) {
    const ids = contents.filter((content) => content.hashName === hashName && isDirectoryId(content.md5));
    const lacking = [
      ...missingObjects(
        repo.data,
        hashName,
        ids.map(({ md5 }) => md5),
      ),
    ];
    await moveObjects(repo.data, store, 'down', hashName, lacking, { ...command, name: 'fetching folders' });
  }
}

/** DVC goes by objects: one that has several names is shown under the first. */
function firstNames(named: readonly Named[]): Named[] {
  const seen = new Set<string>();
  return named.filter(({ md5, hashName }) => {
    const id = `${hashName} ${md5}`;
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}

/** @param within only this part of a folder. */
function namedObjects(
  repo: DataRepo,
  shown: string,
  content: Content | undefined,
  within: string | undefined,
): Named[] {
  if (content === undefined) return [];
  const { md5, hashName } = content;
  const own = { name: shown, md5, hashName };
  if (!isDirectoryId(md5)) return [own];
  try {
    const wanted = readManifest(repo.data, content).filter(
      ({ relpath }) => within === undefined || relpath === within || relpath.startsWith(`${within}/`),
    );
    const files = wanted.map((file) => ({
      name: `${shown}/${file.relpath}`,
      md5: file.md5,
      hashName,
    }));
    return [own, ...files];
  } catch (error) {
    if (isMlopsError(error, 'object_missing') || isMlopsError(error, 'corrupt_object')) return [own];
    throw error;
  }
}
