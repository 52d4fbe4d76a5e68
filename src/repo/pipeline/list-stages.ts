import * as path from 'node:path';

import type { MlopsError } from '../../base/index.ts';
import { pipelineFileName } from '../../project/index.ts';
import { collectStages } from '../open/collect.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { buildGraph } from '../open/graph.ts';
import { parseTarget, pipelineTargets } from './repro-targets.ts';
import { describeStages, type StageLine } from './stage-list.ts';

export interface ListStagesCommand {
  readonly targets?: readonly string[];
  readonly recursive?: boolean;
  /** Every stage of the project. */
  readonly all?: boolean;
  /** Throw for a file that cannot be read, instead of leaving it out. */
  readonly fail?: boolean;
  readonly onError?: (file: string, error: MlopsError) => void;
}

/** The stages of the project or of some targets, each with a description. */
export function listStages(repo: DataRepo, command: ListStagesCommand = {}): StageLine[] {
  if (command.all !== true) {
    return describeStages(pipelineTargets(readableFor(repo, command), command));
  }
  const onError = command.onError ?? (() => undefined);
  return describeStages(collectStages(repo.source, command.fail === true ? undefined : onError).stages);
}

/** The project as far as it can be read, where that is enough: an unreadable file only matters to its own stages. */
function readableFor(repo: DataRepo, command: ListStagesCommand): DataRepo {
  const broken = new Map<string, MlopsError>();
  const { stages } = collectStages(repo.source, (file, error) => broken.set(file, error));
  const targets = command.targets?.length ? command.targets : [pipelineFileName];
  for (const target of targets) {
    const file = path.relative(repo.root, path.resolve(repo.cwd, parseTarget(target).file));
    const error = broken.get(file.split(path.sep).join('/'));
    if (error !== undefined) throw error;
  }
  return { ...repo, stages: () => stages, graph: () => buildGraph(stages, (file) => repo.display(file)) };
}
