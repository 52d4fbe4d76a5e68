import type { DataRepo } from '../../repo/open/data-repo.ts';
import { freshName } from '../../repo/experiments/experiment-names.ts';
import { applyOverrides, parseOverrides } from '../../repo/experiments/experiment-overrides.ts';
import { listExperimentRefs } from '../../repo/open/experiment-refs.ts';
import { experimentBaseline, refuseTakenName, saveExperiment } from '../../repo/experiments/experiment-save.ts';
import { recordedRepro, type RecordedReproOptions } from './repro.ts';

export interface ExperimentRunOptions extends RecordedReproOptions {
  readonly name?: string | undefined;
  /** `key=value` overrides of params; several values make a grid. */
  readonly set?: readonly string[];
  readonly message?: string | undefined;
  /** Files that Git does not track, to be saved with the experiment (absolute). */
  readonly include?: readonly string[];
  /** Told before each experiment. */
  readonly onExperiment?: (name: string) => void;
}

/**
 * Runs the pipeline with changed params in the workspace, and saves each result as an experiment on top of
 * HEAD, where `exp show` and DVC find it. A grid is run combination by combination.
 *
 * @returns names of the experiments.
 * @throws MlopsError what `repro` throws; `usage` for a name that is taken.
 */
export async function runExperiments(repo: DataRepo, options: ExperimentRunOptions): Promise<string[]> {
  const baseline = experimentBaseline(repo);
  const combinations = parseOverrides(options.set ?? []);
  const names: string[] = [];
  const taken = new Set(listExperimentRefs(repo.root).map((ref) => ref.name));
  for (const [index, overrides] of combinations.entries()) {
    const given =
      options.name === undefined || combinations.length === 1 ? options.name : `${options.name}-${index + 1}`;
    const name = given ?? freshName(taken);
    taken.add(name);
    refuseTakenName(repo, baseline, name, options.force === true);
    applyOverrides(repo.root, overrides);
    repo.forget();
    options.onExperiment?.(name);
    await recordedRepro(repo, {
      ...options,
      command: `exp run ${name}`,
      variables: { ...options.variables, DVC_EXP_NAME: name, DVC_EXP_BASELINE_REV: baseline },
    });
    if (options.dry !== true) {
      saveExperiment(repo, {
        name,
        force: options.force === true,
        message: options.message,
        include: options.include ?? [],
      });
    }
    names.push(name);
  }
  return names;
}
