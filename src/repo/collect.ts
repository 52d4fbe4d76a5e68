import * as fs from 'node:fs';

import { isSystemError, type MlopsError } from '../base/index.ts';
import { isMlopsError } from '../base/index.ts';
import type { Tree, TreePath } from '../git/index.ts';
import { pipelineFileName, type PipelineFile, type Stage } from '../project/index.ts';

/** How stage files are found and read; made from an open project, or from memory in tests. */
export interface CollectSource {
  readonly tree: Tree;
  /** `.dvcignore` and DVC's own rules. */
  ignored(path: TreePath, isDirectory: boolean): boolean;
  /** Git's rules, for all entries of one directory at once: stage files and folders ignored by Git are passed over. */
  ignoredByGit(paths: readonly TreePath[]): ReadonlySet<TreePath>;
  /** Throws on broken files. */
  openPipeline(file: TreePath): PipelineFile;
  /** The stage of a `.dvc` file. Throws on broken files. */
  readData(file: TreePath): Stage;
}

/** Everything that stage files of a project say. */
export interface Collected {
  /** In DVC's order: directory by directory, files as the file system lists them, stages in file order. */
  readonly stages: readonly Stage[];
  readonly pipelines: readonly PipelineFile[];
}

/**
 * Finds and reads all `dvc.yaml` and `.dvc` files. Tracked folders are not searched, nor is anything that
 * `.dvcignore` or Git ignores.
 *
 * @param onError gets the error of a file that cannot be read, which is then left out; without it the error is thrown.
 */
export function collectStages(source: CollectSource, onError?: (file: TreePath, error: MlopsError) => void): Collected {
  const stages: Stage[] = [];
  const pipelines: PipelineFile[] = [];
  const outs = new Set<TreePath>();
  const visit = (dir: TreePath): void => {
    const found = listInOrder(source.tree, dir).filter(({ path, isDirectory }) => !source.ignored(path, isDirectory));
    const files = found.filter((entry) => !entry.isDirectory && isStageFile(entry.name));
    const skipped = skippedByGit(source, found, files);
    for (const { path, name } of files) {
      if (skipped.has(path)) continue;
      const before = stages.length;
      guarded(path, onError, () => readFile(source, path, name, stages, pipelines));
      for (const stage of stages.slice(before))
        for (const out of stage.outs) if (out.path !== undefined) outs.add(out.path);
    }
    for (const { path, isDirectory, isLink } of found) {
      if (isDirectory && !isLink && !outs.has(path) && !skipped.has(`${path}/`)) visit(path);
    }
  };
  visit('');
  return { stages, pipelines };
}

function readFile(
  source: CollectSource,
  file: TreePath,
  name: string,
  stages: Stage[],
  pipelines: PipelineFile[],
): void {
  if (name !== pipelineFileName) {
    stages.push(source.readData(file));
    return;
  }
  const pipeline = source.openPipeline(file);
  const own = pipeline.stages();
  // Top-level sections are resolved with the file, so that what is wrong with them is told with it.
  pipeline.files('metrics');
  pipeline.files('params');
  pipeline.plots();
  pipeline.artifacts();
  stages.push(...own);
  pipelines.push(pipeline);
}

function guarded(
  file: TreePath,
  onError: ((file: TreePath, error: MlopsError) => void) | undefined,
  work: () => void,
): void {
  try {
    work();
  } catch (error) {
    if (onError === undefined || !isMlopsError(error)) throw error;
    onError(file, error);
  }
}

export function isStageFile(name: string): boolean {
  return name === pipelineFileName || (name.endsWith('.dvc') && name !== '.dvc');
}

interface Found {
  readonly name: string;
  readonly path: TreePath;
  readonly isDirectory: boolean;
  readonly isLink: boolean;
}

/** Git is asked only where there is something to ask about: stage files and folders that may hold some. */
function skippedByGit(source: CollectSource, found: readonly Found[], files: readonly Found[]): ReadonlySet<TreePath> {
  const folders = found.filter((entry) => entry.isDirectory && !entry.isLink).map(({ path }) => `${path}/`);
  const asked = [...files.map(({ path }) => path), ...folders];
  return asked.length === 0 ? new Set() : source.ignoredByGit(asked);
}

/**
 * Entries in the order in which the file system gives them. That is DVC's order, and it decides which of two
 * independent stages runs first; other trees are in name order.
 */
function listInOrder(tree: Tree, dir: TreePath): Found[] {
  const at = (name: string): TreePath => (dir === '' ? name : `${dir}/${name}`);
  if (tree.root === undefined) {
    return tree
      .list(dir)
      .map(({ name, kind }) => ({ name, path: at(name), isDirectory: kind === 'dir', isLink: kind === 'link' }));
  }
  const entries: Found[] = [];
  try {
    const handle = fs.opendirSync(dir === '' ? tree.root : `${tree.root}/${dir}`);
    try {
      for (let item = handle.readSync(); item !== null; item = handle.readSync()) {
        entries.push({
          name: item.name,
          path: at(item.name),
          isDirectory: item.isDirectory(),
          isLink: item.isSymbolicLink(),
        });
      }
    } finally {
      handle.closeSync();
    }
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
  }
  return entries;
}
