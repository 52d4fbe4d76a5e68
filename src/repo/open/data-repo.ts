import type { Tree, TreePath } from '../../git/index.ts';
import type { ContentInfo, Out, ProjectConfig, Stage } from '../../project/index.ts';
import type { StageGraph } from './graph.ts';
import type { PipelineProject } from './pipeline-project.ts';

/** An open project as the data verbs see it: what pipelines need of one, and remotes, and writing stages. */
export interface DataRepo extends PipelineProject {
  readonly config: ProjectConfig;
  /** The name of the default remote, undefined when none is set. */
  readonly defaultRemote: string | undefined;
  /** Stages of the work tree, read once, and again after a write through this project. */
  stages(): readonly Stage[];
  /** Forgets the stages: for what writes files in another way (a `LockStore`, Git, the overrides of an experiment). */
  forget(): void;
  /**
   * The stages of one file: as `stages` has them, or read alone where the project as a whole cannot be read or passes the
   * file over (a folder that Git ignores). Empty where there is no such file for DVC.
   *
   * @throws MlopsError where the file itself cannot be read, or Git ignores it.
   */
  stagesIn(file: TreePath): readonly Stage[];
  graph(): StageGraph;
  /** Stages of another state of the project. */
  stagesOf(tree: Tree): readonly Stage[];
  /** Writes a `.dvc` file or a `dvc.lock` entry with new contents of its outs (and deps). */
  saveStage(stage: Stage): void;
  removeStageFile(file: TreePath): void;
  /** Gives a `dvc.yaml` or a `dvc.lock` another text. */
  writeFile(file: TreePath, text: string): void;
  /** Gives the project's lock back for the time of some work (a stage command, waiting) and takes it again after it. */
  unlocked<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Writes the index, gives the lock back. */
  close(): void;
}

/** A copy of a stage with other content in one of its outs. */
export function withOutInfo(stage: Stage, out: Out, info: ContentInfo): Stage {
  return { ...stage, outs: stage.outs.map((own) => (own === out ? { ...own, info } : own)) };
}
