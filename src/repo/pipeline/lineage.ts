import * as path from 'node:path';

import type { Dep, Out, Stage } from '../../project/index.ts';
import { absolutePath, isUrl } from '../open/pipeline-project.ts';
import type { Lineage } from './recorder.ts';

/** What a stage read and made, as recorded in it: deps, then outs. */
export function lineageOf(project: { readonly root: string }, stage: Stage): Lineage[] {
  const entry = (of: Dep | Out, role: Lineage['role']): Lineage => ({
    path: lineagePath(project, stage, of),
    role,
    md5: of.info?.md5,
    size: of.info?.size,
  });
  return [
    ...stage.deps.map((dep) => entry(dep, 'dep')),
    ...stage.outs.map((out) => entry(out, out.metric ? 'metric' : out.plot === undefined ? 'out' : 'plot')),
  ];
}

/** A dep, params file or out by its path from the root of the project; what a URL names by that. */
export function lineagePath(
  project: { readonly root: string },
  stage: Stage,
  entry: Parameters<typeof absolutePath>[2],
): string {
  if (entry.path !== undefined) return entry.path;
  if (isUrl(entry.defPath)) return entry.defPath;
  return path
    .relative(project.root, absolutePath(project, stage, entry))
    .split(path.sep)
    .join('/');
}
