import * as fs from 'node:fs';

import type { TransferOptions } from '../../data/index.ts';
import type { ContentInfo, Dep, Out, Stage } from '../../project/index.ts';
import type { PlacedImports } from '../workspace/checkout.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { openForeignRepo } from '../sources/foreign-repo.ts';
import { fillFromRepo, fillFromUrl } from './import.ts';
import { fsConfigOf, recordedOptions, sourceOfDep } from '../sources/import-source.ts';
import { absoluteOut } from '../open/targets.ts';

/**
 * Imports that were made with `--no-download` have no hash to look up: `pull` gets them from their source, as
 * recorded, into the workspace and the cache. As with DVC nothing is written down; `update` does that.
 */
export async function placeImports(
  repo: DataRepo,
  selected: readonly { readonly stage: Stage; readonly out: Out }[],
  options: TransferOptions,
): Promise<PlacedImports> {
  const outs = new Set<Out>();
  const made: string[] = [];
  let files = 0;
  for (const { stage, out } of selected) {
    const [dep] = stage.deps;
    if (stage.kind !== 'data' || dep === undefined || !out.cache || out.info?.md5 !== undefined) continue;
    // Without a locked commit or facts of the source it was never more than a plan (`--no-exec`), which DVC carries
    // out for folders alone.
    const isPlan = dep.repo === undefined ? !hasFacts(dep.info) : dep.repo.revLock === undefined;
    if (isPlan && !(await isFolder(repo, stage, dep, options))) continue;
    outs.add(out);
    const target = absoluteOut(repo, out);
    if (fs.existsSync(target)) continue;
    const filled = await fill(repo, stage, target, options);
    made.push(target);
    files += filled.outs[0]?.info?.nfiles ?? 1;
  }
  return { outs, made, files };
}

async function isFolder(repo: DataRepo, stage: Stage, dep: Dep, options: TransferOptions): Promise<boolean> {
  if (dep.repo === undefined) {
    const { place } = sourceOfDep(repo, dep, stage.wdir);
    return fs.statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
  }
  const { url, rev } = dep.repo;
  const foreign = await openForeignRepo(repo.cwd, url, { ...options, ...recordedOptions(dep.repo), rev });
  try {
    const { repo: inner, at } = foreign.find(dep.defPath);
    return (await inner.view.entry(at))?.kind === 'dir';
  } finally {
    foreign.close();
  }
}

function hasFacts(info: ContentInfo | undefined): boolean {
  return (info?.md5 ?? info?.etag ?? info?.checksum ?? info?.versionId) !== undefined;
}

async function fill(repo: DataRepo, stage: Stage, target: string, options: TransferOptions): Promise<Stage> {
  const [dep] = stage.deps;
  if (dep?.repo === undefined) {
    if (dep === undefined) throw new Error(`'${stage.address}' has no source`);
    const source = sourceOfDep(repo, dep, stage.wdir);
    return fillFromUrl(repo, stage, target, source, { ...options, options: fsConfigOf(dep.info) });
  }
  const { url, rev, revLock = rev } = dep.repo;
  const foreign = await openForeignRepo(repo.cwd, url, { ...options, ...recordedOptions(dep.repo), rev: revLock });
  try {
    return await fillFromRepo(repo, stage, target, foreign, options);
  } finally {
    foreign.close();
  }
}
