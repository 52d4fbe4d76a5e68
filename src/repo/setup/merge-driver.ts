import * as fs from 'node:fs';

import { compareCodePoints, MlopsError, writeFileAtomic } from '../../base/index.ts';
import { isDirectoryId, manifestId, objectPath, readManifest, writeManifest, type TreeFile } from '../../data/index.ts';
import { formatDvcFile, parseDvcFile, type ContentInfo, type Out, type Stage } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';

export interface MergeFiles {
  readonly ancestor: string;
  /** Gets the result. */
  readonly our: string;
  readonly their: string;
}

/**
 * Git's merge driver for `.dvc` files: two versions of a tracked folder are merged file by file against
 * their common ancestor. The result is written over `our`.
 *
 * @throws MlopsError `merge_conflict` when both sides changed the same file, or an output that is no folder.
 */
export function mergeDvcFiles(repo: DataRepo, files: MergeFiles): void {
  const read = (file: string): Stage => parseDvcFile(fs.readFileSync(file, 'utf8'), 'merged.dvc', repo.root);
  const our = read(files.our);
  const outs = mergeOuts(repo, read(files.ancestor), our, read(files.their));
  writeFileAtomic(files.our, formatDvcFile({ ...our, outs }, fs.readFileSync(files.our, 'utf8')));
}

function mergeOuts(repo: DataRepo, ancestor: Stage, our: Stage, their: Stage): Out[] {
  return our.outs.map((out, i) => {
    const theirs = their.outs[i];
    const before = ancestor.outs[i];
    if (theirs === undefined || theirs.defPath !== out.defPath || our.outs.length !== their.outs.length) {
      throw conflict('unable to auto-merge .dvc files with different outputs');
    }
    if (theirs.info?.md5 === out.info?.md5 || theirs.info?.md5 === before?.info?.md5) return out;
    if (out.info?.md5 === before?.info?.md5) return { ...out, info: theirs.info };
    return { ...out, info: mergeFolders(repo, before?.info, out.info, theirs.info) };
  });
}

function mergeFolders(
  repo: DataRepo,
  before: ContentInfo | undefined,
  our: ContentInfo | undefined,
  their: ContentInfo | undefined,
): ContentInfo {
  const base = before === undefined ? new Map<string, TreeFile>() : listing(repo, before);
  const merged = mergeListings(base, listing(repo, our), listing(repo, their));
  const tree = [...merged.values()].sort((a, b) => compareCodePoints(a.relpath, b.relpath));
  const md5 = manifestId(tree);
  writeManifest(repo.data, { md5, hashName: 'md5' }, () => tree);
  const sizes = tree.map(
    (file) => fs.statSync(objectPath(repo.data.cacheDir, file.md5, 'md5'), { throwIfNoEntry: false })?.size,
  );
  const known = sizes.filter((size) => size !== undefined);
  const size = known.length === sizes.length ? { size: known.reduce((sum, item) => sum + item, 0) } : {};
  return { md5, hashName: 'md5', ...size, nfiles: tree.length };
}

/** @throws MlopsError `merge_conflict` */
export function mergeListings(
  base: ReadonlyMap<string, TreeFile>,
  our: ReadonlyMap<string, TreeFile>,
  their: ReadonlyMap<string, TreeFile>,
): Map<string, TreeFile> {
  const merged = new Map(our);
  const clashes: string[] = [];
  for (const name of new Set([...base.keys(), ...our.keys(), ...their.keys()])) {
    const [old, mine, theirs] = [base.get(name), our.get(name), their.get(name)];
    if (theirs?.md5 === old?.md5 || theirs?.md5 === mine?.md5) continue;
    if (mine?.md5 !== old?.md5) clashes.push(name);
    else if (theirs === undefined) merged.delete(name);
    else merged.set(name, theirs);
  }
  if (clashes.length > 0) throw conflict(`unable to auto-merge the following paths:\n${clashes.sort().join('\n')}`);
  return merged;
}

function listing(repo: DataRepo, info: ContentInfo | undefined): Map<string, TreeFile> {
  if (info?.md5 === undefined || !isDirectoryId(info.md5)) {
    throw conflict('unable to auto-merge outputs that are not directories');
  }
  return new Map(
    readManifest(repo.data, { md5: info.md5, hashName: info.hashName }).map((file) => [file.relpath, file]),
  );
}

function conflict(message: string): MlopsError {
  return new MlopsError('merge_conflict', message, {
    hint: 'choose a side with `git checkout --ours FILE` or `--theirs`, then `mlops checkout`',
  });
}
