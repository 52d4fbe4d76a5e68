import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import type { Stage } from '../../project/index.ts';
import { absolutePath, isUrl, type PipelineProject } from './pipeline-project.ts';
import { RwLock, type Paths } from '../guard/rw-lock.ts';

/** The files of the workspace that the command of a stage reads and writes. */
export function pathsOf(project: PipelineProject, stage: Stage): Paths {
  const local = (entry: { readonly defPath: string }): boolean => !isUrl(entry.defPath);
  const here = stage.deps.filter((dep) => dep.repo === undefined);
  return {
    read: [...here.filter(local), ...stage.params].map((entry) => absolutePath(project, stage, entry)),
    write: stage.outs.filter(local).map((out) => absolutePath(project, stage, out)),
  };
}

/**
 * The project is unlocked while commands of stages run; what those read or write is then only protected by
 * DVC's `rwlock`. Looking at a stage that is being worked on, or changing its outputs, is refused as DVC does.
 * @throws MlopsError `path_busy`.
 */
export function refuseBusy(project: PipelineProject, stages: Iterable<Stage>, use: 'look' | 'change'): void {
  const all = [...stages].map((stage) => pathsOf(project, stage));
  const read = all.flatMap((paths) => (use === 'look' ? [...paths.read, ...paths.write] : paths.read));
  const write = use === 'look' ? [] : all.flatMap((paths) => paths.write);
  const folder = path.join(project.root, '.dvc/tmp');
  const busy = new RwLock(folder, '').conflict({ read, write });
  if (busy === undefined) return;
  const { pid, cmd } = busy.holder;
  throw new MlopsError('path_busy', `'${busy.path}' is busy, it is being blocked by:\n  (PID ${pid}): ${cmd}`, {
    hint: `wait for it to finish; if there is no such process, remove '${path.join(folder, 'rwlock')}'`,
    data: { pid, path: busy.path },
  });
}
