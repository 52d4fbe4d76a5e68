import {
  describeCommits,
  listExperimentRefs,
  listRemoteExperimentRefs,
  selectBaselines,
  type BaselineChoice,
  type ExperimentRef,
} from '../open/experiment-refs.ts';

export interface ListExperimentsOptions extends BaselineChoice {
  /** Name or URL of a Git remote to list instead of this repository. */
  readonly remote?: string | undefined;
}

/** Experiments that started from one commit. */
export interface ListedBaseline {
  readonly commit: string;
  /** Branch or tag. */
  readonly name: string | undefined;
  readonly experiments: readonly ExperimentRef[];
}

/** `exp list`: experiments by the commit that they started from. */
export function listExperiments(root: string, options: ListExperimentsOptions = {}): ListedBaseline[] {
  const wanted = options.allCommits === true ? undefined : new Set(selectBaselines(root, options));
  const { remote } = options;
  const refs = remote === undefined ? listExperimentRefs(root) : listRemoteExperimentRefs(root, remote);
  const groups = new Map<string, ExperimentRef[]>();
  for (const ref of refs) {
    if (wanted?.has(ref.baseline) === false) continue;
    groups.set(ref.baseline, [...(groups.get(ref.baseline) ?? []), ref]);
  }
  const names = describeCommits(root);
  return [...groups].map(([commit, experiments]) => ({ commit, name: names.get(commit), experiments }));
}
