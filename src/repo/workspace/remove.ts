import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { removeOut, unprotect, type WorkOptions } from '../../data/index.ts';
import type { TreePath } from '../../git/index.ts';
import { editYaml, lockFileOf, parseYaml, type Stage } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { gitSide } from '../open/git-side.ts';
import { refuseBusy } from '../open/stage-paths.ts';
import { absoluteOut, selectStages } from '../open/targets.ts';

/**
 * Stops tracking: deletes `.dvc` files, or stages from dvc.yaml and dvc.lock, and Git's ignore lines. Data
 * stays in the workspace (as plain files) unless `outs` says otherwise, and in the cache.
 * @throws MlopsError `unknown_stage`.
 */
export function remove(repo: DataRepo, targets: readonly string[], options: { readonly outs?: boolean } = {}): void {
  for (const target of targets) {
    const stages = stagesToRemove(repo, target);
    refuseBusy(repo, stages, 'change');
    for (const stage of stages) {
      removeOuts(repo, stage, options.outs === true);
      removeStage(repo, stage);
    }
  }
}

/** The stages that a target of `remove` stands for. @throws MlopsError `unknown_stage`. */
export function stagesToRemove(repo: DataRepo, target: string): Stage[] {
  const selected = selectStages(repo, [target]);
  if (selected.every(({ only }) => only === undefined)) return selected.map(({ stage }) => stage);
  const isOut = fs.existsSync(path.resolve(repo.cwd, `${target}.dvc`));
  throw new MlopsError(
    'unknown_stage',
    isOut ? `'${target}' is not a .dvc file` : `'${target}' is not a stage or a .dvc file`,
    {
      hint: isOut ? `Do you mean '${target}.dvc'?` : 'name the stage that makes it',
    },
  );
}

function removeOuts(repo: DataRepo, stage: Stage, outs: boolean): void {
  const side = gitSide(repo);
  for (const out of stage.outs) {
    if (out.path === undefined) continue;
    const target = absoluteOut(repo, out);
    if (outs) removeOut(repo.data, target);
    else {
      if (out.cache && fs.existsSync(target)) unprotect(repo.data, target);
      repo.data.index.putLink(out.path, undefined);
    }
    if (out.cache) side.unignore([target]);
  }
}

function removeStage(repo: DataRepo, stage: Stage): void {
  if (stage.kind === 'data') {
    repo.removeStageFile(stage.file);
    return;
  }
  const [group = ''] = (stage.name ?? '').split('@');
  dropKey(repo, stage.file, [stage.name ?? '', group]);
  dropKey(repo, lockFileOf(stage.file), [stage.name ?? '']);
}

/** Takes the first of the names that is there out of `stages`; a file without stages left is deleted. */
function dropKey(repo: DataRepo, file: TreePath, names: readonly string[]): void {
  const target = path.join(repo.root, file);
  if (!fs.existsSync(target)) return;
  const text = fs.readFileSync(target, 'utf8');
  const data = parseYaml(text, file);
  const stages = data instanceof Map ? data.get('stages') : undefined;
  if (!(data instanceof Map) || !(stages instanceof Map)) return;
  const name = names.find((candidate) => stages.has(candidate));
  if (name === undefined) return;
  const others = [...data.keys()].filter((key) => key !== 'stages' && key !== 'schema');
  const without = (key: readonly string[]): string => editYaml(text, file, [{ op: 'delete', path: [...key] }]);
  if (stages.size > 1) repo.writeFile(file, without(['stages', name]));
  else if (others.length > 0) repo.writeFile(file, without(['stages']));
  else repo.removeStageFile(file);
}

/** Turns links of outputs (or of any path) into plain files that can be edited. */
export function unprotectTargets(repo: DataRepo, targets: readonly string[], options: WorkOptions = {}): number {
  return targets.reduce((count, target) => {
    const file = path.resolve(repo.cwd, target);
    if (!fs.existsSync(file)) {
      throw new MlopsError('object_missing', `can't unprotect non-existing data '${target}'`, { exit: 255 });
    }
    return count + unprotect(repo.data, file, options);
  }, 0);
}
