import type { PyMap, PyValue } from '../base/index.ts';
import type { Tree, TreePath } from '../git/index.ts';
import { openPipelineFile, pipelineFileName, type PipelineFile, type Stage } from '../project/index.ts';
import { ReportFiles } from './report-files.ts';
import type { Revision } from './revisions.ts';

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
  const pipelines = findPipelines(tree, '').flatMap((file) => openPipelineFile(tree, file) ?? []);
  const stages = pipelines.flatMap((pipeline) => pipeline.stages());
  return {
    stages,
    metricFiles: pipelines.flatMap((pipeline) => pipeline.files('metrics')),
    paramFiles: pipelines.flatMap((pipeline) => pipeline.files('params')),
    plots: pipelines.map((pipeline) => ({ file: pipeline.file, plots: pipeline.plots() })),
    usedParams: collectUsed(pipelines),
    files: new ReportFiles(tree, stages, project.cacheDir),
  };
}

function findPipelines(tree: Tree, dir: TreePath): TreePath[] {
  const entries = tree.list(dir);
  const here = entries.flatMap(({ name }) => (name === pipelineFileName ? [dir === '' ? name : `${dir}/${name}`] : []));
  const below = entries.filter(({ name, kind }) => kind === 'dir' && name !== '.git' && name !== '.dvc');
  return [...here, ...below.flatMap(({ name }) => findPipelines(tree, dir === '' ? name : `${dir}/${name}`))];
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
