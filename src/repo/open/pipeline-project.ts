import * as path from 'node:path';

import type { DataContext } from '../../data/index.ts';
import type { Tree, TreePath } from '../../git/index.ts';
import type { ContentInfo, Out, Stage } from '../../project/index.ts';
import type { RemoteOptions } from '../../storage/index.ts';
import type { OutputPlaces } from '../../trust/index.ts';
import type { CollectSource } from './collect.ts';

export interface RemoteSection {
  readonly name: string;
  /** Resolved: absolute for folders, `remote://` followed. */
  readonly url: string;
  readonly options: RemoteOptions;
}

/** What running, comparing and listing stages needs of an open project. */
export interface PipelineProject {
  /** Absolute path of the project. */
  readonly root: string;
  /** Absolute path of where the user stands; messages and addresses are relative to it. */
  readonly cwd: string;
  /** Environment of the person, which the commands of stages inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How this command was given; others who wait for its locks are told. */
  readonly commandLine: string;
  readonly tree: Tree;
  readonly source: CollectSource;
  readonly data: DataContext;
  /** Root of the Git repository around the project, undefined without Git (or with `core.no_scm`). */
  readonly gitRoot: string | undefined;
  /** `core.autostage`: changed files are staged at the end. */
  readonly autostage: boolean;
  /** Absolute path of `.mlops`. */
  readonly stateDir: string;
  /** Where outputs may lie. */
  readonly places: OutputPlaces;
  /** The default remote, or the named one; undefined when there is no default. @throws MlopsError `bad_config` for an unknown name. */
  remote(name?: string): RemoteSection | undefined;
  /** A tree path as the user sees it. */
  display(file: TreePath): string;
  /** Writes the contents of a `.dvc` file's outputs after a commit. */
  saveDataStage(stage: Stage, contents: ReadonlyMap<Out, ContentInfo>): void;
}

/** The absolute path of a dep, params file or out of a stage. */
export function absolutePath(
  project: { readonly root: string },
  stage: Stage,
  entry: { readonly defPath: string; readonly path?: TreePath | undefined },
): string {
  if (entry.path !== undefined) return path.join(project.root, entry.path);
  return path.resolve(project.root, stage.wdir, entry.defPath);
}

/** How messages name a dep, params file or out: relative to where the user stands, as written outside. */
export function shownPath(
  project: PipelineProject,
  stage: Stage,
  entry: { readonly defPath: string; readonly path?: TreePath | undefined },
): string {
  if (entry.path !== undefined) return project.display(entry.path);
  return isUrl(entry.defPath) || path.isAbsolute(entry.defPath) ? entry.defPath : absolutePath(project, stage, entry);
}

/** Whether a path of a stage, or where data comes from, is a URL. (For paths in config files DVC has a rule of its own.) */
export function isUrl(defPath: string): boolean {
  return /^[a-zA-Z][\w+.-]*:\/\//.test(defPath);
}
