import type { MlopsError } from '../base/index.ts';
import { collectStages } from './collect.ts';
import type { DataRepo } from './data-repo.ts';
import { pipelineTargets } from './repro-targets.ts';
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
  if (command.all !== true) return describeStages(pipelineTargets(repo, command));
  const onError = command.onError ?? (() => undefined);
  return describeStages(collectStages(repo.source, command.fail === true ? undefined : onError).stages);
}
