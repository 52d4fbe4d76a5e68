import * as fs from 'node:fs';

import { isDirectoryId, objectPath, parseManifest } from '../../data/index.ts';
import { gitText, tryResolveRevision } from '../../git/index.ts';
import type { Stage } from '../../project/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import { lineageOf } from '../../repo/pipeline/lineage.ts';
import { folderFiles } from './folder-files.ts';
import type { ProjectStates } from './project-states.ts';
import type { FileRecord, Snapshots } from './snapshots.ts';

/** A path among the outs and deps of stages, or inside one that is a folder. */
export function fileIn(repo: DataRepo, stages: readonly Stage[], wanted: string): FileRecord | undefined {
  const entries = stages.flatMap((stage) => lineageOf(repo, stage));
  const own = entries.find((entry) => entry.path === wanted && entry.md5 !== undefined);
  if (own !== undefined) return { path: own.path, md5: own.md5, size: own.size };
  for (const out of stages.flatMap((stage) => stage.outs)) {
    if (out.path === undefined || !wanted.startsWith(`${out.path}/`)) continue;
    const relative = wanted.slice(out.path.length + 1);
    const file = folderFiles(repo, out.info?.md5 ?? '').find(({ relpath }) => relpath === relative);
    if (file !== undefined) return { path: wanted, md5: file.md5, size: undefined };
  }
  return undefined;
}

/** The contents that a path had in some states of the project, newest first. */
export function contentsOf(states: ProjectStates, wanted: string, revisions: readonly string[]): string[] {
  const found = new Set<string>();
  for (const revision of revisions) {
    const md5 = fileIn(states.repo, states.at(revision).stages, wanted)?.md5;
    if (md5 !== undefined) found.add(md5);
  }
  return [...found];
}

/** Where a content lies or lay: in the work tree and all commits, and in folders whose manifest is in the cache. */
export function pathsOf(md5: string, snapshots: Snapshots): string[] {
  const { states } = snapshots;
  if (states === undefined) return [];
  const { repo } = states;
  const found = new Set<string>();
  for (const revision of ['workspace', ...commitsWith(repo, md5)]) {
    const entries = states.at(revision).stages.flatMap((stage) => lineageOf(repo, stage));
    const own = entries.filter((entry) => entry.md5 === md5);
    if (own.length > 0) snapshots.ofState(revision);
    for (const entry of own) found.add(entry.path);
  }
  for (const { folder, files } of foldersWith(repo, md5)) {
    for (const parent of pathsOf(folder, snapshots)) for (const file of files) found.add(`${parent}/${file}`);
  }
  return [...found];
}

/** Commits that brought or took a text in `.dvc` and `dvc.lock` files. */
function commitsWith(repo: DataRepo, text: string): string[] {
  if (repo.gitRoot === undefined || tryResolveRevision(repo.root, 'HEAD') === undefined) return [];
  const args = ['log', '--all', '--format=%H', `-S${text}`, '--', ':(glob)**/*.dvc', ':(glob)**/dvc.lock'];
  return gitText(repo.root, args)
    .split('\n')
    .filter((line) => line !== '');
}

/** Folders in the cache that hold a content, with the files in them that are it. */
export function foldersWith(
  repo: DataRepo,
  md5: string,
): { readonly folder: string; readonly files: readonly string[] }[] {
  if (isDirectoryId(md5)) return [];
  const wanted = Buffer.from(md5);
  return (['md5', 'md5-dos2unix'] as const).flatMap((hashName) =>
    [...repo.data.objects(hashName)].filter(isDirectoryId).flatMap((folder) => {
      const content = fs.readFileSync(objectPath(repo.data.cacheDir, folder, hashName));
      if (!content.includes(wanted)) return [];
      const files = parseManifest(content, folder).filter((file) => file.md5 === md5);
      return files.length === 0 ? [] : [{ folder, files: files.map(({ relpath }) => relpath) }];
    }),
  );
}
