import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, MlopsError } from '../../base/index.ts';
import { openPipelineFile, updateYaml, type Stage } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { gitSide } from '../open/git-side.ts';
import { pipelineTargets } from './repro-targets.ts';
import { stageDefinition } from './stage-file.ts';

export interface FreezeReport {
  /** Stages whose dvc.yaml was changed: address and file as shown. */
  readonly modified: readonly { readonly name: string; readonly file: string }[];
  readonly gitFiles: readonly string[];
}

/**
 * Marks stages as frozen (their deps are not looked at), or takes the mark away.
 *
 * @throws MlopsError in DVC's words, naming the target, with exit status 1.
 */
export function setFrozen(repo: DataRepo, targets: readonly string[], frozen: boolean): FreezeReport {
  const git = gitSide(repo);
  const modified: { name: string; file: string }[] = [];
  for (const target of targets) {
    try {
      for (const stage of pipelineTargets(repo, { targets: [target] })) {
        if (stage.kind === 'data') freezeData(repo, stage, frozen);
        else {
          freezeStage(repo, stage, frozen);
          modified.push({ name: stage.name ?? '', file: repo.display(stage.file) });
        }
        git.changed(path.join(repo.root, stage.file));
      }
    } catch (error) {
      if (!isMlopsError(error)) throw error;
      const verb = frozen ? 'freeze' : 'unfreeze';
      throw new MlopsError(error.code, `failed to ${verb} '${target}' - ${error.message}`, {
        hint: error.hint,
        cause: error,
        exit: 1,
      });
    }
  }
  return { modified, gitFiles: git.finish() };
}

function freezeData(repo: DataRepo, stage: Stage, frozen: boolean): void {
  repo.saveStage({ ...stage, frozen });
}

function freezeStage(repo: DataRepo, stage: Stage, frozen: boolean): void {
  const name = stage.name ?? '';
  refuseTemplated(repo, stage);
  const file = path.join(repo.root, stage.file);
  const text = fs.readFileSync(file, 'utf8');
  const wdir = path.posix.relative(path.posix.join('/', stage.file, '..'), path.posix.join('/', stage.wdir));
  // As DVC, which writes the whole stage, in its own order of deps, params and outputs.
  const definition = stageDefinition({ ...stage, frozen }, wdir === '' ? undefined : wdir);
  const edited = updateYaml(text, stage.file, definition, ['stages', name]);
  if (edited !== text) repo.writeFile(stage.file, edited);
}

/** Stages made by templates have no place of their own in dvc.yaml that could be changed. */
function refuseTemplated(repo: DataRepo, stage: Stage): void {
  const pipeline = openPipelineFile(repo.tree, stage.file);
  if (pipeline === undefined || !pipeline.isTemplated(stage.name ?? '')) return;
  throw new MlopsError('bad_template', `cannot dump a parametrized stage: '${stage.address}'`, {
    hint: `edit ${repo.display(stage.file)} by hand`,
  });
}
