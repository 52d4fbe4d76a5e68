import * as fs from 'node:fs';

import { isSystemError, type MlopsError } from '../../base/index.ts';
import { isMlopsError } from '../../base/index.ts';
import type { Tree, TreePath } from '../../git/index.ts';
import { pipelineFileName, type PipelineFile, type Stage } from '../../project/index.ts';
import { requirePlace } from '../../trust/index.ts';

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
  /** Throws when stages name a place that the project does not know. Default: never. */
  checkPlaces?(stages: readonly Stage[]): void;
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
 * Errors with `fatal` in their data, where DVC itself breaks down, are thrown all the same.
 */
export function collectStages(source: CollectSource, onError?: (file: TreePath, error: MlopsError) => void): Collected {
  const stages: Stage[] = [];
  const pipelines: PipelineFile[] = [];
  const outs = new Set<TreePath>();
  const search = new Search(source, outs);
  const visit = (dir: TreePath): void => {
    const found = search.list(dir);
    for (const { path, name, isDirectory } of found) {
      if (isDirectory || !isStageFile(name) || search.isSkipped(dir, path)) continue;
      const before = stages.length;
      guarded(path, onError, () => readFile(source, path, name, stages, pipelines));
      for (const stage of stages.slice(before))
        for (const out of stage.outs) if (out.path !== undefined) outs.add(out.path);
    }
    const folders = found.filter(({ isDirectory }) => isDirectory).map(({ path }) => path);
    const open = folders.filter((path) => !outs.has(path) && !search.isSkipped(dir, `${path}/`));
    search.askBelow(open);
    // Files deeper in one of them may name another as their output.
    for (const path of open) if (!outs.has(path)) visit(path);
  };
  visit('');
  return { stages, pipelines };
}

/**
 * What may matter in each folder, and what of it Git ignores. A question to Git costs a process, so it is asked
 * for all folders of one depth together: as many processes as the tree is deep, not as it has folders.
 */
class Search {
  readonly #source: CollectSource;
  readonly #outs: ReadonlySet<TreePath>;
  readonly #listings = new Map<TreePath, readonly Found[]>();
  readonly #asked = new Map<TreePath, ReadonlySet<TreePath>>();

  constructor(source: CollectSource, outs: ReadonlySet<TreePath>) {
    this.#source = source;
    this.#outs = outs;
  }

  /** Stage files and folders, links to folders left out, that `.dvcignore` lets through. */
  list(dir: TreePath): readonly Found[] {
    let found = this.#listings.get(dir);
    if (found === undefined) {
      found = listInOrder(this.#source.tree, dir).filter(
        (entry) => !this.#source.ignored(entry.path, entry.isDirectory),
      );
      this.#listings.set(dir, found);
    }
    return found;
  }

  /** @param asked an entry of that folder, a folder with a slash at its end. */
  isSkipped(dir: TreePath, asked: TreePath): boolean {
    if (!this.#asked.has(dir)) this.#ask([dir]);
    return this.#asked.get(dir)?.has(asked) ?? false;
  }

  /** Asks, depth by depth, about all that lies in these folders. */
  askBelow(folders: readonly TreePath[]): void {
    let level = folders.filter((path) => !this.#asked.has(path));
    while (level.length > 0) level = this.#ask(level);
  }

  /** Asks about these folders; returns those of the next depth. */
  #ask(level: readonly TreePath[]): TreePath[] {
    const entries = level.map((dir) => [dir, this.list(dir)] as const);
    const skipped = this.#source.ignoredByGit(
      entries.flatMap(([, found]) => found.map(({ path, isDirectory }) => (isDirectory ? `${path}/` : path))),
    );
    const next: TreePath[] = [];
    for (const [dir, found] of entries) {
      this.#asked.set(dir, skipped);
      const tracked = new Set(found.filter(({ isDirectory }) => !isDirectory).map(({ path }) => path));
      for (const { path, isDirectory } of found) {
        // What a `.dvc` file beside it will turn out to track may be huge, and will not be visited.
        const isOut = this.#outs.has(path) || tracked.has(`${path}.dvc`);
        if (isDirectory && !isOut && !skipped.has(`${path}/`)) next.push(path);
      }
    }
    return next;
  }
}

/** The stages of one file, whatever else the project holds. @throws MlopsError as `collectStages` does for it. */
export function readStageFile(source: CollectSource, file: TreePath): readonly Stage[] {
  const stages: Stage[] = [];
  readFile(source, file, file.slice(file.lastIndexOf('/') + 1), stages, []);
  return stages;
}

function readFile(
  source: CollectSource,
  file: TreePath,
  name: string,
  stages: Stage[],
  pipelines: PipelineFile[],
): void {
  if (name !== pipelineFileName) {
    const stage = source.readData(file);
    refuseForbidden([stage]);
    source.checkPlaces?.([stage]);
    stages.push(stage);
    return;
  }
  const pipeline = source.openPipeline(file);
  const own = pipeline.stages();
  refuseForbidden(own);
  source.checkPlaces?.(own);
  // Top-level sections are resolved with the file, so that what is wrong with them is told with it.
  pipeline.files('metrics');
  pipeline.files('params');
  pipeline.plots();
  pipeline.artifacts();
  // As arguments of one call, very many would not fit on the stack.
  for (const stage of own) stages.push(stage);
  pipelines.push(pipeline);
}

/** @throws MlopsError `forbidden_place`, in whatever repository and at whatever revision the file is. */
function refuseForbidden(stages: readonly Stage[]): void {
  for (const stage of stages)
    for (const { path } of stage.outs) if (path !== undefined) requirePlace(path, stage.address);
}

function guarded(
  file: TreePath,
  onError: ((file: TreePath, error: MlopsError) => void) | undefined,
  work: () => void,
): void {
  try {
    work();
  } catch (error) {
    if (onError === undefined || !isMlopsError(error) || error.data?.['fatal'] === true) throw error;
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
}

/**
 * Stage files and folders in the order in which the file system gives them. That is DVC's order, and it decides which
 * of two independent stages runs first; other trees are in name order.
 */
function listInOrder(tree: Tree, dir: TreePath): Found[] {
  const entries: Found[] = [];
  const take = (name: string, isDirectory: boolean): void => {
    if (isDirectory || isStageFile(name))
      entries.push({ name, path: dir === '' ? name : `${dir}/${name}`, isDirectory });
  };
  if (tree.root === undefined) {
    for (const { name, kind } of tree.list(dir)) take(name, kind === 'dir');
    return entries;
  }
  try {
    const handle = fs.opendirSync(dir === '' ? tree.root : `${tree.root}/${dir}`, { bufferSize: 512 });
    try {
      for (let item = handle.readSync(); item !== null; item = handle.readSync()) take(item.name, item.isDirectory());
    } finally {
      handle.closeSync();
    }
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
  }
  return entries;
}
