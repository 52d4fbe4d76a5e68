import * as fs from 'node:fs';
import * as path from 'node:path';

import { didYouMean, MlopsError } from '../../base/index.ts';
import { globPattern, pipelineFileName, type Stage } from '../../project/index.ts';
import { isStageFile } from '../open/collect.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { placeOfFile } from '../open/targets.ts';
import { postOrder } from './order.ts';

export interface PipelineTargetOptions {
  readonly targets?: readonly string[];
  readonly recursive?: boolean;
  readonly glob?: boolean;
}

/**
 * The stages that the targets of `repro`, `stage list` and the like mean: names and groups in the dvc.yaml
 * here, `sub/dvc.yaml:name`, stage files, folders with `recursive`, name patterns with `glob`. Without
 * targets the dvc.yaml where the user stands.
 *
 * @throws MlopsError `unknown_stage` in DVC's words, with the nearest name.
 */
export function pipelineTargets(repo: DataRepo, options: PipelineTargetOptions = {}): Stage[] {
  const { targets = [] } = options;
  const wanted = targets.length === 0 ? [pipelineFileName] : targets;
  return [...new Set(wanted.flatMap((target) => stagesOfTarget(repo, target, options)))];
}

function stagesOfTarget(repo: DataRepo, target: string, options: PipelineTargetOptions): Stage[] {
  const absolute = path.resolve(repo.cwd, target);
  if (options.recursive === true && fs.statSync(absolute, { throwIfNoEntry: false })?.isDirectory() === true) {
    return stagesInside(repo, absolute);
  }
  const { file, name } = parseTarget(target, options.glob === true);
  const inside = stagesOfFile(repo, file);
  if (name === undefined) return inside;
  const exact = inside.filter((stage) => stage.name === name);
  if (exact.length > 0) return exact;
  const group = inside.filter((stage) => stage.name?.startsWith(`${name}@`) === true);
  if (group.length > 0) return group;
  if (options.glob === true) {
    const pattern = globPattern(name);
    return inside.filter((stage) => stage.name !== undefined && pattern.test(stage.name));
  }
  // A group is a target too, and generated stages may be thousands.
  const names = [...new Set(inside.flatMap((stage) => stage.name?.split('@', 1) ?? []))];
  throw new MlopsError(
    'unknown_stage',
    `Stage '${name}' not found inside '${repo.display(treeFile(repo, file))}' file`,
    {
      hint:
        didYouMean(name, names) ?? (names.length === 0 ? undefined : `stages there: ${names.slice(0, 10).join(', ')}`),
    },
  );
}

/** All stages whose file is in a folder, producers first. */
function stagesInside(repo: DataRepo, folder: string): Stage[] {
  const graph = repo.graph();
  const prefix = treeFile(repo, folder);
  return postOrder(graph.stages, (stage) => graph.needs.get(stage) ?? []).filter(
    (stage) => prefix === '' || stage.file.startsWith(`${prefix}/`),
  );
}

function stagesOfFile(repo: DataRepo, file: string): Stage[] {
  const at = placeOfFile(repo, file) ?? treeFile(repo, file);
  const found = [...repo.stagesIn(at)];
  const absolute = path.resolve(repo.cwd, file);
  if (found.length > 0 || fs.existsSync(absolute)) return found;
  throw new MlopsError('unknown_stage', `'${absolute}' does not exist`, {
    hint: 'see the stages of the project: mlops stage list --all',
  });
}

function treeFile(repo: DataRepo, file: string): string {
  return path.relative(repo.root, path.resolve(repo.cwd, file));
}

/** `path:name` apart; a word that is no stage file is a name in the dvc.yaml here. */
export function parseTarget(target: string, glob = false): { file: string; name: string | undefined } {
  if (glob) {
    const colon = target.lastIndexOf(':');
    const file = colon <= 0 ? '' : target.slice(0, colon);
    const name = target.slice(colon + 1);
    if (file === '' && isStageFile(path.basename(name))) return { file: name, name: undefined };
    return { file: file === '' ? pipelineFileName : file, name: name === '' ? undefined : name };
  }
  const at = target.indexOf('@');
  const group = at < 0 ? target : target.slice(0, at);
  const match = /^(.*?)(?::([^\\/:]*))?$/.exec(group);
  const file = match?.[1] ?? '';
  const name = match?.[2];
  if (path.basename(file) === 'dvc.lock') {
    throw new MlopsError('unknown_stage', `Did you mean: \`${target.replace('.lock', '.yaml')}\`?`);
  }
  if (name === undefined || name === '') {
    return isStageFile(path.basename(target))
      ? { file: target, name: undefined }
      : { file: pipelineFileName, name: target };
  }
  const full = at < 0 ? name : `${name}${target.slice(at)}`;
  return { file: file === '' ? pipelineFileName : file, name: full };
}
