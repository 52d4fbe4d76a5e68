import * as path from 'node:path';

import { MlopsError, type PyMap, type PyValue } from '../../base/index.ts';
import { findGitRoot, ignoredByGit, type Tree, type TreePath } from '../../git/index.ts';
import {
  IgnoreRules,
  lockFileOf,
  openPipelineFile,
  readDvcFile,
  readLockFile,
  type PipelineFile,
  type Stage,
} from '../../project/index.ts';
import { collectStages, type CollectSource } from '../open/collect.ts';
import { ReportFiles } from './report-files.ts';
import type { Revision } from '../open/revisions.ts';

/** Where a project is and where its cache is: all that metrics, params and plots need of it. */
export interface ReportProject {
  /** Absolute path of the project. */
  readonly root: string;
  /** Absolute path of the cache. */
  readonly cacheDir: string;
}

/** Top-level `plots` of one dvc.yaml. */
export interface PlotDefinitions {
  readonly file: TreePath;
  readonly plots: ReadonlyMap<string, PyMap>;
}

/** What one revision of a project declares to be shown, and the files to read it from. */
export interface Reports {
  readonly stages: readonly Stage[];
  readonly metricFiles: readonly TreePath[];
  readonly paramFiles: readonly TreePath[];
  readonly plots: readonly PlotDefinitions[];
  /** Values that templating took from files, by tree path of the file, flat keys. */
  readonly usedParams: ReadonlyMap<TreePath, ReadonlyMap<string, PyValue>>;
  readonly files: ReportFiles;
}

/** Reads what a revision declares; throws what its files are wrong in. */
export function openReports(project: ReportProject, revision: Revision): Reports {
  const tree = revision.tree();
  const rules = new IgnoreRules(tree);
  const { stages, pipelines } = collectStages(sourceOf(tree, rules));
  return {
    stages,
    metricFiles: pipelines.flatMap((pipeline) => pipeline.files('metrics')),
    paramFiles: pipelines.flatMap((pipeline) => pipeline.files('params')),
    plots: pipelines.map((pipeline) => ({ file: pipeline.file, plots: pipeline.plots() })),
    usedParams: collectUsed(pipelines),
    files: new ReportFiles(tree, rules, stages, project.cacheDir),
  };
}

function sourceOf(tree: Tree, rules: IgnoreRules): CollectSource {
  return {
    tree,
    ignored: (file, isDirectory) => rules.ignored(file, isDirectory),
    ignoredByGit: (paths) => gitIgnored(tree, paths),
    openPipeline(file) {
      const pipeline = openPipelineFile(tree, file, { lock: (of) => readLockFile(tree, lockFileOf(of)) });
      return pipeline ?? vanished(file);
    },
    readData: (file) => readDvcFile(tree, file) ?? vanished(file),
  };
}

function gitIgnored(tree: Tree, paths: readonly TreePath[]): ReadonlySet<TreePath> {
  const gitRoot = tree.root === undefined ? undefined : findGitRoot(tree.root);
  if (tree.root === undefined || gitRoot === undefined) return new Set();
  const base = path.relative(gitRoot, tree.root).split(path.sep).join('/');
  const full = new Map(paths.map((file) => [base === '' ? file : `${base}/${file}`, file]));
  return new Set([...ignoredByGit(gitRoot, [...full.keys()])].flatMap((file) => full.get(file) ?? []));
}

function vanished(file: TreePath): never {
  throw new MlopsError('file_changed', `'${file}' vanished while the project was read`);
}

function collectUsed(pipelines: readonly PipelineFile[]): Map<TreePath, Map<string, PyValue>> {
  const used = new Map<TreePath, Map<string, PyValue>>();
  for (const pipeline of pipelines) {
    for (const name of pipeline.names()) {
      for (const [file, values] of pipeline.usedParams(name)) {
        const known = used.get(file) ?? new Map<string, PyValue>();
        for (const [key, value] of values) known.set(key, value);
        used.set(file, known);
      }
    }
  }
  return used;
}
