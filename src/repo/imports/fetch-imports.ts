import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, MlopsError } from '../../base/index.ts';
import {
  commitOut,
  type Content,
  isDirectoryId,
  type MoveResult,
  objectExists,
  readManifest,
  type TransferOptions,
  withoutPlaces,
} from '../../data/index.ts';
import type { Out, RepoSource, Stage } from '../../project/index.ts';
import { withoutSecrets } from '../../storage/index.ts';
import { privateSubfolder } from '../../trust/index.ts';
import { contentOf } from '../open/content-of.ts';
import { copyOut } from '../sources/copy-out.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { openForeignRepo, type ForeignRepo } from '../sources/foreign-repo.ts';
import { recordedOptions } from '../sources/import-source.ts';

interface Wanted {
  readonly source: RepoSource;
  readonly path: string;
  readonly content: Content;
}

/**
 * Brings imported content that the cache lacks from the repositories it was imported from, as they were at
 * the recorded commit. A repository is opened once for all that comes from it.
 */
export async function fetchImports(
  repo: DataRepo,
  outs: readonly { readonly stage: Stage; readonly out: Out }[],
  options: TransferOptions & { readonly onWarning?: ((message: string) => void) | undefined },
): Promise<MoveResult> {
  const groups = new Map<string, Wanted[]>();
  for (const { stage, out } of outs) {
    const [dep] = stage.deps;
    const content = contentOf(out.info);
    if (dep?.repo === undefined || content === undefined || objectExists(repo.data, content)) continue;
    const key = `${dep.repo.url}\0${dep.repo.revLock ?? ''}\0${JSON.stringify(recordedOptions(dep.repo))}`;
    groups.set(key, [...(groups.get(key) ?? []), { source: dep.repo, path: dep.defPath, content }]);
  }
  const moved: string[] = [];
  const failures: MoveResult['failures'][number][] = [];
  for (const group of groups.values()) {
    try {
      const result = await fetchGroup(repo, group, options);
      moved.push(...result.moved);
      failures.push(...result.failures);
    } catch (error) {
      // A source that cannot be reached does not keep the rest from being fetched, and is no failure for DVC.
      if (!isMlopsError(error) || !unreachable.has(error.code)) throw error;
      options.onWarning?.(`cannot fetch ${group.map((item) => `'${item.path}'`).join(', ')}: ${error.message}`);
      failures.push(
        ...group.map(({ content }) => ({ ...content, reason: 'missing' as const, message: error.message })),
      );
    }
  }
  return { moved, failures };
}

const unreachable: ReadonlySet<string> = new Set(['git_failed', 'unknown_revision', 'not_a_git_repo']);

async function fetchGroup(repo: DataRepo, group: readonly Wanted[], options: TransferOptions): Promise<MoveResult> {
  const [first] = group;
  if (first === undefined) return { moved: [], failures: [] };
  const { source } = first;
  const before = new Set(repo.data.objects('md5'));
  const moved: string[] = [];
  const failures: MoveResult['failures'][number][] = [];
  const { revLock: rev } = source;
  const { signal, onProgress, jobs } = options;
  const foreign = await openForeignRepo(repo.cwd, source.url, {
    ...recordedOptions(source),
    rev,
    signal,
    onProgress,
    jobs,
  });
  try {
    for (const wanted of group) {
      const { md5, hashName } = wanted.content;
      try {
        await fetchOne(repo, foreign, wanted, options);
        const ids = isDirectoryId(md5) ? readManifest(repo.data, wanted.content).map((file) => file.md5) : [];
        // DVC counts files here, not the manifests of folders.
        moved.push(...(isDirectoryId(md5) ? ids : [md5]).filter((id) => !before.has(id)));
      } catch (error) {
        if (!isMlopsError(error, 'transfer_failed') && !isMlopsError(error, 'object_missing')) throw error;
        failures.push({ md5, hashName, reason: 'failed', message: error.message });
      }
    }
  } finally {
    foreign.close();
  }
  return { moved: [...new Set(moved)], failures };
}

async function fetchOne(repo: DataRepo, foreign: ForeignRepo, wanted: Wanted, options: TransferOptions): Promise<void> {
  const { repo: inner, at } = foreign.find(wanted.path);
  const entry = await inner.view.entry(at);
  if (entry?.content?.md5 === wanted.content.md5) {
    await inner.bring(repo.data, [wanted.content]);
    return;
  }
  // Files of Git, or a mixture: made once more, and hashed on the way into the cache.
  if (entry !== undefined) {
    const folder = fs.mkdtempSync(path.join(privateSubfolder(repo.stateDir, 'tmp', { make: true }), 'import-'));
    // A folder of our own, where no output may lie.
    const staging = withoutPlaces(repo.data);
    try {
      const place = path.join(folder, 'content');
      await copyOut(inner, entry, place, { signal: options.signal, into: staging });
      await commitOut(staging, place, { signal: options.signal, relink: false });
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
  if (objectExists(repo.data, wanted.content)) return;
  throw new MlopsError(
    'object_missing',
    `'${wanted.path}' of '${withoutSecrets(foreign.url)}' does not have the recorded content`,
  );
}
